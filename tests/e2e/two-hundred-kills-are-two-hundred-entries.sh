#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# deadline: 300
#
# A service killed and started again as fast as the kernel can: every kill is an entry, in one
# folder, and the sum is the kernel's own.
. "$(dirname "$0")/lib.sh"

readonly KILLS=200
kernel_count() # the cgroup's own count of kills
{
	cat "$(cgroup_dir full)"/memory.{oom_control,events} 2>/dev/null |
		awk '$1 == "oom_kill" {print $2}'
}

cgroup_new full 8
watch_start
timeout 120 "$WORKLOADS/respawn" "$(cgroup_dir full)" "$KILLS" 32 >"$WORK/respawn.out" ||
	fail "respawn: $(tail -n 2 "$WORK/respawn.out")"
equal "the kernel's count" "$(kernel_count)" "$KILLS"
sed -n 's/^killed=//p' "$WORK/respawn.out" | sort -n >"$WORK/truth"
equal "kills provoked" "$(wc -l <"$WORK/truth")" "$KILLS"

wait_for_incidents 1
wait_for_reports "$ID" 120
# Those that came behind the end of the first window are in it by the next report.
wait_for '[[ $(jq ".killed | length" "$FLIGHT/incidents/$ID/incident.json") -ge $KILLS ]]' 60
jq '.killed[].pid' "$FLIGHT/incidents/$ID/incident.json" | sort -n >"$WORK/told"
cmp "$WORK/truth" "$WORK/told" || fail "killed and told differ: $(diff "$WORK/truth" "$WORK/told" | head -n 5)"
equal "folders for one cause" "$(our_incidents | wc -l)" 1
"$OOMTRAIL" incidents --dir "$FLIGHT" --json |
	jq '[.incidents[] | select(.id == "'"$ID"'") | .kills[].pid] | sort | .[]' >"$WORK/listed"
cmp "$WORK/truth" "$WORK/listed" || fail "the list has other kills"
jq -e '.losses.events == 0' "$FLIGHT/incidents/$ID/incident.json" >/dev/null || fail "events were lost"
watch_stop
[[ $(du -sk "$FLIGHT" | cut -f1) -lt 65536 ]] || fail "the folder is out of bounds: $(du -sk "$FLIGHT")"
