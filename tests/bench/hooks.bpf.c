/* SPDX-License-Identifier: GPL-2.0-only */

/*
 * Ways to see memory grow, measured against each other by tests/bench/hooks.c. All do the same, as
 * far as the hook lets them: choose one page of each block by its address and count it as the whole
 * block. What copies no stack and tells nobody is the hook's own price.
 */

#include "bpf/choose.bpf.h"
#include "bpf/gate.bpf.h"
#include "bpf/kernel_compat.bpf.h"

#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

const volatile __u32 knob_page_bytes = 4096;
const volatile __u32 knob_page_shift = 12;
const volatile __u32 knob_sample_shift = 12;

__u32 measured = 0;        /* the process whose growth is counted; 0: nobody's */
__u64 seen_bytes = 0;      /* that it has grown by */
__u64 addressed_bytes = 0; /* of them, where it is known where they came */

static __always_inline bool is_measured(void)
{
	return bpf_get_current_pid_tgid() >> 32 == measured;
}

static __always_inline void count(__u64 *bytes, __u64 pages)
{
	if (is_measured())
		__sync_fetch_and_add(bytes, pages << knob_sample_shift);
}

static __always_inline void count_addressed(__u64 pages)
{
	count(&seen_bytes, pages);
	count(&addressed_bytes, pages);
}

/* --- page faults alone: each is taken for a page ----------------------------------------- */

static __always_inline int count_fault(__u64 address)
{
	if (is_chosen(address))
		count_addressed(1);
	return 0;
}

static __always_inline bool is_of_a_process(__u64 address)
{
	return (__s64)address >= 0 && !page_faults_are_off();
}

SEC("?tp_btf/page_fault_user")
int BPF_PROG(fault_user, unsigned long address)
{
	return count_fault(address);
}

SEC("?tp_btf/page_fault_kernel")
int BPF_PROG(fault_kernel, unsigned long address)
{
	return is_of_a_process(address) ? count_fault(address) : 0;
}

SEC("?perf_event")
int fault_event(struct bpf_perf_event_data *event)
{
	__u64 address = event->addr;

	return (__s64)address < 0 ? 0 : count_fault(address);
}

/* With a period the event has chosen already. */
SEC("?perf_event")
int fault_events(struct bpf_perf_event_data *event)
{
	if (is_measured()) {
		__sync_fetch_and_add(&seen_bytes, event->sample_period * knob_page_bytes);
		__sync_fetch_and_add(&addressed_bytes, event->sample_period * knob_page_bytes);
	}
	return 0;
}

/* --- page faults that leave the address for whoever knows what has come ------------------ */

#define STASHES_SHIFT 11
#define STASHES       (1 << STASHES_SHIFT)

struct stash {
	__u64 task; /* 0: nobody's */
	__u64 faults;
	__s64 pages; /* of the mm, when the page fault began */
	__u64 spare[5];
};
_Static_assert(sizeof(struct stash) == 64, "a cache line each");

__u64 stashes[STASHES][sizeof(struct stash) / 8] __attribute__((aligned(64))) = {};

static __always_inline struct stash *stash_of(__u64 task)
{
	return (struct stash *)stashes[task * 0x9e3779b97f4a7c15ULL >> (64 - STASHES_SHIFT)];
}

/* Page faults of it that are over. */
static __always_inline __u64 faults_of(__u64 address)
{
	const struct task_struct *task = (struct task_struct *)address;

	return BPF_CORE_READ(task, min_flt) + BPF_CORE_READ(task, maj_flt);
}

static __noinline int keep(__u64 task)
{
	struct mm_struct *mm = BPF_CORE_READ((struct task_struct *)task, mm);
	struct stash *stash = stash_of(task);
	__s64 pages[RSS_MEMBERS];

	rss_folded(mm, pages);
	stash->faults = faults_of(task);
	stash->pages = pages[RSS_ANON];
	stash->task = task;
	return 0;
}

static __always_inline int note_fault(__u64 address)
{
	__u64 task = bpf_get_current_task();
	struct stash *stash = stash_of(task);

	if (is_chosen(address))
		return keep(task);
	if (stash->task == task)
		stash->task = 0;
	return 0;
}

/* The stash of the page fault that current is in; only once. */
static __always_inline struct stash *take_stash(void)
{
	__u64 task = bpf_get_current_task();
	struct stash *stash = stash_of(task);

	if (stash->task != task)
		return NULL;
	stash->task = 0;
	return stash->faults == faults_of(task) ? stash : NULL;
}

SEC("?tp_btf/page_fault_user")
int BPF_PROG(note_user, unsigned long address)
{
	return note_fault(address);
}

SEC("?tp_btf/page_fault_kernel")
int BPF_PROG(note_kernel, unsigned long address)
{
	return is_of_a_process(address) ? note_fault(address) : 0;
}

/* Linux, include/linux/mmzone.h: of page tables and the like it is another. */
#define MIGRATE_MOVABLE 1

SEC("?tp_btf/mm_page_alloc")
int BPF_PROG(page_alloc, void *page, unsigned int order, gfp_t flags, int migratetype)
{
	if (migratetype == MIGRATE_MOVABLE && take_stash())
		count_addressed(1ULL << (order & 31));
	return 0;
}

/* --- the counters themselves ------------------------------------------------------------- */

__u64 gates[GATES][sizeof(struct gate) / 8] __attribute__((aligned(64))) = {};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u64);   /* an mm */
	__type(value, __s64); /* pages of it that have been counted */
} counted SEC(".maps");

static __noinline int count_rise_since(__u64 mm, __s64 pages)
{
	const __s64 block = 1LL << (knob_sample_shift - knob_page_shift);
	__s64 *before = bpf_map_lookup_elem(&counted, &mm), rise;

	if (!before) {
		bpf_map_update_elem(&counted, &mm, &pages, BPF_ANY);
		return 0;
	}
	rise = pages - *before;
	if (rise < block && -rise < block)
		return 0;
	*before = pages;
	if (rise > 0 && is_measured())
		__sync_fetch_and_add(&seen_bytes, (__u64)rise * knob_page_bytes);
	return 0;
}

/* By the part of a counter that moves in steps, behind a gate like the recorder's. No page is
 * chosen, nobody knows one: a block is as much as the counter has risen by. */
static __always_inline void count_rise(struct mm_struct *mm)
{
	const __s64 block = 1LL << (knob_sample_shift - knob_page_shift);
	__s64 pages = rss_folded_direct(mm, RSS_ANON);
	struct gate *gate = gate_here();

	if (gate->mm == (__u64)mm) {
		__s64 moved = pages - gate->pages[RSS_ANON];

		if (moved < block && -moved < block)
			return;
	}
	gate->mm = (__u64)mm;
	gate->pages[RSS_ANON] = pages;
	count_rise_since((__u64)mm, pages);
}

/* Steps are of some dozens of pages: what has risen by more came as a whole, a power of two. */
#define STEP_PAGES 256

static __always_inline void count_noted(struct mm_struct *mm)
{
	struct stash *stash = take_stash();
	__s64 pages[RSS_MEMBERS];

	if (!stash)
		return;
	rss_folded(mm, pages);
	count(&addressed_bytes, pages[RSS_ANON] - stash->pages < STEP_PAGES ? 1 : 2 * STEP_PAGES);
}

SEC("?tp_btf/rss_stat")
int BPF_PROG(rss_stat, struct mm_struct *mm, int member)
{
	if (member == RSS_ANON)
		count_rise(mm);
	return 0;
}

SEC("?tp_btf/rss_stat")
int BPF_PROG(rss_stat_noted, struct mm_struct *mm, int member)
{
	if (member == RSS_ANON) {
		count_rise(mm);
		count_noted(mm);
	}
	return 0;
}

/* --- nothing at all, at each of these places --------------------------------------------- */

#define EMPTY_ONE(name, section) \
	SEC(section)             \
	int name(void *ctx)      \
	{                        \
		return 0;        \
	}
#define EMPTY(place, section)             \
	EMPTY_ONE(first_##place, section) \
	EMPTY_ONE(empty_##place, section)

EMPTY(page_fault_user, "?tp_btf/page_fault_user")
EMPTY(page_fault_kernel, "?tp_btf/page_fault_kernel")
EMPTY(mm_page_alloc, "?tp_btf/mm_page_alloc")
EMPTY(rss_stat, "?tp_btf/rss_stat")
EMPTY(perf_event, "?perf_event")
