#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Where tasks are preempted within a program, which the kernel then runs for nobody else on that CPU,
# all the same no fork, exec or exit is missing of hundreds of processes that crowd two CPUs.
# vm: --append preempt=full
. "$(dirname "$0")/../../e2e/lib.sh"

need_root
# Programs are preempted where tracepoints have this guard instead of one against it.
grep -qa class_srcu_fast_notrace_t /sys/kernel/btf/vmlinux ||
	skip "this kernel does not preempt programs on tracepoints"
record_start -a --call-graph none --report text="$WORK/live.txt" --report json="$WORK/live.json"
churn() # LABEL
{
	local i
	for ((i = 0; i < 120; i++)); do
		/bin/true "churn-$1-$i"
	done
}
jobs=()
for label in a b c d e; do
	churn "$label" &
	jobs+=($!)
done
wait "${jobs[@]}"
record_stop

live_equals_replay
json_is '[.processes[] | select(.argv[1]? // "" | startswith("churn-"))] |
	length == 600 and all(.exit.status == 0)'
json_is '[.losses.rows[]? | select(.kind == ("fork", "exec", "exit"))] == []'
