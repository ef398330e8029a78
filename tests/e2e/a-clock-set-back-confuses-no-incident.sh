#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The wall clock goes back by two seconds while the recorder runs: durations stay true, and the
# incident carries the new time.
# not in a vm: what is tested lies in user space and in files, the same on every kernel
. "$(dirname "$0")/lib.sh"

need_root
shift_clock() # SECONDS
{
	python3 -c 'import sys, time; time.clock_settime(time.CLOCK_REALTIME,
		time.clock_gettime(time.CLOCK_REALTIME) + float(sys.argv[1]))' "$1"
}
shift_clock 0 2>/dev/null || skip "the clock cannot be set here"

cgroup_new full 32
watch_start
cgroup_start grow full "$WORKLOADS/grow" --total 64M --rate 1M
wait_for '[[ $(truth grow grown_bytes) -ge $((2 << 20)) ]]'
shift_clock -2
trap 'shift_clock 2; cleanup' EXIT
join "$STARTED" 90
equal "status of the victim" "$STATUS" 137
now=$(date -u +%s)
wait_for_incidents 1
wait_for_reports "$ID"
shift_clock 2
trap cleanup EXIT

# Thirty seconds of growth at 1 MiB/s are what they were, and the kill is not in the future.
json_is '.victim.pid == $pid' pid "$(truth grow pid)"
json_is '(.trajectory.victim | map(.t_ms) | . == sort) and (.trajectory.victim[0].t_ms < -20000)'
json_is '.time | fromdate | . <= $now and . >= $now - 15' now "$now"
"$OOMTRAIL" report --dir "$FLIGHT" "$ID" --format json | cmp - "$WORK/incident.json" ||
	fail "stored and replayed differ"
watch_stop
