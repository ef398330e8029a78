# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# The flight recorder on a host of 10,000 idle processes and 1,000 cgroups.

cpu_ticks() # PID
{
	sed 's/.*) //' "/proc/$1/stat" | awk '{ print $12 + $13 }'
}

status_kib() # PID KEY
{
	awk -v key="$2:" '$1 == key { print $2 }' "/proc/$1/status"
}

run_6()
{
	local crowd before after
	echo
	echo "the flight recorder (watch) with 10,000 idle processes and 1,000 cgroups"
	new_cgroup crowd
	build/workloads/crowd 10000 1000 "$GROUP" >"$work/crowd" &
	crowd=$!
	helpers+=("$crowd")
	until grep -q ready "$work/crowd"; do
		kill -0 "$crowd" 2>/dev/null || exit 1
		sleep 0.1
	done
	# Short chunks: the cost of rolling is in the figure, several times over.
	for options in "" "--window 80s"; do
		# shellcheck disable=SC2086
		start_watch "" $options
		sleep 5
		# Whoever names stacks is a process of its own.
		namer=$(pgrep -x oomtrail-stacks -P "$(pgrep -x oomtrail-keeper -P "$recorder")")
		before=$(cpu_ticks "$recorder") naming_before=$(cpu_ticks "$namer")
		sleep 30
		after=$(cpu_ticks "$recorder") naming_after=$(cpu_ticks "$namer")
		echo "  watch ${options:-(chunks of 7.5 min)}:"
		echo "    resident $(status_kib "$recorder" VmRSS) KiB (anonymous $(status_kib "$recorder" RssAnon), files $(status_kib "$recorder" RssFile)), most so far $(status_kib "$recorder" VmHWM) KiB; budget 24576 KiB without rings"
		echo "    CPU $(awk -v t=$((after - before)) -v hz="$(getconf CLK_TCK)" 'BEGIN { printf "%.2f%%", t / hz / 30 * 100 }') of one core over 30 s; budget 0.5%"
		echo "    who names stacks, beside it: resident $(status_kib "$namer" VmRSS) KiB (anonymous $(status_kib "$namer" RssAnon)), CPU $(awk -v t=$((naming_after - naming_before)) -v hz="$(getconf CLK_TCK)" 'BEGIN { printf "%.2f%%", t / hz / 30 * 100 }')"
		kill -USR1 "$recorder"
		until [[ -n $(ls "$work"/flight/incidents/*-asked/report.txt 2>/dev/null) ]]; do sleep 0.1; done
		"$OOMTRAIL" report --dir "$work/flight" --format json | jq -r '.recorder |
			"    rings and maps in the kernel \(.kernel_bytes / 1024) KiB; \(.start_cpu_ms) ms CPU to start; \(.events) events, \(.lost_events) lost"'
		stop_recorder
	done
	kill -TERM "$crowd"
	wait "$crowd" || true
}
