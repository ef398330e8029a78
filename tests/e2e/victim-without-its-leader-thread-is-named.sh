#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The leader thread has left; another one grows until the kernel kills the process.
. "$(dirname "$0")/lib.sh"

cgroup_new full 64
record_start -a
cgroup_start grow full "$WORKLOADS/leaderless" 90M
join "$STARTED"
equal "status" "$STATUS" 137
record_stop

pid=$(truth grow pid)
[[ $(truth grow leader) == gone && $(truth grow tid) != "$pid" ]] || fail "the workload did not do its part"
json_is '.incidents | length == 1'
json_is '.incidents[0].victim | .pid == $pid and .comm == "leaderless" and .cgroup == $cgroup and
	 .memory.anon_bytes > 50 * 1048576' pid "$pid" cgroup "$(cgroup_path full)"
json_is '.incidents[0].trigger.pid == $pid and .incidents[0].culprit.pid == $pid' pid "$pid"
json_is '.incidents[0].trajectory.victim[-1].anon_bytes > 50 * 1048576'
