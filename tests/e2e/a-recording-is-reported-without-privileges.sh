#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Replay needs no root: an ordinary user gets the same bytes as root.
. "$(dirname "$0")/lib.sh"

need_root
TRAIL=$WORK/run.trail
"$OOMTRAIL" record -o "$TRAIL" -- "$WORKLOADS/grow" --total 16M >"$WORK/out" 2>"$WORK/record.err"
reports
chmod 711 "$WORK"
chmod 644 "$TRAIL"
mkdir -m 755 "$WORK/open"
cp "$OOMTRAIL" "$WORK/open/oomtrail"
setpriv --reuid=65534 --regid=65534 --clear-groups "$WORK/open/oomtrail" report "$TRAIL" \
	>"$WORK/user.txt" || fail "status $?"
cmp "$WORK/report.txt" "$WORK/user.txt" || fail "an ordinary user gets another report"
