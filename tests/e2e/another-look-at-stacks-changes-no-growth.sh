#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Another recorder beside ours, and where it is installed another program that takes stacks at page
# faults: they read memory that is not there, within page faults of the process that grows. Nothing
# of it is growth, and none of the growth is lost for it.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/growth.bash"

cgroup_new app 160
record_start -a
record_growth beside app -- "$WORKLOADS/huge" off 96M
credited_as_told beside fill 5
about "all that grew" "$(credited_in_all)" "$(truth beside bytes.fill)" $((8 << 20))
record_stop

command -v bpftrace >/dev/null || exit 0
bpftrace -e 'BEGIN { printf("ready\n"); } software:page-faults:1 { @[ustack(perf)] = count(); }
	END { clear(@); }' >"$WORK/bpftrace.out" 2>&1 &
tracer=$!
STARTED_PIDS+=("$tracer")
wait_for 'grep -q ready "$WORK/bpftrace.out" || gone "$tracer"'
gone "$tracer" && skip "bpftrace does not run here: $(tail -n 1 "$WORK/bpftrace.out")"
record_growth beside app -- "$WORKLOADS/huge" off 96M
kill -INT "$tracer"
join "$tracer"
credited_as_told beside fill 5
about "all that grew" "$(credited_in_all)" "$(truth beside bytes.fill)" $((8 << 20))
