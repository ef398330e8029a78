#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The process that names stacks does not get to run for a while: records of what is mapped that found
# no room meanwhile are said, and samples of which nobody could see any more whether their page had
# come, each as what it is. Where it runs nothing of it is said.
# not in a vm: what names stacks and says what it misses lies in user space, the same on every kernel
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/growth.bash"

need_root
cgroup_new app 220

stop_naming()
{
	NAMING=$(naming "$RECORDER") || fail "nobody names stacks"
	kill -STOP "$NAMING"
	wait_for '[[ $(sed -n "s/^State:\t\(.\).*/\1/p" "/proc/$NAMING/status") == T ]]'
	STARTED_PIDS+=("$NAMING") # to go on, whatever happens
}

let_naming_go_on()
{
	local i
	kill -CONT "$NAMING"
	for i in "${!STARTED_PIDS[@]}"; do
		[[ ${STARTED_PIDS[i]} != "$NAMING" ]] || unset "STARTED_PIDS[$i]"
	done
}

# Programs that begin and end on one processor, whose room for records is 256 KiB.
programs() # COUNT
{
	taskset -c 0 sh -c 'i=0; while [ "$i" -lt "$0" ]; do /bin/true; i=$((i + 1)); done' "$1"
}

maps_lost()
{
	lost "record of what is mapped lost" frame
}

record_start -c "$(cgroup_path app)" --sample 64K
programs 20
record_stop
equal "records of mappings lost for nothing" "$(maps_lost)" 0

record_start -c "$(cgroup_path app)" --sample 64K
stop_naming
programs 700
let_naming_go_on
# The kernel tells it with the first record for which there is room again.
before=$(turns "$NAMING")
wait_for '[[ $(turns "$NAMING") -gt $((before + 2)) ]]'
programs 1
record_stop
# Several a program, and 256 KiB hold those of about 400 of them.
[[ $(maps_lost) -gt 100 ]] || fail "lost $(maps_lost) records of mappings of 700 programs"
text_has 'record of what is mapped lost'

# What a thread's own counters say of a page fault does not have to be seen.
if "$OOMTRAIL" doctor --json | jq -e 'any(.capabilities[]; .capability == "growth by stack" and
	(.way | test("thread counters")))' >/dev/null; then
	exit 0
fi

# Of page faults that wait for a disk user space looks whose page has come.
record_start -c "$(cgroup_path app)" --sample 64K --without rss_stat
stop_naming
cgroup_start waiting app "$WORKLOADS/waiting" "$WORK/file" 64M
join "$STARTED" 60
let_naming_go_on
record_stop
waits=$(truth waiting waits)
[[ $waits -gt 4096 ]] || skip "the disk is too fast: $waits page faults waited"
unseen=$(lost "growth sample of which nobody saw whether its page had come" growth)
[[ $unseen -ge 10 ]] || fail "$unseen samples were not seen, of $waits page faults that waited"
text_has 'nobody saw whether its page had come'
