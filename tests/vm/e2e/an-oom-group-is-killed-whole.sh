#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# memory.oom.group, set on the full level and then on a child below the full parent: all three
# processes die in one incident, the victim and who died with it are the kernel's own, and the
# counts agree with what the kernel counted.
# vm: --cgroup v2
. "$(dirname "$0")/../../e2e/lib.sh"

events() # NAME KEY: of memory.events
{
	sed -n "s/^$2 //p" "$(cgroup_dir "$1")/memory.events"
}

# LABEL DOMAIN GROUP: processes are in GROUP, which has oom.group set; DOMAIN is what gets full.
kill_group()
{
	local label=$1 domain=$2 group=$3 chosen i line counted=0
	local -A pids=()

	dmesg -C
	record_start -a
	cgroup_start "$label-big" "$group" "$WORKLOADS/grow" --total 90M --rate 60M --hold 100
	pids[big]=$STARTED
	for i in one two; do
		cgroup_start "$label-$i" "$group" "$WORKLOADS/grow" --total 4M --hold 100
		pids[$i]=$STARTED
	done
	for i in "${pids[@]}"; do
		join "$i"
		equal "status of $i" "$STATUS" 137
	done
	record_stop

	dmesg >"$WORK/dmesg"
	line=$(grep -ao 'oom-kill:.*' "$WORK/dmesg")
	equal "OOM kills by the kernel's log" "$(wc -l <<<"$line")" 1
	chosen=$(sed -nE 's/.*,pid=([0-9]+),.*/\1/p' <<<"$line")
	for i in "${pids[@]}"; do
		[[ -n $(kernel_kill_line "$i") ]] || fail "the kernel did not kill $i"
	done
	counted=$(grep -ac 'Killed process ' "$WORK/dmesg")
	equal "oom_kill of memory.events" "$(events "$group" oom_kill)" "$counted"
	# The first victim may be dead before its group's turn, or is killed once more.
	[[ $counted -eq 3 || $counted -eq 4 ]] || fail "the kernel counted $counted"
	! grep -q '^oom_group_kill ' "$(cgroup_dir "$group")/memory.events" ||
		equal "oom_group_kill" "$(events "$group" oom_group_kill)" 1

	json_is '.incidents | length == 1'
	json_is '.incidents[0] | .victim.pid == $pid and .constraint == "memcg" and
		.victim.cgroup == $cgroup and .domain.cgroup == $domain' pid "$chosen" \
		cgroup "$(cgroup_path "$group")" domain "$(cgroup_path "$domain")"
	grep -qaF "oom_memcg=$(cgroup_path "$domain"),task_memcg=$(cgroup_path "$group")," \
		"$WORK/dmesg" || fail "the kernel says something else: $line"
	json_is '[.incidents[0].killed[] | select(.class == "oom") | .pid] | sort == ($pids | sort)' \
		pids "[$(IFS=,; echo "${pids[*]}")]"
	json_is 'all(.incidents[0].killed[]; .exit.signal == 9)'
	json_is '.oom_kills.seen == 3 and .oom_kills.counted_by_kernel == $counted' counted "$counted"
	text_has "^KILLED +grow, pid $chosen: .*; and 2 more, see KILLED AS WELL"
	for i in "${pids[@]}"; do
		[[ $i == "$chosen" ]] ||
			text_has "grow, pid $i  .*memory.oom.group is set; killed by SIGKILL"
	done
	! grep -q 'some were missed' "$WORK/report.txt" || fail "says that kills were missed"
	echo "$label: $line"
	grep -aE '^(KILLED|LIMIT|  OOM kills)' "$WORK/report.txt"
}

cgroup_new own 64
echo 1 >"$(cgroup_dir own)/memory.oom.group"
kill_group own own own

cgroup_new full 64
cgroup_new full/group
echo 1 >"$(cgroup_dir full/group)/memory.oom.group"
kill_group below full full/group
