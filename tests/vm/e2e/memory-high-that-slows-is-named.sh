#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# cgroup v2, memory.high: a process that is slowed down there is no incident, but the report says
# which cgroup throttled it, how often as the kernel itself counts it, above which limit; and leaves
# out what happened before the recording began.
# vm: --cgroup v2
. "$(dirname "$0")/../../e2e/lib.sh"

find_memory_controller
[[ $MEMCG_VERSION == 2 ]] || skip "cgroup v1 has no memory.high"

throttled() # NAME
{
	sed -n 's/^high //p' "$(cgroup_dir "$1")/memory.events.local"
}

high_new() # NAME HIGH-MiB
{
	cgroup_new "$1" 256 # far above: a guard
	echo $(($2 << 20)) >"$(cgroup_dir "$1")/memory.high"
	equal "memory.high" "$(cat "$(cgroup_dir "$1")/memory.high")" $(($2 << 20))
}

high_new old 16
high_new quiet 64
high_new outer 32
cgroup_new outer/inner 256 # which charges the parent, so that this one does not start from zero
cgroup_start old old "$WORKLOADS/grow" --total 20M --rate 100M
wait_for '[[ $(throttled old) -ge 1 ]]'
kill -KILL "$STARTED"
join "$STARTED"
before=$(throttled old)

record_start -a --report "text=$WORK/live.txt" --report "json=$WORK/live.json"
cgroup_start quiet quiet "$WORKLOADS/grow" --total 24M --rate 100M --hold 120
cgroup_start grow outer/inner "$WORKLOADS/grow" --total 200M --step 256K --rate 20M --hold 120
hog=$STARTED
wait_for '[[ $(throttled outer) -ge 8 ]]' 60
kill -STOP "$hog"
wait_for '[[ $(cut -d " " -f 3 "/proc/$hog/stat") == T ]]'
counted=$(throttled outer)
usage=$(cat "$(cgroup_file outer usage)")
[[ $usage -gt $((32 << 20)) ]] || fail "only $usage bytes in use"
equal "throttled by its own limit" "$(throttled outer/inner)" 0
equal "killed" "$(sed -n 's/^oom_kill //p' "$(cgroup_dir outer)/memory.events")" 0
# Made meanwhile: all of its throttling counts.
high_new young 16
cgroup_start young young "$WORKLOADS/grow" --total 100M --step 256K --rate 20M --hold 120
young=$STARTED
wait_for '[[ $(throttled young) -ge 3 ]]' 60
kill -STOP "$young"
wait_for '[[ $(cut -d " " -f 3 "/proc/$young/stat") == T ]]'
record_stop
equal "the count since" "$(throttled outer)" "$counted"
equal "the old count since" "$(throttled old)" "$before"

echo "throttled $counted times by the kernel's count, $usage bytes in use"
sed -n '/^HELD BACK/,/^$/p' "$WORK/report.txt"
live_equals_replay
json_is '.incidents == []'
json_is '[.held_back[] | select(.cgroup | contains($tag)) | .cgroup] | sort == [$outer, $young]' tag "$TAG" \
	outer "$(cgroup_path outer)" young "$(cgroup_path young)"
json_is '.held_back[] | select(.cgroup == $young) | .throttled == $counted and .high_bytes == 16777216' \
	young "$(cgroup_path young)" counted "$(throttled young)"
json_is '.held_back[] | select(.cgroup == $outer) | .why == "memory.high" and .throttled == $counted and
	.high_bytes == 33554432 and .usage_bytes > 33554432 and .from_ms > 0 and .to_ms >= .from_ms' \
	outer "$(cgroup_path outer)" counted "$counted"
text_has "^  slowed +$(cgroup_path outer): throttled $counted times? for being above memory\.high \(32 MiB; [0-9.]+ MiB in use when last seen so\), seen (from|at) \+"
