/* SPDX-License-Identifier: GPL-2.0-only */
#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "cgroup.bpf.h"
#include "filter.bpf.h"
#include "task.bpf.h"

/*
 * Walks over all tasks, pulled by user space through an iterator's file descriptor at its own
 * pace. The kernel runs a program again for the same task when the reader's buffer was full, so
 * nothing may be marked as told before bpf_seq_write() has succeeded.
 */

/* Each process once: by its leader, or by any thread that still has the mm when that has left. */
static __always_inline struct mm_struct *process_mm(struct task_struct *task)
{
	struct task_struct *leader = BPF_CORE_READ(task, group_leader);

	if (leader != task && BPF_CORE_READ(leader, mm))
		return NULL;
	return BPF_CORE_READ(task, mm);
}

/* The mm of a process that this walk is to tell, its cgroups introduced or told; NULL: none. */
static __always_inline struct mm_struct *walk_to(struct task_struct *task)
{
	struct mm_struct *mm;

	if (!task || is_kernel_thread(task))
		return NULL;
	mm = process_mm(task);
	if (!mm || !is_followed_task(task))
		return NULL;
	memcg_tell(task_memcg(task));
	return mm;
}

/* The opening snapshot: the state of every process. */
SEC("?iter/task")
int iter_processes(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct mm_struct *mm = walk_to(task);
	struct event_process event = {};
	struct mm_state *state;

	if (!mm)
		return 0;
	state = mm_adopt(mm, task, false);
	process_fill_identity(&event.process, task);
	event.process.task.tid = event.process.task.pid;
	process_fill_memory(&event.process, mm, state, true);
	header_init(&event.header, EVENT_PROCESS, sizeof(event));
	bpf_seq_write(ctx->meta->seq, &event, sizeof(event));
	return 0;
}

/* What is worth an event of its own in a pass. */
static __always_inline bool worth_telling(const __s64 pages[RSS_MEMBERS],
					  const struct mm_state *state)
{
	__u64 travelled = 0, total = 0, least = knob_step_pages / RSS_REST_STEPS;

	for (int member = 0; member < RSS_MEMBERS; member++) {
		travelled += distance(pages[member], state->told_pages[member]);
		total += pages[member] > 0 ? pages[member] : 0;
	}
	return travelled >= least && travelled >= total / RSS_REST_SHARE;
}

/* The pass: exact sums of those that moved since last told, and every cgroup's usage. */
SEC("?iter/task")
int iter_movers(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct mm_struct *mm = walk_to(task);
	struct event_rss event = {};
	struct mm_state *state;
	__s64 pages[RSS_MEMBERS];
	__u64 key = (__u64)mm;

	if (!mm)
		return 0;
	state = bpf_map_lookup_elem(&mms, &key);
	if (!state)
		return 0;
	event.flags = rss_exact(mm, pages) ? RSS_EXACT : 0;
	if (!worth_telling(pages, state))
		return 0;
	/* It may have been moved since its growth was last told by rss_stat. */
	if (state->owner.pid == BPF_CORE_READ(task, tgid))
		mm_state_set_cgroup(state, task_memcg(task));
	memory_fill(&event.memory, mm, pages);
	event.owner = state->owner;
	event.mm_id = state->mm_id;
	event.cgroup_id = state->cgroup_id;
	header_init(&event.header, EVENT_RSS, sizeof(event));
	if (bpf_seq_write(ctx->meta->seq, &event, sizeof(event)))
		return 0;
	state->told = 1;
	__builtin_memcpy(state->told_pages, pages, sizeof(pages));
	return 0;
}
