#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Most of the machine is reserved as huge pages, and an ordinary program finds no room: the report
# says the whole host, and what the huge pages hold. Then a victim that has mapped some of them
# itself: it is named with as much.
# vm: --cgroup v2 --memory 640M
. "$(dirname "$0")/../../e2e/lib.sh"
need_root

meminfo_bytes() # KEY
{
	echo $(($(sed -n "s/^$1: *\([0-9]*\) kB/\1/p" /proc/meminfo) << 10))
}

# LABEL OPTION...: the machine's memory runs out by programs that grow; VICTIM is the first killed.
run_out()
{
	local label=$1 i pids=() pid
	shift
	dmesg -C
	record_start -a
	for i in 1 2 3; do
		cgroup_start "$label$i" "" "$WORKLOADS/grow" --total "$((100 + 20 * i))M" \
			--rate 60M --hold 200 "$@"
		pids+=("$STARTED")
		wait_for '[[ -n $(truth "$label$i" started_ns) ]]'
	done
	wait_for 'dmesg | grep -q "Killed process"' 100
	victim=$(dmesg | sed -nE 's/.*Killed process ([0-9]+) .*/\1/p' | head -n 1)
	dmesg >"$WORK/dmesg"
	join "$victim"
	record_stop
	for pid in "${pids[@]}"; do
		[[ $pid == "$victim" ]] || { kill -KILL "$pid" 2>/dev/null || true; join "$pid"; }
	done
	grep -a 'oom-kill:\|Killed process' "$WORK/dmesg"
	grep -aE -A 1 '^(KILLED|LIMIT) ' "$WORK/report.txt"
	grep -qa "oom-kill:constraint=CONSTRAINT_NONE,.*,global_oom,.*,pid=$victim," "$WORK/dmesg" ||
		fail "the kernel says something else"
	jq -e --argjson pid "$victim" '.incidents[0] | .victim.pid == $pid and
		.victim.comm == "grow" and .constraint == "global" and
		(.domain | has("cgroup") | not)' "$WORK/replay.json" >/dev/null || fail "not the host's"
	text_has "^KILLED +grow, pid $victim: "
	text_has '^LIMIT +the whole host: .*; no cgroup'
}

echo 150 >/proc/sys/vm/nr_hugepages
pages=$(cat /proc/sys/vm/nr_hugepages)
[[ $pages -ge 100 ]] || fail "only $pages huge pages could be had"
huge=$(meminfo_bytes Hugetlb)
equal "bytes of huge pages" "$huge" $((pages * $(meminfo_bytes Hugepagesize)))

run_out plain
jq -e --argjson huge "$huge" '.incidents[0].meminfo.hugetlb_bytes == $huge and
	.incidents[0].victim.memory.hugetlb_bytes == 0' "$WORK/replay.json" >/dev/null ||
	fail "huge pages: $(jq -c '.incidents[0] | .meminfo, .victim.memory' "$WORK/replay.json")"
grep -q "Hugetlb $((huge >> 20)) MiB" "$WORK/report.txt" || fail "memory by kind lacks them"
text_has "^LIMIT +the whole host: .* of memory \($((huge >> 20)) MiB set aside as huge pages\),"

# Each has some of them in addition to what it grows to.
run_out mapped --hugetlb 40M
jq -e --argjson huge "$huge" '.incidents[0].meminfo.hugetlb_bytes == $huge and
	.incidents[0].victim.memory.hugetlb_bytes == 41943040' "$WORK/replay.json" >/dev/null ||
	fail "huge pages: $(jq -c '.incidents[0] | .meminfo, .victim.memory' "$WORK/replay.json")"
text_has "^KILLED +grow, pid $victim: .*40 MiB hugetlb"
