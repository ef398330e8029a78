#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Chunks begin and end while a process grows: the incident tells its life from before the chunk it
# died in, and each chunk is a recording by itself. Who was there before the recorder is known as
# well as who came later.
. "$(dirname "$0")/lib.sh"

cgroup_new full 32
cgroup_start before full "$WORKLOADS/grow" --total 8M --hold 120
wait_for '[[ $(truth before grown_bytes) == $((8 << 20)) ]]'
watch_start --window 8s --sync 1s
cgroup_start grow full "$WORKLOADS/grow" --total 64M --rate 2M
join "$STARTED" 90
equal "status of the victim" "$STATUS" 137
pid=$(truth grow pid) other=$(truth before pid)
wait_for_incidents 1
wait_for_reports "$ID"
watch_stop

json_is '.victim.pid == $pid and .culprit.pid == $pid' pid "$pid"
json_is '.victim.argv[1:] == ["--total", "64M", "--rate", "2M"]'
json_is '.trajectory.victim[0].t_ms < -8000 and (.trajectory.victim | length) > 20'
json_is '.culprit.grew_bytes >= $most' most $((20 << 20))
# Younger and older than the recorder: both with command line and memory, as far as a step tells.
json_is 'any(.processes[]; .pid == $pid and .argv[1:] == ["--total", "8M", "--hold", "120"] and
	.memory.anon_bytes >= $bytes)' pid "$other" bytes \
	$(((8 << 20) - $(json_value .recorder.step_bytes)))
json_is '.recorder.since | fromdate < ($time | fromdate)' time "$(jq -r .time "$WORK/report.json")"

chunks=("$FLIGHT"/window/*.trail)
last=$(basename "${chunks[-1]}" .trail)
# Another test's incident holds the chunk it falls into open.
[[ $((16#$last)) -ge 3 ]] || fail "only $((16#$last + 1)) chunks in twenty seconds"
for chunk in "${chunks[@]}" "$FLIGHT/incidents/$ID/window.trail"; do
	"$OOMTRAIL" info --verify "$chunk" >"$WORK/info.txt" || fail "$chunk: $(cat "$WORK/info.txt")"
done
# Bounded by time: of the first ones there are none left.
[[ $(basename "${chunks[0]}" .trail) != 0000000000000000 ]] || fail "the window only grows"
