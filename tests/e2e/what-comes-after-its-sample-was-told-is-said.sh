#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Where the kernel tells what a page fault has brought at the next one of its thread, and whoever
# took the sample has died meanwhile, the one that comes next cannot know whether it was credited:
# the report says so.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/growth.bash"

need_root
"$OOMTRAIL" doctor --json | jq -e 'any(.capabilities[]; .capability == "growth by stack" and
	(.way | test("thread counters")))' >/dev/null ||
	skip "this kernel tells of each page as it comes"
cgroup_new app 64
# Every page is sampled, also the last one before it rests, for 4 s.
record_start -c "$(cgroup_path app)" --sample 4K
cgroup_start grow app "$WORKLOADS/grow" --total 192K --step 64K --rate 16K
workload=$STARTED
wait_for '[[ -n $(truth grow grown_bytes) ]]'
# What came has been worked off.
first=$(naming "$RECORDER") || fail "nobody names stacks"
before=$(turns "$first")
wait_for '[[ $(turns "$first") -gt $((before + 4)) ]]'
kill -KILL "$first"
wait_for '[[ -n $(naming "$RECORDER") ]]'
join "$workload" 60
equal "status of grow" "$STATUS" 0
record_stop

late=$(lost "part of a growth sample came when the rest had been told" growth)
[[ $late -ge 1 ]] || fail "nothing came late"
text_has 'part of a growth sample came when the rest had been told'
