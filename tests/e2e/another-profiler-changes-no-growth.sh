#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Another profiler reads stacks within the page faults that are followed, also where nothing is: its
# looks are nobody's growth, and hide none.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/growth.bash"

cgroup_new app 256
cgroup_start profiler "" "$WORKLOADS/profiler"
profiler=$STARTED
wait_for '[[ $(truth profiler ready) == 1 ]] || gone "$profiler"'
! gone "$profiler" || skip "no stacks by page fault here: $(cat "$WORK/profiler.err")"
record_growth shares app -- "$WORKLOADS/shares" 200M
kill -TERM "$profiler"
join "$profiler"
[[ $(truth profiler bytes) -gt $((1 << 20)) ]] || fail "the profiler has seen nothing"

for function in decode_image parse_rows keep_session log_line; do
	credited_as_told shares "$function" 6
done
growth_is '.explained_ratio | . >= 0.95 and . <= 1.1'
