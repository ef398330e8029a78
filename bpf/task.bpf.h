/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/* Identity and state of a process as the events carry them, from any task pointer. */

#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "filter.bpf.h"
#include "rss.bpf.h"

#define PF_KTHREAD 0x00200000

static __always_inline bool is_kernel_thread(struct task_struct *task)
{
	return BPF_CORE_READ(task, flags) & PF_KTHREAD;
}

static __always_inline void task_identify(struct task_ref *out, struct task_struct *task)
{
	out->pid = BPF_CORE_READ(task, tgid);
	out->tid = BPF_CORE_READ(task, pid);
	out->start_ns = BPF_CORE_READ(task, group_leader, start_time);
}

/* The process's name is its leader's, also when another thread acts. */
static __always_inline void task_comm(char comm[EVENT_COMM_BYTES], struct task_struct *task)
{
	struct task_struct *leader = BPF_CORE_READ(task, group_leader);

	bpf_probe_read_kernel(comm, EVENT_COMM_BYTES, leader->comm);
}

static __always_inline __u32 task_ns_pid(struct task_struct *task)
{
	struct pid *pid = BPF_CORE_READ(task, group_leader, thread_pid);
	__u32 level;
	int nr = 0;

	if (!pid)
		return 0;
	level = BPF_CORE_READ(pid, level);
	/* numbers[level]: the kernel's struct upid is larger than ours. */
	bpf_probe_read_kernel(&nr, sizeof(nr),
			      (void *)pid + bpf_core_field_offset(pid->numbers) +
				      level * bpf_core_type_size(struct upid) +
				      bpf_core_field_offset(struct upid, nr));
	return nr;
}

/* Everything but the memory. */
static __always_inline void process_fill_identity(struct process_state *out,
						  struct task_struct *task)
{
	struct task_struct *parent = BPF_CORE_READ(task, group_leader, real_parent);

	task_identify(&out->task, task);
	if (parent) {
		task_identify(&out->parent, parent);
	} else {
		out->parent.pid = 0;
		out->parent.tid = 0;
		out->parent.start_ns = 0;
	}
	out->cgroup_id = memcg_id(task_memcg(task));
	out->uid = BPF_CORE_READ(task, cred, uid.val);
	out->ns_pid = task_ns_pid(task);
	out->oom_score_adj = BPF_CORE_READ(task, signal, oom_score_adj);
	out->flags = 0;
	task_comm(out->comm, task);
}

static __always_inline void process_fill_memory(struct process_state *out, struct mm_struct *mm,
						struct mm_state *state, bool exact)
{
	__s64 pages[RSS_MEMBERS];

	out->mm_id = state ? state->mm_id : 0;
	if (!mm) {
		out->flags |= PROCESS_NO_MM;
		memory_unknown(&out->memory);
		return;
	}
	if (!exact)
		rss_folded(mm, pages);
	else if (rss_exact(mm, pages))
		out->flags |= PROCESS_MEMORY_EXACT;
	memory_fill(&out->memory, mm, pages);
	/* What comes later is measured against this. */
	if (state)
		__builtin_memcpy(state->told_pages, pages, sizeof(state->told_pages));
}
