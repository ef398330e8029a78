/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/*
 * Every difference between kernel versions, and nothing else: a flavour struct (the part of the
 * name behind ___ is ignored by CO-RE), an accessor, and the change that forced it. The programs
 * themselves stay free of version logic.
 */

#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "knobs.bpf.h"

/* NR_MM_COUNTERS: file, anon, swap entries, shmem, in this order on every kernel we know. */
enum rss_member { RSS_FILE, RSS_ANON, RSS_SWAP, RSS_SHMEM, RSS_MEMBERS };

/*
 * mm->rss_stat: until 6.1 atomic counters (struct mm_rss_stat), in front of which each thread holds
 * back what its last 64 page faults added (struct task_rss_stat, SPLIT_RSS_COUNTING), each of which
 * may map 16 pages of a file; since 6.2, f1a7941243c1 "mm: convert mm's rss stats into
 * percpu_counter", four percpu_counters, whose folded part moves when a CPU's batch overflows.
 */
struct mm_rss_stat___v61 {
	atomic_long_t count[4];
} __attribute__((preserve_access_index));

struct mm_struct___v61 {
	struct mm_rss_stat___v61 rss_stat;
} __attribute__((preserve_access_index));

struct task_rss_stat___v61 {
	int events;
	int count[4];
} __attribute__((preserve_access_index));

struct task_struct___v61 {
	struct task_rss_stat___v61 rss_stat;
} __attribute__((preserve_access_index));

static __always_inline bool rss_is_percpu(void)
{
	return !bpf_core_type_exists(struct mm_rss_stat___v61);
}

/*
 * The folded counter in pages; for programs whose `mm` is a BTF pointer. A variable index into a
 * BTF struct is refused by the verifier, hence one constant offset per member. An array of
 * typedefs is refused as well (6.1: "Type 'atomic_long_t' is not a struct"), so the old layout is
 * probed; there the tracepoint fires once per 64 pages and can bear it.
 */
static __always_inline __s64 rss_folded_direct(struct mm_struct *mm, int member)
{
	if (!rss_is_percpu()) {
		struct mm_struct___v61 *old = (void *)mm;

		switch (member) {
		case RSS_FILE:
			return BPF_CORE_READ(old, rss_stat.count[RSS_FILE].counter);
		case RSS_ANON:
			return BPF_CORE_READ(old, rss_stat.count[RSS_ANON].counter);
		case RSS_SWAP:
			return BPF_CORE_READ(old, rss_stat.count[RSS_SWAP].counter);
		default:
			return BPF_CORE_READ(old, rss_stat.count[RSS_SHMEM].counter);
		}
	}
	switch (member) {
	case RSS_FILE:
		return mm->rss_stat[RSS_FILE].count;
	case RSS_ANON:
		return mm->rss_stat[RSS_ANON].count;
	case RSS_SWAP:
		return mm->rss_stat[RSS_SWAP].count;
	default:
		return mm->rss_stat[RSS_SHMEM].count;
	}
}

/* All four, for any mm pointer. Pages; may be briefly negative. */
static __always_inline void rss_folded(struct mm_struct *mm, __s64 pages[RSS_MEMBERS])
{
	if (!rss_is_percpu()) {
		struct mm_struct___v61 *old = (void *)mm;

		pages[RSS_FILE] = BPF_CORE_READ(old, rss_stat.count[RSS_FILE].counter);
		pages[RSS_ANON] = BPF_CORE_READ(old, rss_stat.count[RSS_ANON].counter);
		pages[RSS_SWAP] = BPF_CORE_READ(old, rss_stat.count[RSS_SWAP].counter);
		pages[RSS_SHMEM] = BPF_CORE_READ(old, rss_stat.count[RSS_SHMEM].counter);
		return;
	}
	pages[RSS_FILE] = BPF_CORE_READ(mm, rss_stat[RSS_FILE].count);
	pages[RSS_ANON] = BPF_CORE_READ(mm, rss_stat[RSS_ANON].count);
	pages[RSS_SWAP] = BPF_CORE_READ(mm, rss_stat[RSS_SWAP].count);
	pages[RSS_SHMEM] = BPF_CORE_READ(mm, rss_stat[RSS_SHMEM].count);
}

/* The same with plain loads, for a BTF pointer. One branch on the layout: spread over a loop, the
 * verifier loses track of it. */
static __always_inline void rss_folded_direct_all(struct mm_struct *mm, __s64 pages[RSS_MEMBERS])
{
	if (!rss_is_percpu()) {
		rss_folded(mm, pages);
		return;
	}
	pages[RSS_FILE] = mm->rss_stat[RSS_FILE].count;
	pages[RSS_ANON] = mm->rss_stat[RSS_ANON].count;
	pages[RSS_SWAP] = mm->rss_stat[RSS_SWAP].count;
	pages[RSS_SHMEM] = mm->rss_stat[RSS_SHMEM].count;
}

static __always_inline __s32 *rss_percpu_part(struct mm_struct *mm, int member)
{
	switch (member) {
	case RSS_FILE:
		return BPF_CORE_READ(mm, rss_stat[RSS_FILE].counters);
	case RSS_ANON:
		return BPF_CORE_READ(mm, rss_stat[RSS_ANON].counters);
	case RSS_SWAP:
		return BPF_CORE_READ(mm, rss_stat[RSS_SWAP].counters);
	default:
		return BPF_CORE_READ(mm, rss_stat[RSS_SHMEM].counters);
	}
}

/* What a thread holds back of one kind, in pages; may be negative. */
static __always_inline int rss_thread_part(struct task_struct *task, __u32 member)
{
	struct task_struct___v61 *old = (void *)task;
	int pages = 0;

	if (bpf_core_field_exists(old->rss_stat))
		bpf_probe_read_kernel(&pages, sizeof(pages),
				      (void *)old + bpf_core_field_offset(old->rss_stat.count) +
					      (member & 3) * sizeof(pages));
	return pages;
}

/* Page faults since the thread last folded what it holds back; 0 as well where none holds any. */
static __always_inline int rss_thread_events(struct task_struct *task)
{
	struct task_struct___v61 *old = (void *)task;

	return bpf_core_field_exists(old->rss_stat) ? BPF_CORE_READ(old, rss_stat.events) : 0;
}

/*
 * The registers that current left user space with: bpf_task_pt_regs() since 5.15; before, where
 * every kernel on our architectures saves them, at the top of the task's kernel stack, which on
 * arm64 is never smaller than a page (VMAP_STACK).
 */
#define KERNEL_STACK_BYTES (knob_page_bytes > 16384 ? (__u64)knob_page_bytes : 16384)

static __always_inline void *user_registers(void)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();

	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_task_pt_regs))
		return (void *)bpf_task_pt_regs(bpf_get_current_task_btf());
	return BPF_CORE_READ(task, stack) + KERNEL_STACK_BYTES - bpf_core_type_size(struct pt_regs);
}

/* Of the system call that current is in; of a task outside of any something else. */
#if defined(__TARGET_ARCH_x86)
#define NUMBER_AT 15 /* orig_ax */
#else
#define NUMBER_AT 8 /* x8 */
#endif

static __always_inline __u64 system_call_number(void)
{
	__u64 number = ~0ULL;

	bpf_probe_read_kernel(&number, sizeof(number),
			      user_registers() + NUMBER_AT * sizeof(number));
	return number;
}

/* Where current is in the kernel, innermost first; how many addresses. The helper wants a BTF
 * pointer, bpf_get_current_task_btf() is there since 5.11: before, none are told. */
static __always_inline __u32 kernel_stack(__u64 *addresses, __u32 bytes)
{
	long got;

	if (!bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_get_current_task_btf))
		return 0;
	got = bpf_get_task_stack(bpf_get_current_task_btf(), addresses, bytes, 0);
	return got > 0 ? (__u32)got / sizeof(*addresses) : 0;
}

/* Is current not to wait for pages now? The helper that reads kernel memory has them off meanwhile,
 * on every kernel, and counts as one; bpf_get_current_task_btf() is there since 5.11. */
static __always_inline bool page_faults_are_off(void)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();

	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_get_current_task_btf))
		return bpf_get_current_task_btf()->pagefault_disabled > 0;
	return BPF_CORE_READ(task, pagefault_disabled) > 1;
}

/* A bit of task_struct; a kernel that has none tells nothing. */
static __always_inline bool is_in_exec(struct task_struct *task)
{
	return bpf_core_field_exists(task->in_execve) &&
	       BPF_CORE_READ_BITFIELD_PROBED(task, in_execve);
}

/*
 * Is this the last thread of its process? Since 6.16 sched_process_exit says so itself and comes
 * before exit_mm(), so that task->mm can still be read; earlier kernels call it after exit_mm().
 * signal->live has been counted down by then on all of them.
 */
static __always_inline bool is_last_thread(struct task_struct *task)
{
	return BPF_CORE_READ(task, signal, live.counter) == 0;
}

/* hugetlb_usage depends on CONFIG_HUGETLB_PAGE, owner on CONFIG_MEMCG. */
static __always_inline __s64 mm_hugetlb_pages(struct mm_struct *mm)
{
	if (!bpf_core_field_exists(mm->hugetlb_usage))
		return -1;
	return BPF_CORE_READ(mm, hugetlb_usage.counter);
}

static __always_inline struct task_struct *mm_owner(struct mm_struct *mm)
{
	if (!bpf_core_field_exists(mm->owner))
		return NULL;
	return BPF_CORE_READ(mm, owner);
}

static __always_inline struct task_struct *mm_owner_direct(struct mm_struct *mm)
{
	if (!bpf_core_field_exists(mm->owner))
		return NULL;
	return mm->owner;
}

/*
 * The memory controller's state of a css_set or cgroup: subsys[] is indexed by an enum whose
 * values depend on the configuration.
 */
static __always_inline struct mem_cgroup *subsys_memcg(void *subsys_array)
{
	struct cgroup_subsys_state *css = NULL;
	__u32 index;

	if (!bpf_core_enum_value_exists(enum cgroup_subsys_id, memory_cgrp_id))
		return NULL;
	index = bpf_core_enum_value(enum cgroup_subsys_id, memory_cgrp_id);
	bpf_probe_read_kernel(&css, sizeof(css), subsys_array + index * sizeof(css));
	/* css is the first member of struct mem_cgroup, on every kernel: container_of is a cast. */
	return (struct mem_cgroup *)css;
}

static __always_inline struct mem_cgroup *task_memcg(struct task_struct *task)
{
	struct css_set *set = BPF_CORE_READ(task, cgroups);

	return set ? subsys_memcg((void *)set + bpf_core_field_offset(set->subsys)) : NULL;
}

static __always_inline struct mem_cgroup *cgroup_memcg(struct cgroup *cgroup)
{
	return subsys_memcg((void *)cgroup + bpf_core_field_offset(cgroup->subsys));
}

/* kmem is v1's counter; it leaves struct mem_cgroup where CONFIG_MEMCG_V1 is off (6.11). */
static __always_inline __s64 memcg_kmem_pages(struct mem_cgroup *memcg)
{
	if (!bpf_core_field_exists(memcg->kmem))
		return -1;
	return BPF_CORE_READ(memcg, kmem.usage.counter);
}

/* page_counter.failcnt: CONFIG_MEMCG_V1 only, from 6.14 on; v2 then counts events instead. */
static __always_inline __s64 memcg_failures(struct mem_cgroup *memcg)
{
	if (!bpf_core_field_exists(memcg->memory.failcnt))
		return -1;
	return BPF_CORE_READ(memcg, memory.failcnt);
}

/* OOM events of this level alone; indexed by an enum that grows. -1: this kernel has none. */
static __always_inline __s64 memcg_oom_events(struct mem_cgroup *memcg)
{
	__s64 events = -1;
	__u32 index;

	if (!bpf_core_field_exists(memcg->memory_events_local) ||
	    !bpf_core_enum_value_exists(enum memcg_memory_event, MEMCG_OOM))
		return -1;
	index = bpf_core_enum_value(enum memcg_memory_event, MEMCG_OOM);
	bpf_probe_read_kernel(&events, sizeof(events),
			      (void *)memcg + bpf_core_field_offset(memcg->memory_events_local) +
				      index * sizeof(atomic_long_t));
	return events;
}
