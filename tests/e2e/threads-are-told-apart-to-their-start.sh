#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Eight threads grow at once by eight different functions: each is credited with its own.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/growth.bash"

cgroup_new app 192
record_growth threads app -- "$WORKLOADS/threads" 144M "$(rest_ms)"
grew=0
for name in first second third fourth fifth sixth seventh eighth; do
	# An emulated processor does not empty the ring in time: fewer samples, by their own error.
	credited_as_told threads "grow_$name" 5 $([[ ${OOMTRAIL_TEST_SLOWER:-1} -eq 1 ]] || echo fewer)
	grew=$((grew + $(truth threads "bytes.grow_$name")))
done
equal "what they have grown" "$grew" $((144 << 20))
at_least "complete stacks" "$(credited_complete)" "$grew" 95
