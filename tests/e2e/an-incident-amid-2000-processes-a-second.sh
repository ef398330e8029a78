#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Two thousand processes come and go every second, in bounded memory, and the kill among them is
# told as if there were nothing else.
# not in a vm: an emulated processor does not manage 2000 processes a second
. "$(dirname "$0")/lib.sh"

cgroup_new full 32
watch_start --memory 8M --window 1m
cgroup_start churn "" "$WORKLOADS/churn" 2000 15
rss_kib() { sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$WATCHER/status"; }
before=$(rss_kib)
oom_kill grow full 64
pid=$(truth grow pid)
wait_for_incidents 1
join "$(truth churn pid)" 60
made=$(truth churn made)
[[ $made -ge 20000 ]] || skip "this machine manages $made processes in 15 s, not 2000 a second"
wait_for_reports "$ID" 60
json_is '.victim | .pid == $pid and .cgroup == $cgroup' pid "$pid" cgroup "$(cgroup_path full)"
json_is ".culprit.pid == \$pid" pid "$pid"
json_is ".losses.events == 0"
after=$(rss_kib)
[[ $((after - before)) -lt 8192 ]] || fail "the recorder grew from $before to $after KiB"
[[ $(find "$FLIGHT/window" -name '*.trail' | wc -l) -gt 1 ]] || fail "the window never rolled"
for chunk in "$FLIGHT"/window/*.trail; do
	"$OOMTRAIL" info --verify "$chunk" >"$WORK/info.txt" 2>&1 ||
		grep -q 'still\|not closed\|INCOMPLETE\|incomplete' "$WORK/info.txt" ||
		fail "$(basename "$chunk"): $(cat "$WORK/info.txt")"
done
watch_stop
