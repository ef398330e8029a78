#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The flight recorder's incident says which code of the victim grew, after its death.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/growth.bash"

cgroup_new app 64
watch_start
cgroup_start shares app "$WORKLOADS/shares" 200M
join "$STARTED"
equal "status of the victim" "$STATUS" 137
wait_for_incidents 1
wait_for_reports "$ID"
watch_stop

PID=$(truth shares pid)
json_is '.victim.pid == $pid' pid "$PID"
grew=$(json_value '.victim.memory.anon_bytes')
[[ $grew -gt $((40 << 20)) ]] || fail "the victim had $grew bytes only"
all=0
for chain in 'decode_image read_thumbnail' 'parse_rows' 'keep_session' 'log_line log_request'; do
	# shellcheck disable=SC2086 # the names of a chain
	all=$((all + $(credited allocate $chain serve main)))
done
about "the four functions" "$all" "$grew" $((grew / 20))
# One sample stands for 1 MiB here.
about "parse_rows" "$(credited allocate parse_rows serve main)" $((grew * 30 / 100)) $((8 << 20))
growth_is '.explained_ratio > 0.9 and all(.stacks[]; .role == "victim")'
text_has '^WHERE THE VICTIM GREW: shares, pid [0-9]+'
text_has 'allocate( \([^)]*\))? <- parse_rows( \([^)]*\))? <- serve <- main'
