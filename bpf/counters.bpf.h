/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/* The counters of an mm as this CPU sees them, from a note on. */

#include "choose.bpf.h"
#include "note.bpf.h"
#include "rss.bpf.h"

/* Of the shared part, since the note. */
static __always_inline __s32 folded_since(const struct note *note, int member,
					  const __s64 folded[RSS_MEMBERS])
{
	return (__s32)((__u32)folded[member] - note->folded[member]);
}

/* What comes is told from here on. */
int note_base(struct note *note, struct mm_struct *mm, struct task_struct *task);

/*
 * Pages that came on this CPU since. What it holds back tells it alone; but where it has just given
 * that up, the shared part has to be asked, in which is what others gave up at the same time.
 */
static __always_inline __s32 came_of(const struct note *note, struct mm_struct *mm, int member,
				     __u32 cpu, const __s64 folded[RSS_MEMBERS])
{
	__s32 part = rss_part_here(mm, member, cpu), held = part - note->part[member];

	return part ? held : held + folded_since(note, member, folded);
}

static __always_inline void came(__s32 pages[RSS_MEMBERS], const struct note *note,
				 struct mm_struct *mm, const __s64 folded[RSS_MEMBERS])
{
	__u32 cpu = bpf_get_smp_processor_id();

#pragma unroll
	for (int member = 0; member < RSS_MEMBERS; member++)
		pages[member] = came_of(note, mm, member, cpu, folded);
}

/* By the shared part alone. */
static __always_inline void came_folded(__s32 pages[RSS_MEMBERS], const struct note *note,
					const __s64 folded[RSS_MEMBERS])
{
#pragma unroll
	for (int member = 0; member < RSS_MEMBERS; member++)
		pages[member] = folded_since(note, member, folded);
}

/* Never more than what can have come, where others may be in it: a page fault brings one page, or
 * a power of two, or what is around in a file. */
static __always_inline void came_at_most(__s32 pages[RSS_MEMBERS], const struct note *note,
					 const __s64 folded[RSS_MEMBERS])
{
	const __s32 around = 1 << (AROUND_SHIFT - knob_page_shift);

#pragma unroll
	for (int member = 0; member < RSS_MEMBERS; member++) {
		__s32 came = pages[member];

		if (!folded_since(note, member, folded) || came <= 1)
			continue;
		if (member == RSS_FILE)
			pages[member] = came > around ? around : came;
		else
			pages[member] = came & (came - 1) ? 1 : came;
	}
}

static __always_inline bool came_any(const __s32 pages[RSS_MEMBERS])
{
	return pages[RSS_ANON] || pages[RSS_FILE] || pages[RSS_SHMEM] || pages[RSS_SWAP];
}
