#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# One OOM kill under `watch`: a folder with window, JSON and text, readable by root only; what is
# stored is what its window replays to, and `report` without an argument shows it.
# vm: --cgroup v1
# vm: --cgroup hybrid
. "$(dirname "$0")/lib.sh"

cgroup_new full 48
watch_start
oom_kill grow full 96
wait_for_incidents 1
pid=$(truth grow pid)

# Written at once, long before the window ends, and without asking the kernel for memory.
[[ ! -e $FLIGHT/incidents/$ID/report.txt ]] || fail "finished before its window ended"
jq -e --argjson pid "$pid" '.schema == "oomtrail.incident/1" and .victim.pid == $pid' \
	"$FLIGHT/incidents/$ID/incident.json" >/dev/null || fail "the first JSON does not know the victim"
equal "kills told" "$(logged "incident $ID: .* 0 page faults, 0 bytes of heap taken")" 1

wait_for_reports "$ID"
json_is '.id == $id' id "$ID"
json_is '.victim | .pid == $pid and .comm == "grow" and .cgroup == $cgroup' \
	pid "$pid" cgroup "$(cgroup_path full)"
json_is '.domain.limit_bytes == $limit' limit $((48 << 20))
text_has "^KILLED +grow, pid $pid: "
text_has "^LIMIT +48 MiB,.* $(cgroup_path full): full"

# The law, for an incident: stored == replayed.
"$OOMTRAIL" report --dir "$FLIGHT" "$ID" >"$WORK/again.txt"
cmp "$WORK/again.txt" "$WORK/report.txt" || fail "report ID is not the stored text"
"$OOMTRAIL" report --dir "$FLIGHT" "$ID" --format json >"$WORK/again.json"
cmp "$WORK/again.json" "$WORK/incident.json" || fail "report ID is not the stored JSON"
"$OOMTRAIL" info --verify "$FLIGHT/incidents/$ID/window.trail" >"$WORK/info.txt" ||
	fail "the window does not verify: $(cat "$WORK/info.txt")"

# Nothing named: the newest.
"$OOMTRAIL" report --dir "$FLIGHT" >"$WORK/newest.txt"
cmp "$WORK/newest.txt" "$WORK/report.txt" || fail "report without an argument is another one"
"$OOMTRAIL" incidents --dir "$FLIGHT" >"$WORK/list.txt"
grep -q "$ID" "$WORK/list.txt" || fail "not listed: $(cat "$WORK/list.txt")"
"$OOMTRAIL" incidents --dir "$FLIGHT" --kills >"$WORK/kills.txt"
grep -Eq "\b$pid\b.*grow" "$WORK/kills.txt" || fail "kill not listed: $(cat "$WORK/kills.txt")"
"$OOMTRAIL" incidents --dir "$FLIGHT" --json | jq -e --arg id "$ID" \
	'.schema == "oomtrail.incidents/1" and any(.incidents[]; .id == $id)' >/dev/null ||
	fail "not in the JSON list"

# For root's eyes.
find "$FLIGHT" -type d ! -perm 0700 -o -type f ! -perm 0600 | grep . && fail "open to others"
watch_stop
"$OOMTRAIL" incidents --dir "$FLIGHT" | grep -qi unfinished && fail "a clean end is no crash"
exit 0
