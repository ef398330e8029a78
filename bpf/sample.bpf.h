/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/*
 * Growth samples. A page fault says where a page is about to come, rss_stat that one has come: the
 * first chooses (one page of each aligned block of the address space, by a hash of the block) and
 * leaves a note on its CPU, the second finds the note and takes the sample. What never becomes
 * resident is never sampled, and most faults cost a multiplication and a load.
 *
 * Where samples come faster than they are taken out of their ring, fewer are taken of the process,
 * each weighing as much more: half of the blocks, a quarter, and so on, until there is room again.
 */

#include "emit.bpf.h"
#include "stack_sample.h"

extern struct ring stacks SEC(".maps");

/* Processes whose stacks run out of their room, by user space, which sees where walks end: most
 * stacks fill it without ever being followed so far up. The least recently sampled go first. */
struct stack_rooms_map {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, STACK_ROOMS_MAX);
	__type(key, __u32);   /* process id */
	__type(value, __u32); /* class, of STACK_CLASSES */
};

extern struct stack_rooms_map stack_rooms SEC(".maps");

/* Memory has moved of the mm that this CPU has a note of. */
int sample_come(__u32 cpu);

/* The OOM killer has chosen this process. */
int sample_victim(__u32 pid);

/* Much has moved at once of the mm that current runs on. */
int sample_huge(void);
