#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# cgroup v1, memory.oom_control with oom_kill_disable=1: a process that needs more waits for ever
# and no one dies. There is no incident, but the report says which cgroup holds whom back, since
# when, and that it was over; also of a process that waited before the recording began, and only of
# the level that is full.
# vm: --cgroup v1
. "$(dirname "$0")/lib.sh"

for name in early late brief; do
	cgroup_new "$name" 16
	may_not_kill "$name"
done
# The parent is full; the child, nearly full itself, inherits what it may not.
cgroup_new parent 16
may_not_kill parent
cgroup_new parent/child 17
echo $((33 << 19)) >"$(cgroup_file parent/child limit)" # 16.5 MiB

cgroup_start early early "$WORKLOADS/grow" --total 48M --rate 200M
early=$STARTED
wait_for 'tasks_wait early'

record_start -a --report "text=$WORK/live.txt" --report "json=$WORK/live.json"
for name in late brief parent/child; do
	cgroup_start "${name%/*}" "$name" "$WORKLOADS/grow" --total 48M --rate 200M --hold 120
	eval "pid_${name%/*}=$STARTED"
	wait_for "tasks_wait $name"
done
# The reader looks once a second; what is over sooner may go unseen.
sleep_until=$((SECONDS + 3))
wait_for '[[ $SECONDS -ge $sleep_until ]]'
echo $((80 << 20)) >"$(cgroup_dir brief)/memory.memsw.limit_in_bytes"
echo $((80 << 20)) >"$(cgroup_file brief limit)"
wait_for '[[ $(truth brief done) == 1 ]]'
! tasks_wait brief || fail "still waits with a higher limit"
for name in early late parent; do
	tasks_wait "$name" || fail "$name does not wait"
done
record_stop
kill -0 "$early" || fail "the first one is gone"

sed -n '/^HELD BACK/,/^$/p' "$WORK/report.txt"
live_equals_replay
json_is '.incidents == []'
json_is '[.held_back[] | select(.cgroup | contains($tag)) | .cgroup] | sort == $all' tag "$TAG" \
	all "[\"$(cgroup_path brief)\",\"$(cgroup_path early)\",\"$(cgroup_path late)\",\"$(cgroup_path parent)\"]"
held='.held_back[] | select(.cgroup == $cgroup) | .why == "oom_kill_disable" and
      .limit_bytes == 16777216 and .usage_bytes > 15700000 and .usage_bytes <= 16777216 and .times == 1'
json_is "$held and .over == false and .began_before and [.processes[].pid] == [\$pid]" \
	cgroup "$(cgroup_path early)" pid "$early"
json_is "$held and .over == false and (.began_before | not) and [.processes[].pid] == [\$pid]" \
	cgroup "$(cgroup_path late)" pid "$pid_late"
json_is "$held and .over == false and [.processes[].pid] == [\$pid]" \
	cgroup "$(cgroup_path parent)" pid "$pid_parent"
json_is "$held and .over and .ended_ms > .from_ms" cgroup "$(cgroup_path brief)"
text_has "^  waits +$(cgroup_path late): full \(16 MiB (of memory and swap )?in use of 16 MiB\), and its OOM killer is switched off .*tasks wait since \+[0-9.]+ s, still so at the end\. In it: grow, pid $pid_late\. To end it: raise "
text_has "^  waits +$(cgroup_path early): .* since before the recording"
text_has "^  waited +$(cgroup_path brief): .*tasks waited since \+[0-9.]+ s and no longer at \+"
