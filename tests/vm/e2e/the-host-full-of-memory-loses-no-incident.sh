#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The whole machine runs out of memory, and no cgroup had a limit: the recorder lives on, writes its
# incident without taking any, and the report names the victim and the host.
# vm: --memory 512M --slower 8
. "$(dirname "$0")/../../e2e/lib.sh"

watch_start
# A kernel that is short of memory moves locked pages together as well, and one that is being moved
# is not there: a page fault that takes no memory. Here every page fault is one too many.
echo 0 >/proc/sys/vm/compact_unevictable_allowed
# Where it faults, should it: a figure alone says too little to find the reason.
TRACING=/sys/kernel/tracing
ls "/proc/$WATCHER/task" >"$TRACING/set_event_pid"
for event in user kernel; do
	echo 1 2>/dev/null >"$TRACING/events/exceptions/page_fault_$event/enable" || true
done
# More than there is, by several: one takes no more than a workload may.
for ((i = 0; i < 4; i++)); do
	cgroup_start "hog$i" "" "$WORKLOADS/grow" --total $((130 + 20 * i))M --rate 60M --hold 120
done
wait_for '[[ $(sed -n "s/^oom_kill //p" /proc/vmstat) -ge 1 ]]' 100
wait_for '[[ $(logged "incident .* page faults, ") -ge 1 ]]' 30
! gone "$WATCHER" || watch_failed "the recorder died"
ID=$(basename "$(echo "$FLIGHT"/incidents/*-grow-*)")
killed=${ID##*-}
free_kib=$(sed -n 's/^MemAvailable: *\([0-9]*\) kB/\1/p' /proc/meminfo)
echo "killed $killed, $free_kib KiB available after it"

[[ -s $FLIGHT/incidents/$ID/window.trail ]] || watch_failed "no window"
jq -e --argjson pid "$killed" '.victim.pid == $pid' "$FLIGHT/incidents/$ID/incident.json" \
	>/dev/null || watch_failed "another victim"
[[ -n $(kernel_kill_line "$killed") ]] || fail "the kernel knows nothing of it"
grep "incident $ID" "$WORK/watch.err"
if [[ $(logged "incident $ID: .* 0 page faults, 0 bytes of heap taken") -ne 1 ]]; then
	tail -n 50 "$TRACING/trace"
	cat "/proc/$WATCHER/maps"
	watch_failed "phase one took memory"
fi

wait_for_reports "$ID" 120
sed -n 1,8p "$WORK/report.txt"
json_is '.victim.pid == $pid and .victim.comm == "grow" and .constraint == "global"' pid "$killed"
text_has "^KILLED +grow, pid $killed: "
text_has "^LIMIT +the whole host: "
watch_stop
