#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What grows on a processor that was offline when the recording began is credited to named functions,
# though the process that names them has given most privileges up. Where page faults are seen by
# perf's events alone, such a processor's are not, and the report says so. What is mapped there is
# followed by perf events even where the kernel gives those to CAP_SYS_ADMIN alone; so it is of one
# that leaves and comes back, and by whoever names stacks when the first one has died.
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
	local label=$1
	shift
	echo 0 >"$CPU"
	record_start -a "$@"
	switch 1
	taskset 2 "$WORKLOADS/shares" 64M >"$WORK/$label.out"
	PID=$(truth "$label" pid)
	record_stop
}

# The process that names stacks.
naming()
{
	local keeper
	keeper=$(pgrep -P "$RECORDER" -x oomtrail-keeper) && pgrep -P "$keeper" -x oomtrail-stacks
}

switch() # 0|1; returns when the recorder has looked
{
	local online_ns
	echo "$1" >"$CPU"
	online_ns=$(date +%s%N)
	wait_for looked
}

unwatched() # KIND; true: the report says that a processor is not followed
{
	jq -e --arg kind "$1" '.losses.rows // [] |
		any((.reason | test("CPU that came online")) and .kind == $kind)' \
		"$WORK/report.json" >/dev/null
}

record_across perf --without page_fault
unwatched growth || fail "nothing is said of a processor whose page faults are not seen"

record_across best
if jq -e 'any(.probes[]; .capability == "growth by stack" and (.way | test("tp_btf")))' \
	"$WORK/report.json" >/dev/null; then
	! unwatched frame || fail "a processor is not followed"
	for function in decode_image parse_rows keep_session log_line; do
		credited_as_told best "$function" 5
	done

	# One that leaves and comes back, behind the end of the first process that names.
	echo 0 >"$CPU"
	record_start -a
	switch 1
	switch 0
	first=$(naming) || fail "nobody names stacks"
	kill -KILL "$first"
	wait_for 'second=$(naming) && [[ $second != "$first" ]]'
	wait_for 'grep -q "names stacks is started again" "$WORK/record.err"'
	switch 1
	taskset 2 "$WORKLOADS/shares" 64M >"$WORK/again.out"
	PID=$(truth again pid)
	record_stop
	! unwatched frame || fail "a processor that has come back is not followed"
	for function in decode_image parse_rows keep_session log_line; do
		credited_as_told again "$function" 5
	done
fi
