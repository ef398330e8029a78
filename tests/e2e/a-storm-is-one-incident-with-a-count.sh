#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# deadline: 300
#
# One cgroup killed and started again and again: one folder with the first window, every kill
# listed, also those that come when the window has ended; another cgroup is another incident.
# not in a vm: what is tested lies in user space and in files, the same on every kernel
. "$(dirname "$0")/lib.sh"

kill_in() # CGROUP LABEL
{
	oom_kill "$2" "$1" 64
	PIDS+=("$(truth "$2" pid)")
}

listed() # ID: pids of its kills
{
	jq -r '.killed[].pid' "$FLIGHT/incidents/$1/incident.json"
}

cgroup_new storm 32
cgroup_new other 32
watch_start
PIDS=()
for i in 1 2 3; do
	kill_in storm "burst$i"
done
wait_for_incidents 1
storm=$ID
wait_for_reports "$storm"
first_window=$(sha256sum <"$FLIGHT/incidents/$storm/window.trail")
equal "kills of the first window" "$(listed "$storm" | sort -n | xargs)" \
	"$(printf '%s\n' "${PIDS[@]}" | sort -n | xargs)"

# The same cgroup made anew has another id in the kernel; the cause is the same.
wait_for 'rmdir "$(cgroup_dir storm)" 2>/dev/null'
cgroup_new storm 32
kill_in storm later1
kill_in storm later2
first_pids=("${PIDS[@]}")
wait_for '[[ $(listed "$storm" | wc -l) -eq 5 ]]' 60
equal "kills of the storm" "$(listed "$storm" | sort -n | xargs)" \
	"$(printf '%s\n' "${first_pids[@]}" | sort -n | xargs)"
equal "incidents of ours" "$(our_incidents | wc -l)" 1
equal "the first window" "$(sha256sum <"$FLIGHT/incidents/$storm/window.trail")" "$first_window"
cp "$FLIGHT/incidents/$storm/incident.json" "$WORK/report.json"
json_is '.victim.pid == $pid' pid "${first_pids[0]}"
json_is '.storm.count == 5 and .storm.last_ms > .storm.first_ms'
"$OOMTRAIL" report --dir "$FLIGHT" "$storm" --format json | cmp - "$WORK/report.json" ||
	fail "stored and replayed differ"
"$OOMTRAIL" incidents --dir "$FLIGHT" --kills >"$WORK/kills.txt"
for pid in "${first_pids[@]}"; do
	grep -Eq "\b$pid\b" "$WORK/kills.txt" || fail "kill of $pid is not listed"
done

kill_in other another
wait_for_incidents 2
[[ $ID != "$storm" ]] || fail "another cause went into the storm"
watch_stop
