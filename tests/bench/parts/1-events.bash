# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# ns per event of each program beside an empty program on the same tracepoint, one run.

readonly TRACEPOINTS="rss_stat exit_mmap sched_process_fork sched_process_exec sched_process_exit
	task_rename signal_generate cgroup_attach_task $FAULT_TRACEPOINT"

run_1()
{
	sysctl -qw kernel.bpf_stats_enabled=1
	mkfifo "$work/hold"
	# shellcheck disable=SC2086
	build/bench/empty $TRACEPOINTS <"$work/hold" >"$work/empty" &
	empty=$!
	exec 9>"$work/hold"
	start_recorder "$work/stats.trail" -a
	"$STORM" "$SECONDS_EACH" >/dev/null
	for ((i = 0; i < 300; i++)); do /bin/true; done
	(sleep 60 & kill -KILL $!; wait $! 2>/dev/null) || true
	recorder_programs >"$work/programs"
	exec 9>&-
	wait "$empty"
	stop_recorder
	sysctl -qw kernel.bpf_stats_enabled=0

	echo
	echo "ns per event (bpf_stats, one run; the empty program shows what the measuring itself costs)"
	printf '  %-26s %12s %9s %9s %9s\n' program events ns empty above
	awk -v empties="$work/empty" '
		BEGIN {
			while ((getline line < empties) > 0) {
				split(line, f, " ")
				if (f[2] > 0) empty[f[1]] = f[3] / f[2]
			}
			# the kernel cuts program names at 15 characters
			on["on_rss_stat"] = "rss_stat"; on["on_exit_mmap"] = "exit_mmap"
			on["on_fork"] = "sched_process_fork"; on["on_exec"] = "sched_process_exec"
			on["on_exit"] = "sched_process_exit"; on["on_rename"] = "task_rename"
			on["on_reclaimer_ex"] = "sched_process_exit"
			on["on_signal_gener"] = "signal_generate"
			on["on_cgroup_attac"] = "cgroup_attach_task"
			on["on_page_fault_u"] = "page_fault_user"
		}
		$1 in on && on[$1] in empty {
			ns = $3 / $2
			printf "  %-26s %12d %9.1f %9.1f %9.1f\n", $1, $2, ns, empty[on[$1]], ns - empty[on[$1]]
		}
		$1 ~ /^iter_/ { printf "  %-26s %12d %9.1f %9s %9s\n", $1, $2, $3 / $2, "-", "-" }' "$work/programs"
}
