#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The recording or the report cannot be written: said before anything is recorded.
# not in a vm: what is tested lies in user space and in files, the same on every kernel
. "$(dirname "$0")/lib.sh"

need_root
refused 1 '/nonexistent/run.trail' "$OOMTRAIL" record -a -o /nonexistent/run.trail --duration 1s
mkdir "$WORK/folder"
refused 1 "$WORK/folder" "$OOMTRAIL" record -a -o "$WORK/folder" --duration 1s

"$OOMTRAIL" record -o "$WORK/run.trail" -- true 2>"$WORK/record.err" || fail "record: status $?"
refused 1 '/nonexistent/report' "$OOMTRAIL" report "$WORK/run.trail" -o /nonexistent/report
STATUS=0
"$OOMTRAIL" report "$WORK/run.trail" >/dev/full 2>"$WORK/refused" || STATUS=$?
equal "status with a full stdout" "$STATUS" 1
one_sentence "$WORK/refused"
