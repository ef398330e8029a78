#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Under lockdown=confidentiality BPF may not read kernel memory.
. "$(dirname "$0")/lib.sh"

need_root
[[ -d /sys/kernel/security ]] || skip "no /sys/kernel/security"
refused 1 'lockdown' unshare -m sh -c 'mount -t tmpfs none /sys/kernel/security &&
	echo "none integrity [confidentiality]" >/sys/kernel/security/lockdown && exec "$@"' sh \
	"$OOMTRAIL" record -a -o "$WORK/run.trail"
[[ ! -e $WORK/run.trail ]] || fail "a file was left behind"
