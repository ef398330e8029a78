# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# A page-fault storm with nothing attached, with `record -a`, and with an empty program on the
# same tracepoints, interleaved, ratios of each round: PAIRS=n rounds, SECONDS_EACH=s.

readonly PAIRS=${PAIRS:-7}

# The empty program on rss_stat is the floor: what it costs that anything is attached at all.
start_empty()
{
	mkfifo "$work/floor"
	# shellcheck disable=SC2086
	build/bench/empty rss_stat $FAULT_TRACEPOINT <"$work/floor" >"$work/floor.out" &
	empty=$!
	exec 9>"$work/floor"
	until grep -qs attached "$work/floor.out"; do sleep 0.02; done
}

stop_empty()
{
	exec 9>&-
	wait "$empty"
	rm -f "$work/floor"
}

run_2()
{
	echo
	echo "page-fault storm, $PAIRS interleaved rounds of 3 x $SECONDS_EACH s: throughput against nothing attached"
	printf '  %9s %9s   %s\n' "record -a" "empty" "faults per second: nothing, record -a, empty"
	faults_per_second >/dev/null
	for ((pair = 0; pair < PAIRS; pair++)); do
		without=$(faults_per_second)
		start_recorder "$work/storm.trail" -a
		with=$(faults_per_second)
		stop_recorder
		start_empty
		floor=$(faults_per_second 9>&-)
		stop_empty
		awk -v a="$with" -v b="$without" -v c="$floor" \
			'BEGIN { printf "%9.4f %9.4f   %d %d %d\n", a / b, c / b, b, a, c }'
	done | tee "$work/pairs" | sed 's/^/  /'
	echo "  median ratios: record -a $(awk '{ print $1 }' "$work/pairs" | median), empty $(awk '{ print $2 }' "$work/pairs" | median)"
}
