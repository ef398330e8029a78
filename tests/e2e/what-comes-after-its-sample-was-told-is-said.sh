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
cgroup_new app 96
# Every page is sampled, also the last one before a thread rests.
record_start -c "$(cgroup_path app)" --sample 4K
cgroup_start threads app "$WORKLOADS/threads" 36M 6000
workload=$STARTED
wait_for '[[ -n $(truth threads pid) ]]'
PID=$(truth threads pid)
# All eight of them rest, and what they took has been worked off.
wait_for '[[ $(awk "{print \$2 * '"$(getconf PAGESIZE)"'}" "/proc/$PID/statm") -ge $((8 << 20)) ]]'
first=$(naming "$RECORDER") || fail "nobody names stacks"
before=$(turns "$first")
wait_for '[[ $(turns "$first") -gt $((before + 4)) ]]'
kill -KILL "$first"
wait_for '[[ -n $(naming "$RECORDER") ]]'
join "$workload" 60
equal "status of threads" "$STATUS" 0
record_stop

late=$(lost "part of a growth sample came when the rest had been told" growth)
[[ $late -ge 4 ]] || fail "of eight threads that rested $late had something come late"
text_has 'part of a growth sample came when the rest had been told'
