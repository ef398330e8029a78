#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The process that names stacks waits for what does not come, as for a file system that is gone:
# that is said, and another one takes its place.
# deadline: 180
# not in a vm: who listens to whom lies in user space, the same on every kernel
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/growth.bash"

cgroup_new app 64
watch_start
first=$(naming "$WATCHER") || fail "nobody names stacks"
kill -STOP "$first"
wait_for '[[ $(logged "names stacks ended early \(it has said nothing for 60 s\): another one is started") -eq 1 ]]' 100
wait_for 'gone "$first" && [[ -n $(naming "$WATCHER") ]]'
cgroup_start shares app "$WORKLOADS/shares" 200M
join "$STARTED"
equal "status of the victim" "$STATUS" 137
wait_for_incidents 1
wait_for_reports "$ID"
watch_stop
equal "ends of those that name" "$(logged "names stacks ended early")" 1
PID=$(truth shares pid)
growth_is 'any(of($pid)[]; calls("parse_rows"))' pid "$PID"
