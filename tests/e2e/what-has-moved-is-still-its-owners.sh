#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Memory that mremap(2) has moved, once and again, is still there and still whose it was; what was
# given back is not.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/growth.bash"

cgroup_new app 256
record_start -c "$(cgroup_path app)" --sample 64K
cgroup_start moved app "$WORKLOADS/moved" 48M
wait_for '[[ -n $(truth moved settled) ]]'
record_stop

PID=$(truth moved pid)
[[ $(truth moved moves) -ge 5 ]] || fail "it was moved $(truth moved moves) times only"
resident() # FUNCTION
{
	jq -r --argjson pid "$PID" --arg name "$1" "$GROWTH"'of($pid) |
		map(select(calls([$name]))) |
		map(.resident_bytes // error("not known")) | add // error("none")' \
		"$WORK/report.json"
}
kept=$(truth moved bytes.keep)
about "keep" "$(credited keep main)" "$kept" $((kept / 20))
# Each sample of it, wherever alignment to huge pages has put it.
about "still there of keep" "$(resident keep)" "$(credited keep main)" $((128 << 10))
about "give_back" "$(credited give_back main)" "$(truth moved bytes.give_back)" $((kept / 20))
about "still there of give_back" "$(resident give_back)" 0 $((kept / 20))
