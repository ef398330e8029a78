#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# deadline: 300
#
# The disk fills up: the incident's trail and JSON are there at once, out of space taken in advance;
# its text, and kills that need a new chunk, as soon as there is room.
# not in a vm: what is tested lies in user space and in files, the same on every kernel
. "$(dirname "$0")/lib.sh"

need_root
mkdir "$FLIGHT"
mount -t tmpfs -o size=16m,mode=0700 none "$FLIGHT" || skip "no tmpfs can be mounted"
MOUNTS+=("$FLIGHT")

fill() # NUMBER
{
	dd if=/dev/zero of="$FLIGHT/filler$1" bs=64K 2>/dev/null || true
	dd if=/dev/zero of="$FLIGHT/filler$1.rest" bs=4K 2>/dev/null || true
	equal "blocks free" "$(stat -fc %a "$FLIGHT")" 0
}

cgroup_new first 16
cgroup_new second 16
cgroup_new third 16
watch_start --max-size 16M
fill 1
oom_kill first first 40
wait_for_incidents 1
first=$ID
jq -e '.victim.comm == "grow"' "$FLIGHT/incidents/$first/incident.json" >/dev/null || fail "no JSON"
# Its folder and its chunk had their space; the next one has none, neither has the next chunk.
oom_kill second second 40
wait_for '[[ $(logged "^oomtrail: incident .*-grow-$(truth second pid)[: ]") -ge 1 ]]'
fill 2 # what the two had in advance and did not use
wait_for '[[ $(logged "the window cannot be written: No space left|writing the window: No space left") -ge 1 ]]' 90
oom_kill third third 40
wait_for '[[ $(logged "incident .*-grow-$(truth third pid) cannot be written: ") -eq 1 ]]'
third=$(sed -nE "s/.*incident ([^ ]*-grow-$(truth third pid)) cannot.*/\1/p" "$WORK/watch.err")
[[ ! -e $FLIGHT/incidents/$third ]] || fail "written to a full disk?"
"$OOMTRAIL" report --dir "$FLIGHT" "$first" >"$WORK/first.txt" || fail "the first cannot be read"
grep -q "^KILLED *grow, pid $(truth first pid)" "$WORK/first.txt" || fail "the first has another victim"

rm "$FLIGHT"/filler*
wait_for '[[ -e $FLIGHT/incidents/$third/incident.json ]]' 60
wait_for '[[ $(logged "the window can be written again") -ge 1 ]]' 60
for label in first second third; do
	ID=$(basename "$(echo "$FLIGHT"/incidents/*-grow-"$(truth "$label" pid)")")
	wait_for_reports "$ID" 120
	json_is '.victim.pid == $pid' pid "$(truth "$label" pid)"
	text_has "^KILLED +grow, pid $(truth "$label" pid): "
done
watch_stop
