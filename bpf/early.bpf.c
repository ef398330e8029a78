/* SPDX-License-Identifier: GPL-2.0-only */
#include "counters.bpf.h"
#include "note.bpf.h"
#include "sample.bpf.h"

/*
 * Where rss_stat does not tell of every page, samples are taken before their page has come. What
 * has come is known once that page fault is over, and until the next one of the thread is: by then
 * it looks. User space does where this cannot tell.
 */

/* What one page fault may have brought, and no other way of growing. */
static __always_inline bool is_of_one_fault(const __s32 pages[RSS_MEMBERS])
{
	const __s32 around = 1 << (AROUND_SHIFT - knob_page_shift);

	return pages[RSS_ANON] >= -1 && pages[RSS_ANON] <= 1 && pages[RSS_SWAP] >= -1 &&
	       pages[RSS_SWAP] <= 0 && pages[RSS_FILE] >= -1 && pages[RSS_FILE] <= around &&
	       pages[RSS_SHMEM] >= -1 && pages[RSS_SHMEM] <= around;
}

/* Since the note was left, by what the thread holds back: 1: exactly; 0: at least, for it was
 * folded as the page fault began; -1: nobody can tell. */
static __always_inline int came_by_thread(const struct note *note, struct task_struct *task,
					  __s32 pages[RSS_MEMBERS])
{
	const __u32 events = rss_thread_events(task);
	/* One a page fault, two where that was tried twice. */
	const bool is_whole = events - note->events - 1 <= 1;

	if (!is_whole && events > 1)
		return -1;
#pragma unroll
	for (int member = 0; member < RSS_MEMBERS; member++)
		pages[member] = rss_thread_part(task, member) - (is_whole ? note->part[member] : 0);
	return is_whole;
}

/* By what this CPU holds back: of a process of one thread that has stayed on it, and of what it has
 * given back meanwhile nothing is known. */
static __always_inline int came_by_cpu(const struct note *note, struct task_struct *task,
				       __s32 pages[RSS_MEMBERS])
{
	struct mm_struct *mm = (struct mm_struct *)note->mm;
	__s64 folded[RSS_MEMBERS];

	if (!cpu_offsets_known || BPF_CORE_READ(mm, mm_users.counter) != 1 ||
	    note->switches != switches_of(task))
		return -1;
	rss_folded(mm, folded);
	came(pages, note, mm, folded);
	return 0;
}

__noinline int sample_settle_early(void)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct note *note = note_of((__u64)task);
	__s32 pages[RSS_MEMBERS] = {};
	int known;

	if (note->task != (__u64)task || !(note->flags & STACK_SAMPLE_EARLY))
		return 0;
	/* Not over yet. */
	if (note->faults == faults_of(task))
		return 0;
	note->task = 0;
	if (note->faults + 1 != faults_of(task) ||
	    note->thread != (__u32)BPF_CORE_READ(task, pid) ||
	    note->check != (note_check(note) ^ (__u64)task))
		return 0;
	known = rss_is_percpu() ? came_by_cpu(note, task, pages)
				: came_by_thread(note, task, pages);
	if (known < 0 || (!known && !came_any(pages)) || !is_of_one_fault(pages))
		return 0;
	return sample_tell_more(note->id, pages);
}
