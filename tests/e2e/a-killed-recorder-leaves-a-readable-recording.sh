#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# kill -9 of the recorder: everything up to the last block is there, and INCOMPLETE is said.
# not in a vm: what is tested lies in user space and in files, the same on every kernel
. "$(dirname "$0")/lib.sh"

written() # the incident is in the file
{
	"$OOMTRAIL" report "$TRAIL" --format json 2>/dev/null |
		jq -e --arg tag "$TAG" 'any(.incidents[].victim.cgroup; contains($tag))' >/dev/null
}

cgroup_new full 64
record_start -a
cgroup_start grow full "$WORKLOADS/grow" --total 90M --rate 150M
join "$STARTED"
equal "status" "$STATUS" 137
# A kill is written at once, long before the recording ends.
wait_for 'written' 5
kill -KILL "$RECORDER"
join "$RECORDER"
equal "status of the recorder" "$STATUS" 137

"$OOMTRAIL" info "$TRAIL" >"$WORK/info.txt" || fail "info: status $?"
grep -q INCOMPLETE "$WORK/info.txt" || fail "not told: $(cat "$WORK/info.txt")"
reports
json_is '.incidents[0].victim.pid == $pid' pid "$(truth grow pid)"
text_has INCOMPLETE

# And torn in the middle of a block as well.
size=$(stat -c %s "$TRAIL")
head -c $((size - 7)) "$TRAIL" >"$WORK/torn.trail"
"$OOMTRAIL" info "$WORK/torn.trail" >"$WORK/info.txt" || fail "info of a torn file: status $?"
grep -qi 'torn' "$WORK/info.txt" || fail "not told: $(cat "$WORK/info.txt")"
"$OOMTRAIL" report "$WORK/torn.trail" >/dev/null || fail "report of a torn file: status $?"
