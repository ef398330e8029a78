/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/*
 * Growth samples. A page fault says where a page is about to come, rss_stat that one has come: the
 * first chooses (one page of each aligned block of the address space, by a hash of the block) and
 * leaves a note (note.bpf.h), the second finds the note and takes the sample. Whether it is a huge
 * page only the second can tell, by as much as has come. What never becomes
 * resident is never sampled, and most faults cost a multiplication and a load.
 *
 * Where they come too fast, fewer are taken, each weighing as much more (thin.bpf.h).
 */

#include "emit.bpf.h"
#include "kernel_compat.bpf.h"
#include "stack_sample.h"

extern struct ring stacks SEC(".maps");
extern struct waker stacks_waker;
extern __u64 stack_losses; /* records that found no room there */

/* Processes whose stacks run out of their room, by user space, which sees where walks end: most
 * stacks fill it without ever being followed so far up. */
struct stack_rooms_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, STACK_ROOMS);
	__type(key, __u32);   /* process id, modulo STACK_ROOMS */
	__type(value, __u64); /* stack_room() */
};

extern struct stack_rooms_map stack_rooms SEC(".maps");

/* Takes one of current, whose memory it is; its id, or 0: none could be taken. */
__u64 sample_take(struct mm_struct *mm, __u64 address, __u32 flags, const __s32 pages[RSS_MEMBERS],
		  __u64 block_bytes);

/* What the same page fault brought after its sample had been taken. */
int sample_tell_more(__u64 id, const __s32 pages[RSS_MEMBERS]);

/* What the last page fault of current has brought whose sample was taken early, if it is over. */
int sample_settle_early(void);

/* Memory has moved of the mm that current has left a note of. */
int sample_come(__u32 member);

enum huge_guess {
	HUGE_NOT,
	HUGE_PERHAPS, /* nobody knows how much has come at once */
	HUGE_BY_COUNT /* as much as a huge page has, or others' as well */
};

/* By the page fault that current is in. 1: it is one. */
int sample_come_huge(struct mm_struct *mm, __u32 member, enum huge_guess guess);

/* The OOM killer has chosen this process. */
int sample_victim(__u32 pid);
