#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What grows on a processor that was offline when the recording began is credited to named functions,
# though the process that names them has given most privileges up. Where page faults are seen by
# perf's events alone, such a processor's are not, and the report says so; so it does where the kernel
# gives perf events to CAP_SYS_ADMIN alone: what is exec'ed there has no names.
# vm: --cpus 2
. "$(dirname "$0")/../../e2e/lib.sh"
. "$(dirname "$0")/../../e2e/growth.bash"

readonly CPU=/sys/devices/system/cpu/cpu1/online
[[ -w $CPU ]] || skip "this machine's processors cannot be taken offline"
need_root

# The recorder looks once a second.
looked()
{
	[[ $(($(date +%s%N) - online_ns)) -ge 2500000000 ]]
}

record_across() # LABEL OPTION...
{
	local label=$1 online_ns
	shift
	echo 0 >"$CPU"
	record_start -a "$@"
	echo 1 >"$CPU"
	online_ns=$(date +%s%N)
	wait_for looked
	taskset 2 "$WORKLOADS/shares" 64M >"$WORK/$label.out"
	PID=$(truth "$label" pid)
	record_stop
}

unwatched() # KIND; true: the report says that a processor is not followed
{
	jq -e --arg kind "$1" '.losses.rows // [] |
		any((.reason | test("CPU that came online")) and .kind == $kind)' \
		"$WORK/report.json" >/dev/null
}

# Debian's kernels do above 2.
perf_is_for_admins()
{
	[[ $(</proc/sys/kernel/perf_event_paranoid) -gt 2 ]]
}

record_across perf --without page_fault
unwatched growth || fail "nothing is said of a processor whose page faults are not seen"

record_across best
if jq -e 'any(.probes[]; .capability == "growth by stack" and (.way | test("tp_btf")))' \
	"$WORK/report.json" >/dev/null; then
	if perf_is_for_admins; then
		unwatched frame || fail "nothing is said of a processor whose mappings are not followed"
	else
		! unwatched frame || fail "a processor is not followed"
		for function in decode_image parse_rows keep_session log_line; do
			credited_as_told best "$function" 5
		done
	fi
fi
