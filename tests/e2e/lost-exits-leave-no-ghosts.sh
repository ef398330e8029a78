#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What the rings had no room for while processes and cgroups went away is told as lost; and once
# it is calm again, or half a minute later, nobody who has gone is shown as alive, in whichever
# chunk.
# deadline: 400
. "$(dirname "$0")/lib.sh"

CGROUPS_MADE=12
need_root
watch_start --buffer 16K --window 16s --sync 1s
pids=()
for ((i = 0; i < CGROUPS_MADE; i++)); do
	cgroup_new "gone$i" 64
	cgroup_start "held$i" "gone$i" "$WORKLOADS/grow" --total 1M --hold 120
	pids+=("$STARTED")
done
cgroup_new stays 64
cgroup_start stays stays "$WORKLOADS/grow" --total 1M --hold 120
stays=$STARTED

# What the recorder holds by now, as $WORK/report.json; false while there is nothing to read.
look()
{
	"$OOMTRAIL" report window --dir "$FLIGHT" --format json >"$WORK/report.json" 2>/dev/null
}
alive() # PIDS...: how many of them are shown as alive
{
	jq --argjson pids "[$(tr ' ' , <<<"$*")]" '[.processes[] |
		select(has("exit") | not) | .pid | select(IN($pids[]))] | length' "$WORK/report.json"
}
there() # how many of our cgroups are shown as there
{
	jq --arg tag "$TAG" '[.cgroups[] | select((.cgroup | contains($tag + ".gone")) and
		(has("removed_ms") | not))] | length' "$WORK/report.json"
}

wait_for 'look && [[ $(alive "${pids[@]}" "$stays") == $((CGROUPS_MADE + 1)) &&
	$(there) == "$CGROUPS_MADE" ]]'

kill -STOP "$WATCHER"
cgroup_run "" "$WORKLOADS/churn" 1000 3 >"$WORK/churn.out"
for pid in "${pids[@]}"; do
	kill -KILL "$pid"
done
for ((i = 0; i < CGROUPS_MADE; i++)); do
	join "${pids[i]}"
	wait_for 'rmdir "$(cgroup_dir "gone$i")" 2>/dev/null || [[ ! -d $(cgroup_dir "gone$i") ]]'
done
kill -CONT "$WATCHER"

wait_for 'look && [[ $(alive "${pids[@]}") == 0 && $(there) == 0 ]]' 60
json_is 'all(.processes[] | select(.pid | IN($pids[])); has("exit") and .exit == null)' \
	pids "[$(IFS=,; echo "${pids[*]}")]"
for kind in fork exit cgroup_gone; do
	json_is 'any(.losses.rows[]; .kind == $kind and .count > 0)' kind "$kind"
done
json_is 'any(.processes[]; .pid == $pid and (has("exit") | not))' pid "$stays"

# Nobody else is a ghost for long either (a window lags by a second: others may have ended since),
# and the next chunks agree.
no_ghosts()
{
	local pid gone=()
	look || fail "the window cannot be read"
	for pid in $(jq '.processes[] | select(has("exit") | not) | .pid' "$WORK/report.json"); do
		[[ -e /proc/$pid ]] || gone+=("$pid")
	done
	wait_for 'look && [[ $(alive "${gone[@]}") == 0 ]]' 90
}
no_ghosts
chunk=$(ls "$FLIGHT/window" | tail -n 1)
wait_for '[[ $(ls "$FLIGHT/window" | tail -n 1) > "$chunk" ]]'
no_ghosts
wait_for 'look && [[ $(alive "$stays") == 1 && $(there) == 0 ]]'
watch_stop
for chunk in "$FLIGHT"/window/*.trail; do
	"$OOMTRAIL" info --verify "$chunk" >"$WORK/info.txt" || fail "$chunk: $(cat "$WORK/info.txt")"
done
