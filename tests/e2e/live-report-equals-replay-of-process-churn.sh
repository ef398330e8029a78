#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# report(live run) == report(replay of its recording), byte for byte: the whole host while
# hundreds of processes come and go on all CPUs.
. "$(dirname "$0")/lib.sh"

record_start -a --report "text=$WORK/live.txt" --report "json=$WORK/live.json"
churn() # LABEL
{
	local i
	for ((i = 0; i < 150; i++)); do
		/bin/true "churn-$1-$i"
	done
}
churn a &
first=$!
churn b &
second=$!
"$WORKLOADS/storm" 1 4M 2 >"$WORK/storm.out"
wait "$first" "$second"
record_stop

live_equals_replay
json_is '[.processes[] | select(.argv[1]? // "" | startswith("churn-"))] | length == 300'
