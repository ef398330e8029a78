# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Replay: events per second, and the report of a large recording.

run_4()
{
	echo
	echo "replay (10,000 processes, 1,000 cgroups)"
	build/bench/synthesise "$work/large.trail" 3000000 >"$work/large"
	size=$(sed -n 's/^bytes=//p' "$work/large")
	events=$(sed -n 's/^events=//p' "$work/large")
	for _ in 1 2 3; do
		begin=$(date +%s%N)
		"$OOMTRAIL" report "$work/large.trail" >/dev/null
		end=$(date +%s%N)
		awk -v ns=$((end - begin)) -v n="$events" 'BEGIN { printf "%.2f %.2f\n", n / ns * 1000, ns / 1e9 }'
	done >"$work/replays"
	echo "  report of $events events, $((size / 1048576)) MiB: median $(cut -d' ' -f1 "$work/replays" | median) million events/s, $(cut -d' ' -f2 "$work/replays" | median) s"
}
