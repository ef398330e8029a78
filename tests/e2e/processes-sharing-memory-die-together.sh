#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Two processes on one mm: the kernel marks one of them and kills both.
. "$(dirname "$0")/lib.sh"

cgroup_new full 64
record_start -a
cgroup_start grow full "$WORKLOADS/shared_mm" 90M
join "$STARTED"
equal "status" "$STATUS" 137
child=$(truth grow child_pid)
wait_for 'gone "$child"'
record_stop

pid=$(truth grow pid)
json_is '.incidents | length == 1'
json_is '[.incidents[0].killed[].pid] | sort == ([$pid, $child] | sort)' pid "$pid" child "$child"
json_is '[.kills[] | select(.target.pid == $pid or .target.pid == $child) | .class] | sort == ["oom", "oom-shared-mm"]' pid "$pid" child "$child"
