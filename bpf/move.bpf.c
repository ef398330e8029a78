/* SPDX-License-Identifier: GPL-2.0-only */
#include "sample.bpf.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#include "rss.bpf.h"

/*
 * mremap(2) moves pages to where nobody has sampled them. Nothing tells of that, but when it looks
 * for a place, as mmap(2) does, a tracepoint says which one it has found; where from is told by the
 * registers of the system call. To a place that the caller names (MREMAP_FIXED) none is looked for:
 * that is not seen.
 */

#if defined(__TARGET_ARCH_x86)
#define REGISTERS   16
#define ARGUMENT(n) ((n) == 0 ? 14 : (n) == 1 ? 13 : 12) /* di, si, dx */
#define MREMAP      25                                   /* __NR_mremap */
#else
#define REGISTERS   9
#define ARGUMENT(n) (n)
#define MREMAP      216
#endif

#define VM_UNMAPPED_AREA_TOPDOWN 1 /* Linux, include/linux/mm.h */

SEC("?tp_btf/vm_unmapped_area")
int BPF_PROG(on_place_found, unsigned long place, struct vm_unmapped_area_info *info)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	__u64 key = (__u64)BPF_CORE_READ(task, mm), registers[REGISTERS];
	struct stack_sample_moved *moved;
	struct mm_state *state;

	/* An error, or no page's address. */
	if (place & (knob_page_bytes - 1))
		return 0;
	if (bpf_probe_read_kernel(registers, sizeof(registers), user_registers()) ||
	    registers[NUMBER_AT] != MREMAP)
		return 0;
	state = bpf_map_lookup_elem(&mms, &key);
	if (!state)
		return 0;
	moved = bpf_ringbuf_reserve(&stacks, sizeof(*moved), 0);
	if (!moved) {
		__sync_fetch_and_add(&stack_losses, 1);
		return 0;
	}
	moved->header.size_bytes = sizeof(*moved);
	moved->header.kind = STACK_SAMPLE_MOVED;
	moved->header.time_ns = bpf_ktime_get_ns();
	moved->header.id = 0;
	moved->mm_id = state->mm_id;
	moved->from = registers[ARGUMENT(0)];
	moved->bytes = registers[ARGUMENT(1)];
	moved->new_bytes = registers[ARGUMENT(2)];
	moved->place = place;
	moved->place_bytes = BPF_CORE_READ(info, length);
	moved->pid = bpf_get_current_pid_tgid() >> 32;
	moved->flags = BPF_CORE_READ(info, flags) & VM_UNMAPPED_AREA_TOPDOWN ? MOVED_DOWNWARD : 0;
	bpf_ringbuf_submit(moved, BPF_RB_NO_WAKEUP);
	return 0;
}
