/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/*
 * What a page fault has left for rss_stat, which may come long after: on another CPU, or when many
 * others have had page faults on this one, because it waited for memory, a disk or a lock. So it is
 * kept by task: in a table that a task's address leads into, its home there. Where another one
 * waits that has the same home, it goes to one of the three places beside; where somebody waits in
 * all four, the later one has the home, which is counted.
 */

#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "kernel_compat.bpf.h"

#define NOTES_SHIFT  11
#define NOTES        (1 << NOTES_SHIFT)
#define NOTES_BESIDE 3

struct note {
	/* Of the home, whosever note it has: the last page fault of one that has it for a home,
	 * chosen or not. */
	__u64 touched_by; /* the task; 0: nobody yet */
	__u64 touched;    /* the address of the page */
	__u32 touched_faults;
	__u32 touched_flags; /* enum stack_sample_flag */
	/* Of the home as well: one of those that have it may have its note beside it. */
	__u32 is_left;
	__u32 reserved;

	__u64 task; /* 0: none */
	__u64 mm;
	__u64 address; /* of the page */
	__u32 faults;  /* of the task, that were over: the same number is the same page fault */
	__u32 flags;
	__u64 id; /* of the sample once it has been taken; 0: not yet */
	/* The counters, and when they were read: what has come since is told by them as long as
	 * only this task ran on the CPU. */
	__u64 switches;
	__u32 folded[RSS_MEMBERS]; /* pages, the lower half */
	__s32 part[RSS_MEMBERS];
	union {
		__u32 thread; /* early: its id */
		__u32 cpu;    /* else: where the page fault began */
	};
	__u32 events; /* of the task, as rss_thread_events() */
	__u64 check;  /* two tasks may have written at once */
};

/* Two cache lines each; an array of words because the skeleton header cannot name our struct. */
extern __u64 notes[NOTES][sizeof(struct note) / 8];
_Static_assert(sizeof(struct note) == 128, "whole cache lines");

static __always_inline __u64 note_home_index(__u64 task)
{
	return task * 0x9e3779b97f4a7c15ULL >> (64 - NOTES_SHIFT);
}

static __always_inline struct note *note_home(__u64 task)
{
	return (struct note *)notes[note_home_index(task)];
}

/* `beside`: 1 to NOTES_BESIDE. */
static __always_inline struct note *note_beside(__u64 task, __u64 beside)
{
	return (struct note *)notes[(note_home_index(task) ^ beside) & (NOTES - 1)];
}

/* The task's, if it has one, which `->task` says. */
static __always_inline struct note *note_of(__u64 task)
{
	struct note *home = note_home(task);

	if (home->task == task || !home->is_left)
		return home;
#pragma unroll
	for (__u64 beside = 1; beside <= NOTES_BESIDE; beside++) {
		if (note_beside(task, beside)->task == task)
			return note_beside(task, beside);
	}
	return home;
}

/* Page faults of it that are over. */
static __always_inline __u32 faults_of(const struct task_struct *task)
{
	return BPF_CORE_READ(task, min_flt) + BPF_CORE_READ(task, maj_flt);
}

/* Of current, at the price of two loads where they can be had (5.11). */
static __always_inline __u32 faults_here(void)
{
	const struct task_struct *task;

	if (!bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_get_current_task_btf))
		return faults_of((struct task_struct *)bpf_get_current_task());
	task = bpf_get_current_task_btf();
	return task->min_flt + task->maj_flt;
}

/* How often it has left a CPU. */
static __always_inline __u64 switches_of(const struct task_struct *task)
{
	return BPF_CORE_READ(task, nvcsw) + BPF_CORE_READ(task, nivcsw);
}

/* Not of what is the home's, and not of the place and itself. */
static __always_inline __u64 note_check(const struct note *note)
{
	const __u64 *words = (const __u64 *)note;
	__u64 check = 1;

#pragma unroll
	for (__u32 i = __builtin_offsetof(struct note, address) / 8;
	     i < __builtin_offsetof(struct note, check) / 8; i++)
		check ^= words[i];
	return check ^ note->task ^ note->mm;
}
