/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/*
 * What a full cgroup was full of: its counter divided into rows, none of which has a page of
 * another. The kernel's own statistics overlap: its page cache (NR_FILE_PAGES) contains tmpfs and
 * the swap cache, of which pages that are mapped count as anonymous as well; all kernel memory
 * (MEMCG_KMEM) contains what else is counted of it; and pages of a process that is being torn down
 * are mapped by nobody long before they are given back, which only the lists of reclaim show.
 *
 *	usage = anonymous + page cache + tmpfs + swap cache + leaving + kernel + sockets + the rest
 *
 * A pure function of the ledger that was taken at the kill (bpf/events.h).
 */

#include <stdbool.h>
#include <stdint.h>

#include "bpf/events.h"

/* X(NAME, key of JSON, words of the report) */
#define LEDGER_ROWS(X)                                                  \
	X(ANON, "anon", "anonymous: heaps, stacks")                     \
	X(CACHE, "file_cache", "page cache of files")                   \
	X(SHMEM, "shmem", "tmpfs and shared memory")                    \
	X(SWAP_CACHE, "swap_cache", "swap cache, or on its way there")  \
	X(LEAVING, "leaving", "unmapped, not given back yet")           \
	X(SLAB, "slab", "kernel: slab")                                 \
	X(PAGE_TABLES, "page_tables", "kernel: page tables")            \
	X(KERNEL_STACKS, "kernel_stacks", "kernel: stacks of threads")  \
	X(PER_CPU, "per_cpu", "kernel: per-CPU memory")                 \
	X(VMALLOC, "vmalloc", "kernel: vmalloc")                        \
	X(ZSWAP, "zswap", "kernel: zswap")                              \
	X(OTHER_KERNEL, "other_kernel", "kernel: other, such as pipes") \
	X(SOCKETS, "sockets", "buffers of TCP sockets")                 \
	X(HUGETLB, "hugetlb", "huge pages of hugetlbfs")

enum ledger_row {
#define X(name, key, words) LEDGER_ROW_##name,
	LEDGER_ROWS(X)
#undef X
		LEDGER_ROW_COUNT
};

struct ledger_facts {
	const struct ledger *ledger;
	int64_t kmem_bytes; /* v1's counter of kernel memory; EVENT_UNKNOWN */
	uint32_t cpus;
	uint32_t page_bytes;
};

/* All in bytes; EVENT_UNKNOWN where this kernel does not tell. */
struct ledger_division {
	bool known; /* false: there is none, and all that follows is 0 */
	int64_t usage_bytes;
	int64_t rows[LEDGER_ROW_COUNT];
	int64_t kernel_bytes;      /* those of the kernel, together */
	int64_t unexplained_bytes; /* of usage; below 0 where rows say more than it */
	/* What usage and rows may differ by: pages that CPUs have charged ahead of need, and what
	 * they hold back of statistics where that could not be summed. EVENT_UNKNOWN: the
	 * statistics are of the kernel's last look, some seconds ago at most. */
	int64_t error_bytes;
	/* Parts of rows, or not of them. */
	int64_t file_mapped_bytes;
	int64_t swap_bytes;
	int64_t dying_bytes; /* of cgroups below it that were removed already */
	bool cut;            /* cgroups below it were left out */
};

struct ledger_division ledger__divide(const struct ledger_facts *facts);

const char *ledger_row__key(enum ledger_row row);
const char *ledger_row__words(enum ledger_row row);
