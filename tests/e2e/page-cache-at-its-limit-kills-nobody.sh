#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Reading files fills a cgroup to its limit and kills nobody: there is no incident, and nobody is said
# to leak.
. "$(dirname "$0")/lib.sh"

cgroup_new app 64
head -c 256M /dev/urandom >"$WORK/large"
record_start -a
cgroup_run app sh -c 'cat "$1" >/dev/null; cat "$1" >/dev/null' sh "$WORK/large"
record_stop
equal "kills by the kernel" "$(kernel_kills app)" 0
json_is '.incidents | length == 0'
if grep -q '^VERDICT' "$WORK/report.txt"; then
	fail "a verdict without a kill"
fi
