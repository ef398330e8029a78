#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Programs that execute others before they have grown by another step: what samples saw of them and
# what the kernel's counters told is the same, but for what is said of the error.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/growth.bash"

printf '6.10\n%s\n' "$(uname -r)" | sort -VC ||
	skip "before Linux 6.10 nothing tells when a program executes another, until it has"
need_root
TRAIL=$WORK/run.trail
"$OOMTRAIL" record -o "$TRAIL" --sample 64K -- \
	sh -c 'i=0; while [ "$i" -lt 40 ]; do env env env env /bin/true; i=$((i + 1)); done' \
	>"$WORK/run.out" 2>"$WORK/record.err" </dev/null || fail "record ended with status $?"
reports
[[ $(json_value .growth.rose_bytes) -gt $((40 * 5 * (1 << 20))) ]] ||
	fail "201 programs rose by $(json_value .growth.rose_bytes) bytes"
growth_is '(.growth | .sampled_bytes - .rose_bytes | fabs) < 3 * .growth.explained_error_bytes + .growth.rose_bytes / 20'
