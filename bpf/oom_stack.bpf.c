/* SPDX-License-Identifier: GPL-2.0-only */
#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "cgroup.bpf.h"
#include "oom_stack.bpf.h"
#include "task.bpf.h"

/*
 * At mark_victim current is inside out_of_memory(), so its struct oom_control is on the kernel
 * stack: look for the victim's address and check whether the words around it make an oom_control.
 * All OOM kills of a host hold oom_lock, so one copy serves. In parts, each searched by a global
 * function: the verifier follows one part's words, not all 2,048.
 */
#define STACK_BYTES 16384
#define STACK_WORDS (STACK_BYTES / 8)
#define STACK_PART  64

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64[STACK_PART]);
} oom_stack SEC(".maps");

/* Globals instead of arguments: a global function is verified once, alone, and takes scalars. */
__u64 oom_wanted[2] = {};
__u64 oom_victim_memcg = 0;
__u64 oom_stack_base = 0;

/* OOM kills happen on behalf of allocations that may reclaim; the bit's place has never moved. */
#define GFP_DIRECT_RECLAIM 0x400U

/*
 * The victim's address may lie on the stack more than once, so the words around a match must make
 * an oom_control in every respect: a wrong one would name a wrong limit.
 */
static __always_inline bool plausible(struct oom_control *oc)
{
	struct mem_cgroup *memcg = BPF_CORE_READ(oc, memcg);
	int order = BPF_CORE_READ(oc, order);
	__u32 constraint = BPF_CORE_READ(oc, constraint);
	__s64 total = BPF_CORE_READ(oc, totalpages), points = BPF_CORE_READ(oc, chosen_points);

	if (order < -1 || order > 20 || constraint > OOM_CONSTRAINT_MEMCG)
		return false;
	if (!(BPF_CORE_READ(oc, gfp_mask) & GFP_DIRECT_RECLAIM))
		return false;
	/* Badness: pages, plus up to the whole domain by oom_score_adj. */
	if (total <= 0 || points > 3 * total || points < -3 * total)
		return false;
	if (memcg)
		return constraint == OOM_CONSTRAINT_MEMCG && !BPF_CORE_READ(oc, zonelist) &&
		       memcg_is_within((struct mem_cgroup *)oom_victim_memcg, memcg_id(memcg));
	/* The host's: all of its memory, and a list of zones (sysrq takes the first node's). */
	return constraint != OOM_CONSTRAINT_MEMCG && BPF_CORE_READ(oc, zonelist) &&
	       (constraint != OOM_CONSTRAINT_NONE || total >= (__s64)knob_host_pages);
}

/* `word`: index of a match. Returns 1 when it is the `chosen` of an oom_control. */
__noinline int oom_is_chosen(__u32 word)
{
	void *address = (void *)oom_stack_base + word * 8UL;

	return plausible(address - bpf_core_field_offset(struct oom_control, chosen));
}

/* Index of `chosen` among the words of the stack from `first` on, or -1. */
__noinline int oom_find_chosen_from(__u32 first)
{
	__u32 zero = 0;
	__u64 victim = oom_wanted[0], leader = oom_wanted[1];
	__u64 *words = bpf_map_lookup_elem(&oom_stack, &zero);

	if (!words ||
	    bpf_probe_read_kernel(words, STACK_PART * 8, (void *)oom_stack_base + first * 8UL))
		return -1;
	for (__u32 i = 0; i < STACK_PART; i++) {
		if ((words[i] == victim || words[i] == leader) && oom_is_chosen(first + i))
			return first + i;
	}
	return -1;
}

/* Index of `chosen` in the stack's words, or -1. */
__noinline int oom_find_chosen(void)
{
	for (__u32 first = 0; first < STACK_WORDS; first += STACK_PART) {
		int word = oom_find_chosen_from(first);

		if (word >= 0)
			return word;
	}
	return -1;
}

/* Is this word the address of the task with that pid? Most words are no addresses at all. */
static __always_inline bool is_task(__u64 word, __u32 pid)
{
	struct task_struct *task = (struct task_struct *)word, *leader;

	if ((__s64)word >= 0 || word & 7 || (__u32)BPF_CORE_READ(task, pid) != pid)
		return false;
	leader = BPF_CORE_READ(task, group_leader);
	return BPF_CORE_READ(leader, pid) == BPF_CORE_READ(task, tgid) &&
	       BPF_CORE_READ(leader, group_leader) == leader &&
	       (__u32)BPF_CORE_READ(task, thread_pid, numbers[0].nr) == pid;
}

/* The same as oom_find_chosen_from(), for the address of a task. */
__noinline int oom_find_task_from(__u32 first, __u32 pid)
{
	__u32 zero = 0;
	__u64 *words = bpf_map_lookup_elem(&oom_stack, &zero);

	if (!words ||
	    bpf_probe_read_kernel(words, STACK_PART * 8, (void *)oom_stack_base + first * 8UL))
		return 0;
	for (__u32 i = 0; i < STACK_PART; i++) {
		if (is_task(words[i], pid)) {
			oom_wanted[0] = words[i];
			return 1;
		}
	}
	return 0;
}

__noinline int oom_find_task(__u32 pid)
{
	for (__u32 first = 0; first < STACK_WORDS; first += STACK_PART) {
		if (oom_find_task_from(first, pid))
			return 1;
	}
	return 0;
}

__u64 oom_stack_task(__u32 pid)
{
	struct task_struct *trigger = (struct task_struct *)bpf_get_current_task();

	oom_stack_base = (__u64)BPF_CORE_READ(trigger, stack);
	return oom_find_task(pid) ? oom_wanted[0] : 0;
}

__u64 oom_stack_control(void)
{
	struct task_struct *trigger = (struct task_struct *)bpf_get_current_task();
	struct task_struct *victim = (struct task_struct *)oom_wanted[0];
	int word;

	oom_stack_base = (__u64)BPF_CORE_READ(trigger, stack);
	oom_wanted[1] = (__u64)BPF_CORE_READ(victim, group_leader);
	oom_victim_memcg = (__u64)task_memcg(victim);
	word = oom_find_chosen();
	return word < 0 ? 0
			: oom_stack_base + word * 8UL -
				  bpf_core_field_offset(struct oom_control, chosen);
}
