#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Recorder and hog share the cgroup that runs full. The recorder has exempted itself from the OOM
# killer, where it may (it may here), within a bound of its own: the hog dies, and the recorder writes
# the incident without taking memory.
# vm: --cgroup v2
# vm: --cgroup v1
. "$(dirname "$0")/../../e2e/lib.sh"

cgroup_new shared 96
watch_start_in shared
equal "the recorder's oom_score_adj" "$(cat "/proc/$WATCHER/oom_score_adj")" -1000
grep -qE "^Max data size +[0-9]+ " "/proc/$WATCHER/limits" || fail "it has no bound"
keeper=$(pgrep -P "$WATCHER" -x oomtrail-keeper) || fail "nobody starts who names stacks"
namer=$(pgrep -P "$keeper" -x oomtrail-stacks) || fail "nobody names stacks"
equal "its keeper's oom_score_adj" "$(cat "/proc/$keeper/oom_score_adj")" -1000
equal "the oom_score_adj of who names stacks" "$(cat "/proc/$namer/oom_score_adj")" 0

pids=()
for ((kill = 1; kill <= 3; kill++)); do
	oom_kill "hog$kill" shared 120
	pids+=("$(truth "hog$kill" pid)")
	! gone "$WATCHER" || watch_failed "the recorder died with hog $kill"
	! gone "$keeper" || watch_failed "who starts the one that names stacks died with hog $kill"
done
# Who names stacks is exempt from nothing, and is started again: each of its deaths is told, when who
# starts it has seen it.
wait_for '[[ $(kernel_kills shared) == \
	$((3 + $(logged "names stacks ended early .killed by signal 9"))) ]]'
wait_for_incidents 1
grep "page faults" "$WORK/watch.err"
equal "what phase one took" "$(logged "incident $ID: .* 0 page faults, 0 bytes of heap taken")" 1
wait_for_reports "$ID" 120
# Where the kernel asks for memory on the recorder's behalf, or who names stacks does, that is the one
# that found none.
json_is '.victim.pid == $pid and (.trigger.pid == $pid or (.trigger.comm | startswith("oomtrail")))' \
	pid "$(truth hog1 pid)"
json_is '.domain.cgroup == $cgroup and .domain.limit_bytes == $limit and .victim.cgroup == $cgroup' \
	cgroup "$(cgroup_path shared)" limit $((96 << 20))
json_is '[.killed[].pid | select(IN($pids[]))] == $pids' pids "[$(IFS=,; echo "${pids[*]}")]"
! gone "$WATCHER" || watch_failed "the recorder died"
watch_stop
