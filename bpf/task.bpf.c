/* SPDX-License-Identifier: GPL-2.0-only */
#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "cgroup.bpf.h"
#include "deputy.bpf.h"
#include "emit.bpf.h"
#include "filter.bpf.h"
#include "task.bpf.h"

/* An exec event with a full command line is too large for the stack. A program does not run on a
 * CPU on which it is running, be it preempted; its deputies may: so each has one per CPU. */
struct exec_scratch {
	__u64 words[(sizeof(struct event_exec) + EVENT_ARGV_BYTES) / 8 + 1];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, DEPUTY_LAST);
	__type(key, __u32);
	__type(value, struct exec_scratch);
} exec_scratch SEC(".maps");

static __always_inline int tell_fork(struct task_struct *parent, struct task_struct *child)
{
	struct event_fork event = {};
	struct mm_struct *mm = BPF_CORE_READ(child, mm);
	struct mm_state *state;
	bool shares;
	__u32 parent_pid = BPF_CORE_READ(parent, tgid), pid = BPF_CORE_READ(child, tgid);
	__u8 one = 1;

	if (BPF_CORE_READ(child, pid) != pid || is_kernel_thread(child) || !mm)
		return 0;
	if (knob_follow == FOLLOW_PROCESSES && bpf_map_lookup_elem(&followed, &parent_pid)) {
		if (bpf_map_update_elem(&followed, &pid, &one, BPF_ANY))
			lose(LOSS_FOLLOWED_TABLE_FULL);
	}
	if (!is_followed_task(child))
		return 0;
	shares = mm == BPF_CORE_READ(parent, mm);
	/* A shared mm stays its first owner's: a vfork child is gone in a moment. */
	state = mm_adopt(mm, shares ? parent : child, !shares);
	process_fill_identity(&event.child, child);
	process_fill_memory(&event.child, mm, state, false);
	if (shares)
		event.child.flags |= PROCESS_SHARES_MM;
	memcg_meet(task_memcg(child));
	header_init(&event.header, EVENT_FORK, sizeof(event));
	emit_critical(&event);
	return 0;
}

SEC("?tp_btf/sched_process_fork")
int BPF_PROG(on_fork, struct task_struct *parent, struct task_struct *child)
{
	tell_fork(parent, child);
	deputy_done(DEPUTIZED_FORK, child);
	return 0;
}

#define X(number)                                                                             \
	SEC("?tp_btf/sched_process_fork")                                                     \
	int BPF_PROG(on_fork_##number, struct task_struct *parent, struct task_struct *child) \
	{                                                                                     \
		if (deputy_stands_in(DEPUTIZED_FORK, child, number)) {                        \
			tell_fork(parent, child);                                             \
			deputy_done(DEPUTIZED_FORK, child);                                   \
		}                                                                             \
		return 0;                                                                     \
	}
DEPUTIES(X)
#undef X

static __always_inline __u32 read_argv(char *argv, struct mm_struct *mm, __u32 *flags)
{
	__u64 start = BPF_CORE_READ(mm, arg_start), end = BPF_CORE_READ(mm, arg_end);
	__u64 bytes = end > start ? end - start : 0;

	*flags = 0;
	if (bytes > EVENT_ARGV_BYTES) {
		bytes = EVENT_ARGV_BYTES;
		*flags |= ARGV_CUT;
	}
	/* The pages were just written by exec, so this does not depend on a fault. */
	if (bytes && bpf_probe_read_user(argv, bytes, (void *)start)) {
		*flags |= ARGV_UNREADABLE;
		bytes = 0;
	}
	return bytes;
}

static __always_inline int tell_exec(struct task_struct *task, __u32 number)
{
	struct mm_struct *mm = BPF_CORE_READ(task, mm);
	struct exec_scratch *scratch;
	struct event_exec *event;
	__u32 own = number - 1, bytes, size;

	if (!is_followed_task(task) || !mm)
		return 0;
	scratch = bpf_map_lookup_elem(&exec_scratch, &own);
	if (!scratch)
		return 0;
	event = (struct event_exec *)scratch;
	__builtin_memset(event, 0, sizeof(*event));
	process_fill_identity(&event->process, task);
	process_fill_memory(&event->process, mm, mm_adopt(mm, task, true), false);
	bytes = read_argv(event->argv, mm, &event->argv_flags);
	bytes &= 2 * EVENT_ARGV_BYTES - 1; /* for the verifier: it has lost the bound */
	if (bytes > EVENT_ARGV_BYTES)
		return 0;
	event->argv_bytes = bytes;
	*(__u64 *)&event->argv[bytes] = 0;
	memcg_meet(task_memcg(task));
	size = sizeof(*event) + ((bytes + 7) & ~7U);
	header_init(&event->header, EVENT_EXEC, size);
	emit_to(critical, event, size);
	return 0;
}

SEC("?tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *task)
{
	tell_exec(task, 1);
	deputy_done(DEPUTIZED_EXEC, task);
	return 0;
}

#define X(number)                                                     \
	SEC("?tp_btf/sched_process_exec")                             \
	int BPF_PROG(on_exec_##number, struct task_struct *task)      \
	{                                                             \
		if (deputy_stands_in(DEPUTIZED_EXEC, task, number)) { \
			tell_exec(task, number);                      \
			deputy_done(DEPUTIZED_EXEC, task);            \
		}                                                     \
		return 0;                                             \
	}
DEPUTIES(X)
#undef X

static __always_inline int tell_exit(struct task_struct *task)
{
	struct event_exit event = {};
	struct mm_struct *mm;
	__s64 pages[RSS_MEMBERS];
	__u32 pid = BPF_CORE_READ(task, tgid), group_code;

	if (!is_last_thread(task) || is_kernel_thread(task) || !is_followed_task(task))
		return 0;
	task_identify(&event.task, task);
	mm = BPF_CORE_READ(task, mm);
	if (mm) {
		rss_exact(mm, pages);
		memory_fill(&event.memory, mm, pages);
	} else {
		memory_unknown(&event.memory);
	}
	event.peak_rss_bytes = (__s64)BPF_CORE_READ(task, signal, maxrss) * knob_page_bytes;
	group_code = BPF_CORE_READ(task, signal, group_exit_code);
	event.exit_code = group_code ? group_code : BPF_CORE_READ(task, exit_code);
	task_comm(event.comm, task);
	if (knob_follow == FOLLOW_PROCESSES)
		bpf_map_delete_elem(&followed, &pid);
	header_init(&event.header, EVENT_EXIT, sizeof(event));
	emit_critical(&event);
	/* Its memory is gone by now, which exit_mmap tells elsewhere: so has its cgroup's usage. */
	if (knob_addresses_reused)
		memcg_tell(task_memcg(task));
	return 0;
}

SEC("?tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct *task)
{
	tell_exit(task);
	deputy_done(DEPUTIZED_EXIT, task);
	return 0;
}

#define X(number)                                                     \
	SEC("?tp_btf/sched_process_exit")                             \
	int BPF_PROG(on_exit_##number, struct task_struct *task)      \
	{                                                             \
		if (deputy_stands_in(DEPUTIZED_EXIT, task, number)) { \
			tell_exit(task);                              \
			deputy_done(DEPUTIZED_EXIT, task);            \
		}                                                     \
		return 0;                                             \
	}
DEPUTIES(X)
#undef X

static __always_inline int tell_rename(struct task_struct *task, const char *comm)
{
	struct event_rename event = {};

	if (BPF_CORE_READ(task, pid) != BPF_CORE_READ(task, tgid) || is_kernel_thread(task) ||
	    !is_followed_task(task))
		return 0;
	task_identify(&event.task, task);
	bpf_probe_read_kernel_str(event.comm, sizeof(event.comm), comm);
	header_init(&event.header, EVENT_RENAME, sizeof(event));
	/* Anybody may rename himself a million times a second: that must not cost a kill. */
	emit_bulk(&event);
	return 0;
}

SEC("?tp_btf/task_rename")
int BPF_PROG(on_rename, struct task_struct *task, const char *comm)
{
	tell_rename(task, comm);
	deputy_done(DEPUTIZED_RENAME, task);
	return 0;
}

#define X(number)                                                                    \
	SEC("?tp_btf/task_rename")                                                   \
	int BPF_PROG(on_rename_##number, struct task_struct *task, const char *comm) \
	{                                                                            \
		if (deputy_stands_in(DEPUTIZED_RENAME, task, number)) {              \
			tell_rename(task, comm);                                     \
			deputy_done(DEPUTIZED_RENAME, task);                         \
		}                                                                    \
		return 0;                                                            \
	}
DEPUTIES(X)
#undef X
