# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# The recorder's own memory and CPU, busy and idle.

figures() # LABEL FILE
{
	"$OOMTRAIL" report "$2" --format json |
		jq -r --arg name "$1" '.recorder |
			"  \($name): \(.rss_bytes / 1048576 * 10 | round / 10) MiB resident, \(.kernel_bytes / 1048576 * 10 | round / 10) MiB in the kernel, \(.cpu_ms) ms CPU in \(.wall_ms) ms (and \(.start_cpu_ms) ms to start), \(.events) events, \(.lost_events) lost"'
}

# Of those of the recorder that are there: it, and who starts the one that names stacks, and that one.
cpu_ns()
{
	local pid sum=0 ns
	for pid in "$recorder" $(pgrep -P "$recorder") $(pgrep -P "$(pgrep -d, -P "$recorder")"); do
		read -r ns _ <"/proc/$pid/schedstat" && sum=$((sum + ns))
	done
	echo "$sum"
}

run_3()
{
	local before begin
	echo
	echo "the recorder itself (record -a)"
	start_recorder "$work/idle.trail" -a
	# Until who ran before it has been looked at.
	sleep 5
	before=$(cpu_ns) begin=$(date +%s%N)
	sleep 20
	awk -v ns="$(($(cpu_ns) - before))" -v wall="$(($(date +%s%N) - begin))" \
		'BEGIN { printf "  idle, from the 5th second to the 25th: %.2f%% of one core\n", 100 * ns / wall }'
	stop_recorder
	figures "idle, beginning and end with it" "$work/idle.trail" -a
	start_recorder "$work/start.trail" -a --duration 10ms
	wait "$recorder"
	recorder=
	figures "started and stopped" "$work/start.trail" -a
	[[ ! -e $work/storm.trail ]] || figures "storm of $SECONDS_EACH s" "$work/storm.trail" -a
}
