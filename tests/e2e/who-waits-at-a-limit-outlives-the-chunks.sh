#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# cgroup v1, the flight recorder: a process that waits in a full cgroup whose OOM killer is switched
# off tells nothing of itself any more. Chunks later the window still says that it waits and since
# when; later still, that it no longer does. It cost no incident.
# vm: --cgroup v1
. "$(dirname "$0")/lib.sh"

cgroup_new full 16
may_not_kill full
watch_start --window 8s --sync 1s
cgroup_start grow full "$WORKLOADS/grow" --total 32M --rate 200M --hold 120
wait_for 'tasks_wait full'

window() # the report of what the recorder holds right now
{
	"$OOMTRAIL" report --dir "$FLIGHT" window --format json >"$WORK/report.json" 2>"$WORK/err" &&
		"$OOMTRAIL" report --dir "$FLIGHT" window >"$WORK/report.txt" 2>>"$WORK/err"
}

held() # JQ-EXPRESSION: is it true of this cgroup, held back?
{
	window && jq -e --arg cgroup "$(cgroup_path full)" \
		"[.held_back[]? | select(.cgroup == \$cgroup)] | length == 1 and (.[0] | $1)" \
		"$WORK/report.json" >/dev/null
}

chunk_number()
{
	local chunks=("$FLIGHT"/window/*.trail)
	echo $((16#$(basename "${chunks[-1]}" .trail)))
}

wait_for 'held ".over == false"' 30
began=$(json_value "[.held_back[] | select(.cgroup == \"$(cgroup_path full)\")][0].from_ms")
wait_for '[[ $(chunk_number) -ge 3 ]]' 60
wait_for 'held ".over == false"' 30
equal "since when" "$(json_value "[.held_back[] | select(.cgroup == \"$(cgroup_path full)\")][0].from_ms")" "$began"
json_is '.held_back[] | select(.cgroup == $cgroup) | .processes | map(.pid) == [$pid]' \
	cgroup "$(cgroup_path full)" pid "$STARTED"
sed -n '/^HELD BACK/,/^$/p' "$WORK/report.txt"

# Room for all of it.
for file in memory.memsw.limit_in_bytes memory.limit_in_bytes; do
	[[ ! -e $(cgroup_dir full)/$file ]] || echo $((64 << 20)) >"$(cgroup_dir full)/$file"
done
wait_for '[[ $(truth grow done) == 1 ]]'
wait_for 'held ".over and .ended_ms > .from_ms and .from_ms == $began"' 30
sed -n '/^HELD BACK/,/^$/p' "$WORK/report.txt"
equal "incidents" "$(our_incidents)" ""
watch_stop
for chunk in "$FLIGHT"/window/*.trail; do
	"$OOMTRAIL" info --verify "$chunk" >"$WORK/info.txt" || fail "$chunk: $(cat "$WORK/info.txt")"
done
