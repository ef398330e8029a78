/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/* The counters of an mm as this CPU sees them, from a note on. */

#include "choose.bpf.h"
#include "note.bpf.h"
#include "rss.bpf.h"

static __always_inline __s32 part_here(struct mm_struct *mm, int member, __u32 cpu)
{
	__s32 value = 0;

	bpf_probe_read_kernel(&value, sizeof(value),
			      (void *)rss_percpu_part(mm, member) +
				      cpu_offset[cpu & (MAX_CPUS - 1)]);
	return value;
}

/* What comes is told from here on. */
static __always_inline void note_base(struct note *note, struct mm_struct *mm,
				      struct task_struct *task)
{
	__u32 cpu = bpf_get_smp_processor_id();

	note->switches = switches_of(task);
	rss_folded(mm, note->folded);
	if (!rss_is_percpu())
		return;
#pragma unroll
	for (int member = 0; member < RSS_MEMBERS; member++)
		note->part[member] = part_here(mm, member, cpu);
}

/*
 * Pages that came on this CPU since. What it holds back tells it alone; but where it has just given
 * that up, the shared part has to be asked, in which is what others gave up at the same time.
 */
static __always_inline __s32 came_of(const struct note *note, struct mm_struct *mm, int member,
				     __u32 cpu, __s64 folded)
{
	__s32 part = part_here(mm, member, cpu), held = part - note->part[member];

	return part ? held : held + (__s32)(folded - note->folded[member]);
}

static __always_inline void came(__s32 pages[RSS_MEMBERS], const struct note *note,
				 struct mm_struct *mm, const __s64 folded[RSS_MEMBERS])
{
	__u32 cpu = bpf_get_smp_processor_id();

#pragma unroll
	for (int member = 0; member < RSS_MEMBERS; member++)
		pages[member] = came_of(note, mm, member, cpu, folded[member]);
}

/* By the shared part alone. */
static __always_inline void came_folded(__s32 pages[RSS_MEMBERS], const struct note *note,
					const __s64 folded[RSS_MEMBERS])
{
#pragma unroll
	for (int member = 0; member < RSS_MEMBERS; member++)
		pages[member] = (__s32)(folded[member] - note->folded[member]);
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

		if (folded[member] == note->folded[member] || came <= 1)
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
