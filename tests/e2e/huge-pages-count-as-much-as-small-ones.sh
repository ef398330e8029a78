#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The same memory by huge pages and by small ones is the same growth of the same function.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/growth.bash"

cgroup_new app 160
record_growth small app -- "$WORKLOADS/huge" off 96M
equal "huge pages where there should be none" "$(truth small huge_bytes)" 0
credited_as_told small fill 5

record_growth huge app -- "$WORKLOADS/huge" on 96M
[[ $(truth huge huge_bytes) -ge $((90 << 20)) ]] ||
	skip "this kernel gave $(truth huge huge_bytes) bytes by huge pages"
credited_as_told huge fill 5
