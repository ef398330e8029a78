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

run_3()
{
	echo
	echo "the recorder itself (record -a)"
	start_recorder "$work/idle.trail" -a --duration 10s
	wait "$recorder"
	recorder=
	figures "idle for 10 s" "$work/idle.trail" -a
	start_recorder "$work/start.trail" -a --duration 10ms
	wait "$recorder"
	recorder=
	figures "started and stopped" "$work/start.trail" -a
	[[ ! -e $work/storm.trail ]] || figures "storm of $SECONDS_EACH s" "$work/storm.trail" -a
}
