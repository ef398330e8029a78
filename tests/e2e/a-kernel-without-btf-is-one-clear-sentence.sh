#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# No /sys/kernel/btf/vmlinux: nothing can be loaded, and that is said.
. "$(dirname "$0")/lib.sh"

need_root
without_btf()
{
	refused 1 'BTF' unshare -m sh -c 'mount -t tmpfs none /sys/kernel/btf && exec "$@"' sh \
		"$OOMTRAIL" "$@"
}
without_btf record -a -o "$WORK/run.trail"
without_btf watch --dir "$WORK/flight"
without_btf doctor
[[ ! -e $WORK/run.trail ]] || fail "a file was left behind"
