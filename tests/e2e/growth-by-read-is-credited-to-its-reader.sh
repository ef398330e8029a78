#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The kernel itself touches memory that read(2) fills: the page faults are its own, the growth is
# that of the function that asked, by way of the system call and of the kernel's functions. Where
# those cannot be had, the report says so, and the system call stands alone.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/growth.bash"

# The kernel's own function for read(2) is called by the system call, and calls one that copies.
has_kernel_functions()
{
	at_least "growth of read_piece by vfs_read" "$(credited vfs_read)" \
		"$(truth read bytes.read_piece)" 95
	at_least "growth by vfs_read for read(2)" \
		"$(jq -r --argjson pid "$PID" "$GROWTH"'of($pid) | map(select(functions |
			index("vfs_read") as $at | $at > 0 and
			(.[$at + 1:][:2] | index("[read]")))) | sum_bytes' "$WORK/report.json")" \
		"$(truth read bytes.read_piece)" 95
	growth_is 'of($pid) | [.[].frames[] | select(.function == "vfs_read")] |
		all(.module == "[kernel]" and .kind == "kernel")' pid "$PID"
	# Neither what handles the page fault nor what enters the kernel; nor any address of it.
	growth_is '[of($pid)[].frames[] | select(.kind == "kernel").function | select(
		test("page_fault|do_mem_abort|rss_stat|bpf_prog|do_syscall_64|el0|entry_SYS"))] == []' \
		pid "$PID"
	! grep -qE '"0xffff[0-9a-f]{12}"' "$WORK/report.json" || fail "an address of the kernel's in the report"
	"$OOMTRAIL" report "$TRAIL" --format folded >"$WORK/folded" || fail "folded: status $?"
	equal "folded stacks of vfs_read" \
		"$(awk '/;read_piece;.*\[read\];.*vfs_read;/ {sum += $NF}
			END {printf "%.0f", sum}' "$WORK/folded")" "$(credited vfs_read)"
}

has_no_kernel_functions()
{
	growth_is '[of($pid)[].frames[] | select(.kind == "kernel").function |
		select(test("^\\[[a-z0-9_]+\\]$") | not)] == []' pid "$PID"
}

cgroup_new app 256
head -c 8M /dev/zero >"$WORK/input"
for file in /dev/zero "$WORK/input"; do
	size=96M
	[[ $file == /dev/zero ]] || size=8M
	record_growth read app -- "$WORKLOADS/reader" "$file" "$size"
	credited_as_told read read_piece 5
	at_least "complete stacks" "$(credited_complete)" "$(truth read bytes.read_piece)" 95
	at_least "growth by read(2)" "$(credited '[read]')" "$(truth read bytes.read_piece)" 95
	if json_value '.probes[] | select(.capability == "growth by stack").why' |
		grep -q 'no frames of the kernel: no bpf_get_current_task_btf'; then
		has_no_kernel_functions
	else
		has_kernel_functions
	fi
	# In text the system call stands for all that it leads to.
	"$OOMTRAIL" report "$TRAIL" | tr -s ' \n' ' ' | grep -qF '[read] <- ' ||
		fail "no read(2) in the text"
	! "$OOMTRAIL" report "$TRAIL" | grep -q vfs_read || fail "the kernel's functions in the text"
done
