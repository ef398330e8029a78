# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What a growth sample costs. In the kernel: ns per page fault of the programs that choose, without
# samples and with one for 1 MiB and 256 KiB (storm; bpf_stats, beside empty programs); and of a fault
# that is sampled, by how much stack there is to copy, as the program that takes it sees it (the
# median touch of a new page, every page sampled, against nothing attached). In user space: CPU time
# of the process that names stacks, for each of those samples, and for stacks seen and not seen before.

readonly SAMPLED_PAGES=${SAMPLED_PAGES:-3000}

tell_fault_programs() # LABEL
{
	local label=$1
	recorder_programs >"$work/programs"
	exec 9>&-
	wait "$empty"
	awk -v label="$label" -v empties="$work/empty8" '
		BEGIN {
			while ((getline line < empties) > 0) {
				split(line, f, " ")
				if (f[2] > 0) empty[f[1]] = f[3] / f[2]
			}
			of["on_rss_stat"] = "rss_stat"; of["on_page_fault_u"] = "page_fault_user"
			called["on_page_fault_u"] = "on_page_fault_user"
		}
		$1 in of && of[$1] in empty {
			ns = $3 / $2
			printf "  %-24s %-20s %10d %9.1f %9.1f %9.1f\n", label,
				$1 in called ? called[$1] : $1, $2, ns, empty[of[$1]], ns - empty[of[$1]]
		}' "$work/programs"
}

per_fault()
{
	local label
	echo
	echo "ns per event on a page-fault storm (bpf_stats, beside empty programs at the same time)"
	printf '  %-24s %-20s %10s %9s %9s %9s\n' "record -a" program events ns empty above
	sysctl -qw kernel.bpf_stats_enabled=1
	for label in "--call-graph none" "--sample 1M" "--sample 256K" "--sample 4K"; do
		rm -f "$work/hold8"
		mkfifo "$work/hold8"
		# shellcheck disable=SC2086
		build/bench/empty rss_stat $FAULT_TRACEPOINT <"$work/hold8" >"$work/empty8" &
		empty=$!
		exec 9>"$work/hold8"
		# shellcheck disable=SC2086
		start_recorder "$work/faults.trail" -a $label
		"$STORM" "$SECONDS_EACH" >/dev/null 9>&-
		tell_fault_programs "$label"
		stop_recorder
	done
	sysctl -qw kernel.bpf_stats_enabled=0
}

# A program that touches pages below so much stack, when it is asked to.
start_faults() # STACK-BYTES: sets FAULTS, its pid
{
	rm -f "$work/ask" "$work/told"
	mkfifo "$work/ask" "$work/told"
	build/bench/faults "$1" <"$work/ask" >"$work/told" 9>&- &
	FAULTS=$!
	helpers+=("$FAULTS")
	exec 7>"$work/ask" 8<"$work/told"
	read -r <&8
}

stop_faults()
{
	exec 7>&- 8<&-
	wait "$FAULTS"
}

touch_pages() # PAGES: prints the median ns of one
{
	local told
	echo "$1" >&7
	read -r told <&8
	echo "${told#median_ns=}"
}

# CPU time in ns of the process that names stacks: a child of the one that starts it again.
worker_ns()
{
	local keeper pid
	for keeper in $(cat "/proc/$recorder/task/$recorder/children"); do
		for pid in $(cat "/proc/$keeper/task/$keeper/children"); do
			if [[ $(cat "/proc/$pid/comm") == oomtrail-stacks ]]; then
				cut -d' ' -f1 "/proc/$pid/schedstat"
				return
			fi
		done
	done
	echo "bench: no process names stacks" >&2
	exit 1
}

samples_of() # FILE
{
	"$OOMTRAIL" report "$1" --format json | jq '.growth.samples // 0'
}

per_sample()
{
	local stack plain gate sampled idle before after samples
	echo
	echo "a page fault that is sampled, $SAMPLED_PAGES of them (median ns of a touch; CPU of the naming process)"
	printf '  %-12s %9s %12s %10s %9s   %s\n' "stack" nothing "no samples" sampled "more ns" "naming, ns a sample"
	# Rooms for stacks are of 16, 32 and 64 KiB.
	for stack in 1K 12K 28K 60K; do
		start_faults "$stack"
		plain=$(touch_pages "$SAMPLED_PAGES")
		start_recorder "$work/touch.trail" -p "$FAULTS" --call-graph none
		gate=$(touch_pages "$SAMPLED_PAGES")
		stop_recorder
		start_recorder "$work/touch.trail" -p "$FAULTS" --sample 4K
		# Until the room has been raised, and everything is known that can be.
		touch_pages 200 >/dev/null
		sleep 0.5
		before=$(worker_ns)
		sleep 1
		idle=$(($(worker_ns) - before))
		before=$(worker_ns)
		sampled=$(touch_pages "$SAMPLED_PAGES")
		# Samples are held for 100 ms.
		sleep 0.5
		after=$(($(worker_ns) - before))
		stop_recorder
		stop_faults
		samples=$(($(samples_of "$work/touch.trail") - 200))
		[[ $samples -gt 0 ]] || { echo "bench: nothing was sampled" >&2; exit 1; }
		printf '  %-12s %9d %12d %10d %9d   %d (%d samples; idle it takes %s%% of a core)\n' \
			"$stack" "$plain" "$gate" "$sampled" $((sampled - plain)) \
			$(((after - idle) / samples)) "$samples" "$(awk -v ns="$idle" 'BEGIN { printf "%.1f", ns / 1e7 }')"
	done
}

run_8()
{
	per_fault
	per_sample
	echo
	echo "naming without the rings (CPU time; a stack of so many frames)"
	build/bench/stacks | awk -F= '{ v[$1] = $2 } END {
		printf "  %d frames: known stack %.1f us; first of a further process %d us; first of an unknown program %d us\n",
			v["frames"], v["warm_ns"] / 1000, v["next_us"], v["cold_us"] }'
}
