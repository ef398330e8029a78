#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# record without privileges: one sentence, status 1, no file.
. "$(dirname "$0")/lib.sh"

need_root
chmod 711 "$WORK"
mkdir -m 777 "$WORK/open"
cp "$OOMTRAIL" "$WORK/open/oomtrail"
refused 1 'root|privilege|CAP_' setpriv --reuid=65534 --regid=65534 --clear-groups \
	"$WORK/open/oomtrail" record -a -o "$WORK/open/run.trail"
[[ ! -e $WORK/open/run.trail ]] || fail "a file was left behind"
