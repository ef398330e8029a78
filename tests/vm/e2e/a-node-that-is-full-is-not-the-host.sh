#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# One of two memory nodes runs full, for processes that may use no other: by a cpuset, then by a
# memory policy. The report says which of the two it was, names the node and blames neither the host
# nor a cgroup's limit; by every way there is to the OOM context.
# vm: --cgroup v2 --memory 640M --numa
. "$(dirname "$0")/../../e2e/lib.sh"
need_root
find_memory_controller

[[ $(cat /sys/devices/system/node/has_memory) == 0-1 ]] || fail "no two memory nodes"
cgroup_new bound
echo 1 >"$(cgroup_dir bound)/cpuset.mems" || fail "no cpuset"
equal "nodes of the cpuset" "$(cat "$(cgroup_dir bound)/cpuset.mems.effective")" 1

# What the kernel's word on the size of a domain is made of: the nodes' pages, present ones.
present_bytes() # NODE
{
	awk -v page="$(getconf PAGESIZE)" -v node="$1" '
		/^Node/ { here = $2 == node "," }
		here && $1 == "present" { sum += $2 }
		END { print sum * page }' /proc/zoneinfo
}

# LABEL CONSTRAINT CGROUP WORKLOAD-OPTION... [-- RECORD-OPTION...]
fill_node()
{
	local label=$1 constraint=$2 cgroup=$3 i pids=() pid options=()
	shift 3
	while [[ $# -gt 0 && $1 != -- ]]; do
		options+=("$1")
		shift
	done
	[[ $# -eq 0 ]] || shift
	dmesg -C
	record_start -a "$@"
	for i in 1 2 3; do
		cgroup_start "$label$i" "$cgroup" "$WORKLOADS/grow" --total "$((140 + 10 * i))M" \
			--rate 80M --hold 200 "${options[@]}"
		pids+=("$STARTED")
	done
	wait_for 'dmesg | grep -q "Killed process"' 100
	line=$(dmesg | grep -ao 'oom-kill:.*' | head -n 1)
	victim=$(sed -nE 's/.*,pid=([0-9]+),.*/\1/p' <<<"$line")
	join "$victim"
	record_stop
	for pid in "${pids[@]}"; do
		[[ $pid == "$victim" ]] || { kill -KILL "$pid" 2>/dev/null || true; join "$pid"; }
	done
	echo "$label: $line"
	grep -aE '^(oomtrail i|KILLED|LIMIT|  OOM context)' "$WORK/report.txt"
	[[ $line == *"constraint=CONSTRAINT_$constraint,"*,global_oom,* ]] || fail "another constraint"
	cp "$WORK/replay.json" "$WORK/report.json"
	json_is '.incidents[0].victim.pid == $pid' pid "$victim"
}

says() # CONSTRAINT WORDS
{
	json_is '.incidents[0] | .constraint == $constraint and .domain.memory_nodes == [1] and
		(.domain | has("cgroup") | not) and .domain.total_bytes == $total' \
		constraint "$1" total "$(present_bytes 1)"
	way_is_the_planned_one
	text_has "\\(kernel OOM, memory nodes of a $2\\)"
	text_has "^LIMIT +the memory nodes of a $2, node 1: [0-9]+ MiB with swap"
}

for forbidden in "" "fentry" "fentry kprobe"; do
	without=()
	for way in $forbidden; do
		without+=(--without "$way")
	done
	fill_node "cpuset${#forbidden}" CPUSET bound -- "${without[@]}"
	[[ $line == *,mems_allowed=1,* ]] || fail "other nodes"
	says cpuset cpuset
	fill_node "policy${#forbidden}" MEMORY_POLICY "" --bind-node 1 -- "${without[@]}"
	[[ $line == *,nodemask=1,* ]] || fail "other nodes"
	says mempolicy policy
done

# Without any of them the report does not know, and says so.
fill_node nothing CPUSET bound -- --without fentry --without kprobe --without stack
json_is '.incidents[0] | has("domain") or has("constraint") | not'
text_has '^LIMIT +not determined'
