#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Whoever reads the samples does not get to run while a process grows by more than there is room for:
# fewer are taken then, each weighs more, and their sum is what it was.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/growth.bash"

cgroup_new app 256
record_start -c "$(cgroup_path app)" --sample 64K
worker=$(cat "/proc/$RECORDER/task/$RECORDER/children")
worker=${worker%% *}
[[ -n $worker ]] || fail "nobody reads the samples"
kill -STOP "$worker"
STARTED_PIDS+=("$worker") # to go on, whatever happens
cgroup_start shares app "$WORKLOADS/shares" 200M
wait_for '[[ -n $(truth shares bytes.log_line) ]]'
kill -CONT "$worker"
unset 'STARTED_PIDS[-2]'
join "$STARTED"
equal "status of shares" "$STATUS" 0
record_stop

PID=$(truth shares pid)
json_is '[.losses.rows[] | select(.kind == "growth").count] | add // 0 | . <= 20'
about "all of it" "$(credited_in_all)" "$(peak_of "$PID")" $((30 << 20))
at_least "complete stacks" "$(credited_complete)" "$(credited_in_all)" 95
json_is '.growth.samples | . > 300 and . < 2400'
