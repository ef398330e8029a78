/* SPDX-License-Identifier: GPL-2.0-only */
#include "choose.bpf.h"
#include "counters.bpf.h"
#include "emit.bpf.h"
#include "note.bpf.h"
#include "sample.bpf.h"

#include <bpf/bpf_tracing.h>

/* Page faults, as they begin: all of them come here, and few do more than that. */

/* Hardware's word on a page fault, x86 only. */
#define FAULT_PROTECTION 1 /* the page was there, and may not be used so */
#define FAULT_WRITE      2

/* Another task's, that is still in its page fault. */
static __always_inline bool is_needed(const struct note *note, __u64 task)
{
	return note->task && note->task != task && !note->id &&
	       note->faults == faults_of((struct task_struct *)note->task);
}

/* The first place beside its home that nobody needs; 0: none, or the task's home is free. */
static __noinline __u32 place_beside(__u64 task)
{
	struct note *home = note_home(task);
	bool is_home_needed = is_needed(home, task);
	bool is_any_left = false;

	if (!is_home_needed && !home->is_left)
		return 0;
	for (__u32 beside = 1; beside <= NOTES_BESIDE; beside++) {
		is_any_left |= note_beside(task, beside)->task != 0;
		if (is_home_needed && !is_needed(note_beside(task, beside), task)) {
			home->is_left = 1;
			return beside;
		}
	}
	if (is_home_needed)
		lose(LOSS_NOTE_TABLE_FULL);
	else if (!is_any_left)
		home->is_left = 0;
	return 0;
}

static __noinline int leave_note(__u64 address, __u32 flags)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct note *note = note_beside((__u64)task, place_beside((__u64)task));
	struct mm_struct *mm = BPF_CORE_READ(task, mm);

	*(volatile __u64 *)&note->task = 0;
	if (!mm)
		return 0;
	note->mm = (__u64)mm;
	note->address = address & -(__u64)knob_page_bytes;
	note->faults = faults_of(task);
	note->flags = flags;
	note->id = 0;
	note->cpu = bpf_get_smp_processor_id();
	note_base(note, mm, task);
	/* Whose place it is will be the task's, which note_check() goes by. */
	note->check = note_check(note) ^ (__u64)task;
	*(volatile __u64 *)&note->task = (__u64)task;
	return 0;
}

static __always_inline bool is_chosen_page(__u64 address, __u32 flags)
{
	return flags & STACK_SAMPLE_READ ? is_around_chosen(address) : is_chosen(address);
}

/* Whichever page fault it is that will bring a huge page. */
static __always_inline void touch(__u64 task, __u64 address, __u32 flags)
{
	struct note *home = note_home(task);

	if (!knob_huge_bytes)
		return;
	home->touched_by = task;
	home->touched = address & -(__u64)knob_page_bytes;
	home->touched_faults = faults_here();
	home->touched_flags = flags;
}

static __always_inline int on_fault(__u64 address, __u32 flags)
{
	__u64 task = bpf_get_current_task();
	struct note *note;

	touch(task, address, flags);
	if (is_chosen_page(address, flags))
		return leave_note(address, flags);
	note = note_of(task);
	if (note->task == task)
		note->task = 0;
	return 0;
}

static __always_inline bool is_of_kernel(__u64 address)
{
	/* vmalloc and the like: not the memory of a process. */
	return (__s64)address < 0;
}

/*
 * Not one that is to bring a page: whoever reads user memory where nobody may wait, as we do, and
 * as every profiler on the host may do that follows stacks, wants no more than to be told that
 * nothing is there. On x86 the tracepoints tell of it before the kernel looks whose it is, within
 * another page fault perhaps.
 */
static __always_inline bool is_only_a_look(void)
{
	return page_faults_are_off();
}

static __always_inline __u32 flags_of_error(__u64 error)
{
	return error & FAULT_WRITE ? 0 : STACK_SAMPLE_READ;
}

/* Where rss_stat tells of every page (since 6.2). */
SEC("?tp_btf/page_fault_user")
int BPF_PROG(on_page_fault_user, unsigned long address, void *regs, unsigned long error)
{
	return on_fault(address, flags_of_error(error));
}

SEC("?tp_btf/page_fault_kernel")
int BPF_PROG(on_page_fault_kernel, unsigned long address, void *regs, unsigned long error)
{
	if (is_of_kernel(address) || is_only_a_look())
		return 0;
	return on_fault(address, STACK_SAMPLE_KERNEL | flags_of_error(error));
}

static __noinline int leave_early_note(__u64 address, __u32 flags, __u64 id)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct note *note;

	leave_note(address, flags | STACK_SAMPLE_EARLY);
	note = note_of((__u64)task);
	if (note->task != (__u64)task)
		return 0;
	note->id = id;
	note->thread = (__u32)BPF_CORE_READ(task, pid);
	note->events = rss_thread_events(task);
	if (!rss_is_percpu()) {
#pragma unroll
		for (int member = 0; member < RSS_MEMBERS; member++)
			note->part[member] = rss_thread_part(task, member);
	}
	note->check = note_check(note);
	return 0;
}

/*
 * Where it does not, the sample is taken before the page has come, and what has come is known later
 * (early.bpf.c).
 */
static __always_inline int on_early_fault(__u64 address, __u32 flags)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct note *note = note_of((__u64)task);
	const __s32 none[RSS_MEMBERS] = {};
	struct mm_struct *mm;
	__u64 id = 0;

	if (note->task == (__u64)task) {
		sample_settle_early();
		note->task = 0;
	}
	touch((__u64)task, address, flags);
	if (!is_chosen_page(address, flags))
		return 0;
	mm = BPF_CORE_READ(task, mm);
	if (mm)
		id = sample_take(
			mm, address & -(__u64)knob_page_bytes, flags | STACK_SAMPLE_EARLY, none,
			flags & STACK_SAMPLE_READ ? around_block_bytes() : knob_sample_bytes);
	if (id)
		leave_early_note(address, flags, id);
	return 0;
}

static __always_inline int on_early_error(__u64 address, __u32 flags, __u64 error)
{
	if (error & FAULT_PROTECTION)
		flags |= STACK_SAMPLE_THERE;
	return on_early_fault(address, flags | flags_of_error(error));
}

SEC("?tp_btf/page_fault_user")
int BPF_PROG(on_early_fault_user, unsigned long address, void *regs, unsigned long error)
{
	return on_early_error(address, 0, error);
}

SEC("?tp_btf/page_fault_kernel")
int BPF_PROG(on_early_fault_kernel, unsigned long address, void *regs, unsigned long error)
{
	if (is_of_kernel(address) || is_only_a_look())
		return 0;
	return on_early_error(address, STACK_SAMPLE_KERNEL, error);
}

/*
 * Where page faults have no tracepoints: perf's software event, told at their beginning as well. It
 * does not tell a read from a write; on arm64 the instruction does. (What is taken for the other
 * is chosen otherwise, and weighs as much.)
 */
#if defined(__TARGET_ARCH_x86)
static __always_inline __u32 flags_of(struct bpf_perf_event_data *event)
{
	return event->regs[17] & 3 /* cs */ ? 0 : STACK_SAMPLE_KERNEL;
}
#else
static __always_inline bool is_load(__u32 instruction)
{
	if ((instruction & 0x0a000000) != 0x08000000)
		return false; /* neither loads nor stores */
	if ((instruction & 0x3c000000) == 0x38000000)
		return instruction >> 22 & 3; /* of one general register */
	return instruction >> 22 & 1;
}

static __always_inline __u32 flags_of(struct bpf_perf_event_data *event)
{
	__u32 flags = event->regs[33] & 15 /* pstate */ ? STACK_SAMPLE_KERNEL : 0;
	void *pc = (void *)event->regs[32];
	__u32 instruction;
	long error = flags ? bpf_probe_read_kernel(&instruction, sizeof(instruction), pc)
			   : bpf_probe_read_user(&instruction, sizeof(instruction), pc);

	/* An instruction that is not there is what the page fault is about. */
	return error || is_load(instruction) ? flags | STACK_SAMPLE_READ : flags;
}
#endif

SEC("?perf_event")
int on_fault_event(struct bpf_perf_event_data *event)
{
	__u64 address = event->addr;

	return is_of_kernel(address) ? 0 : on_fault(address, flags_of(event));
}

SEC("?perf_event")
int on_early_fault_event(struct bpf_perf_event_data *event)
{
	__u64 address = event->addr;

	return is_of_kernel(address) ? 0 : on_early_fault(address, flags_of(event));
}
