/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/*
 * Resident memory by address space. Memory is attributed by the mm, never by current: reclaim,
 * khugepaged and the OOM reaper move other processes' memory.
 *
 * An mm is named by mm_id, made when it is first seen, because its address is reused by the
 * allocator: the entry is dropped at exit_mmap (on 5.10, which lacks that tracepoint, the table
 * is an LRU and entries are renewed at fork and exec).
 */

#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "bpf/events.h"
#include "cgroup.bpf.h"
#include "kernel_compat.bpf.h"
#include "knobs.bpf.h"

struct mm_state {
	__u64 mm_id;
	struct task_ref owner;
	__u64 cgroup_id;
	__u64 memcg;   /* where cgroup_id was read; it may be gone since */
	__u64 cgroups; /* the css_set that cgroup_id was read from */
	__s64 told_pages[RSS_MEMBERS];
	__u64 told_ns;
	__u64 memcg_told_ns;
	__u32 told; /* at least once */
	__u32 reserved;
};

struct mm_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, __u64); /* address of the mm */
	__type(value, struct mm_state);
};

extern struct mm_map mms SEC(".maps");
extern __u32 movers; /* some mm has moved since the last pass: the next one is worth its cost */

/* Offset of each CPU's per-CPU area; learnt at start (rss.bpf.c), 0 where it is not known. */
extern __u64 cpu_offset[MAX_CPUS];
extern __u32 cpu_offsets_known;

/* What a CPU holds back of one kind. */
static __always_inline __s32 rss_part_here(struct mm_struct *mm, int member, __u32 cpu)
{
	__s32 value = 0;

	bpf_probe_read_kernel(&value, sizeof(value),
			      (void *)rss_percpu_part(mm, member) +
				      cpu_offset[cpu & (MAX_CPUS - 1)]);
	return value;
}

static __always_inline void mm_state_set_cgroup(struct mm_state *state, struct mem_cgroup *memcg)
{
	state->memcg = (__u64)memcg;
	state->cgroup_id = memcg_id(memcg);
}

static __always_inline __u64 distance(__s64 a, __s64 b)
{
	return a > b ? a - b : b - a;
}

/* Unique for the length of a recording: the moment of first sight, told apart by CPU. */
static __always_inline __u64 mm_id_new(void)
{
	return (bpf_ktime_get_ns() << 10) | (bpf_get_smp_processor_id() & 1023);
}

static __always_inline __s64 pages_to_bytes(__s64 pages)
{
	/* A folded counter is briefly negative while its per-CPU parts hold the rest. */
	return pages > 0 ? pages * knob_page_bytes : 0;
}

static __always_inline void memory_unknown(struct memory *memory)
{
	memory->anon_bytes = EVENT_UNKNOWN;
	memory->file_bytes = EVENT_UNKNOWN;
	memory->shmem_bytes = EVENT_UNKNOWN;
	memory->swap_bytes = EVENT_UNKNOWN;
	memory->page_table_bytes = EVENT_UNKNOWN;
	memory->hugetlb_bytes = EVENT_UNKNOWN;
}

static __always_inline void memory_fill(struct memory *memory, struct mm_struct *mm,
					const __s64 pages[RSS_MEMBERS])
{
	memory->anon_bytes = pages_to_bytes(pages[RSS_ANON]);
	memory->file_bytes = pages_to_bytes(pages[RSS_FILE]);
	memory->shmem_bytes = pages_to_bytes(pages[RSS_SHMEM]);
	memory->swap_bytes = pages_to_bytes(pages[RSS_SWAP]);
	memory->page_table_bytes = BPF_CORE_READ(mm, pgtables_bytes.counter);
	memory->hugetlb_bytes = mm_hugetlb_pages(mm);
	if (memory->hugetlb_bytes > 0)
		memory->hugetlb_bytes *= knob_page_bytes;
}

/* Folded counters plus what sits in the per-CPU or per-thread parts. False: only folded ones could
 * be had, or not all of the parts. */
bool rss_exact(struct mm_struct *mm, __s64 pages[RSS_MEMBERS]);

/* The state of an mm that `task` runs on, made or renewed as needed; NULL when the table is full.
 */
struct mm_state *mm_adopt(struct mm_struct *mm, struct task_struct *task, bool renew);
