#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Where the kernel shows its addresses to nobody, growth in a system call is credited to it all the
# same; doctor and the report say why the kernel's own functions are not there.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/growth.bash"

readonly RESTRICT=/proc/sys/kernel/kptr_restrict
before=$(<"$RESTRICT") || skip "kernel.kptr_restrict cannot be read"
restore()
{
	local status=$?
	set +e
	echo "$before" >"$RESTRICT"
	return "$status"
}
trap 'restore; cleanup' EXIT

# What doctor says of growth by stack.
why()
{
	"$OOMTRAIL" doctor --json | jq -r '.capabilities[] | select(.capability == "growth by stack").why'
}

shown=$(why)
[[ $shown != *'no bpf_get_current_task_btf'* ]] || skip "no functions of the kernel to be hidden: $shown"
echo 2 >"$RESTRICT" || skip "kernel.kptr_restrict cannot be set"
[[ $(<"$RESTRICT") == 2 ]] || skip "kernel.kptr_restrict stays $(<"$RESTRICT")"
hidden='no frames of the kernel: hidden (kernel.kptr_restrict, CAP_SYSLOG)'
[[ $(why) == *"$hidden" ]] || fail "doctor does not say that they are hidden: $(why)"

cgroup_new app 256
record_growth read app -- "$WORKLOADS/reader" /dev/zero 64M
credited_as_told read read_piece 5
at_least "growth by read(2)" "$(credited '[read]' read)" "$(truth read bytes.read_piece)" 95
growth_is '[of($pid)[].frames[] | select(.kind == "kernel") |
	select(.function != "[execve]" and (.module or (.function | test("^\\[.*\\]$") | not)))] == []' \
	pid "$PID"
json_is '.probes[] | select(.capability == "growth by stack").why | endswith($hidden)' \
	hidden "$hidden"

# What it shows again is there again.
echo "$before" >"$RESTRICT"
[[ $shown != *'no frames'* ]] || skip "hidden before as well: $shown"
record_growth read app -- "$WORKLOADS/reader" /dev/zero 64M
at_least "growth by vfs_read" "$(credited vfs_read)" "$(truth read bytes.read_piece)" 95
