/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/*
 * Memory cgroups by the identity of the memory controller (task->cgroups->subsys[memory]), so
 * that v1, hybrid and v2 hierarchies are one thing here. A cgroup introduces itself with its
 * name, parent and counters when an event first touches it; its path is the chain of names.
 */

#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "emit.bpf.h"
#include "kernel_compat.bpf.h"

#define MAX_CGROUP_LEVELS 20 /* told at most, from the task's own cgroup upwards */

struct memcg_told {
	__s64 usage_bytes;
	__s64 swap_bytes;
	__s64 max_bytes;
	__s64 oom_events; /* when last asked which level's count rises */
};

struct memcg_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __u64); /* kernfs id */
	__type(value, struct memcg_told);
};

extern struct memcg_map memcgs SEC(".maps");

static __always_inline __u64 memcg_id(struct mem_cgroup *memcg)
{
	return memcg ? BPF_CORE_READ(memcg, css.cgroup, kn, id) : 0;
}

static __always_inline struct mem_cgroup *memcg_parent(struct mem_cgroup *memcg)
{
	return (struct mem_cgroup *)BPF_CORE_READ(memcg, css.parent);
}

static __always_inline bool memcg_is_within(struct mem_cgroup *memcg, __u64 ancestor_id)
{
	for (int level = 0; level < MAX_CGROUP_LEVELS && memcg; level++) {
		if (memcg_id(memcg) == ancestor_id)
			return true;
		memcg = memcg_parent(memcg);
	}
	return false;
}

/* A page_counter's limit in pages; PAGE_COUNTER_MAX, "none", is LONG_MAX / PAGE_SIZE. */
static __always_inline __s64 limit_bytes(__u64 pages)
{
	return pages >= 0x7fffffffffffffffULL / knob_page_bytes ? EVENT_NO_LIMIT
								: (__s64)(pages * knob_page_bytes);
}

static __always_inline __s64 known_bytes(__s64 pages)
{
	return pages < 0 ? EVENT_UNKNOWN : pages * knob_page_bytes;
}

static __always_inline void memcg_read(struct memcg_counters *out, struct mem_cgroup *memcg)
{
	out->usage_bytes = known_bytes(BPF_CORE_READ(memcg, memory.usage.counter));
	out->max_bytes = limit_bytes(BPF_CORE_READ(memcg, memory.max));
	out->high_bytes = limit_bytes(BPF_CORE_READ(memcg, memory.high));
	out->watermark_bytes = known_bytes(BPF_CORE_READ(memcg, memory.watermark));
	out->failures = memcg_failures(memcg);
	out->swap_usage_bytes = known_bytes(BPF_CORE_READ(memcg, memsw.usage.counter));
	out->swap_max_bytes = limit_bytes(BPF_CORE_READ(memcg, memsw.max));
	out->kmem_usage_bytes = known_bytes(memcg_kmem_pages(memcg));
	out->oom_group = BPF_CORE_READ(memcg, oom_group);
	out->reserved = 0;
}

/*
 * The walks up the hierarchy are global functions, which the verifier looks at once, alone, and not
 * again at every call: as part of their callers they would be most of the time it takes to start.
 * Such functions take and return scalars only, hence the addresses.
 */
int memcg_meet_all(__u64 memcg);
int memcg_tell_all(__u64 memcg);
/* Only where `memcg` still is the cgroup of this id, and one that is known: the end of what it had
 * may come after its own. */
int memcg_tell_known(__u64 memcg, __u64 id);
__u64 memcg_risen_of(__u64 memcg);

/* Introduce the cgroup and its ancestors where they are new. NULL is fine. */
static __always_inline void memcg_meet(struct mem_cgroup *memcg)
{
	memcg_meet_all((__u64)memcg);
}

/* The same, and tell where usage moved by a step since last told. */
static __always_inline void memcg_tell(struct mem_cgroup *memcg)
{
	memcg_tell_all((__u64)memcg);
}

/* Of the cgroup and its ancestors the one whose count of OOM events has risen since last told;
 * NULL when none or more than one has. Afterwards the counts are taken as told. */
static __always_inline struct mem_cgroup *memcg_risen(struct mem_cgroup *memcg)
{
	return (struct mem_cgroup *)memcg_risen_of((__u64)memcg);
}
