/* SPDX-License-Identifier: GPL-2.0-only */
#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "deputy.bpf.h"
#include "emit.bpf.h"
#include "reclaim.bpf.h"
#include "task.bpf.h"

/*
 * Direct reclaim: a thread that wants a page frees others first. Under pressure this happens
 * thousands of times a second, so runs of one thread that follow within RECLAIM_MERGE_NS are told
 * as one. What was not told yet lies in `reclaims`, where user space collects it at the end.
 */
#define RECLAIM_MERGE_NS 10000000ULL

struct reclaim_map reclaims SEC(".maps");

static __noinline void tell(struct reclaim_state *state)
{
	struct event_reclaim *event = &state->event;

	header_init(&event->header, EVENT_RECLAIM, sizeof(*event));
	emit_bulk(event);
	state->told_ns = bpf_ktime_get_ns();
	event->runs = 0;
	event->stall_ns = 0;
	event->reclaimed_bytes = 0;
	event->flags = 0;
}

static __always_inline int begin(__u32 flags)
{
	struct reclaim_state *state, fresh = {};
	__u64 thread = bpf_get_current_pid_tgid(), now = bpf_ktime_get_ns();
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();

	state = bpf_map_lookup_elem(&reclaims, &thread);
	if (state) {
		state->begin_ns = now;
		state->event.flags |= flags;
		state->last_flags = flags;
		return 0;
	}
	if (is_kernel_thread(task) || !is_followed_task(task))
		return 0;
	fresh.begin_ns = now;
	task_identify(&fresh.event.task, task);
	fresh.event.cgroup_id = memcg_id(task_memcg(task));
	fresh.event.flags = flags;
	fresh.last_flags = flags;
	task_comm(fresh.event.comm, task);
	if (bpf_map_update_elem(&reclaims, &thread, &fresh, BPF_ANY))
		lose(LOSS_RECLAIM_TABLE_FULL);
	return 0;
}

static __always_inline int end(__u64 pages)
{
	__u64 thread = bpf_get_current_pid_tgid(), now = bpf_ktime_get_ns();
	struct reclaim_state *state = bpf_map_lookup_elem(&reclaims, &thread);
	struct event_reclaim *event;

	if (!state || !state->begin_ns)
		return 0;
	event = &state->event;
	if (!event->runs)
		event->first_ns = state->begin_ns;
	event->runs++;
	event->stall_ns += now - state->begin_ns;
	event->reclaimed_bytes += pages * knob_page_bytes;
	state->begin_ns = 0;
	/* The first run after a pause is told at once: it is when pressure began, and may be the
	 * last word of a thread that then waits for ever. */
	if (now - state->told_ns >= RECLAIM_MERGE_NS)
		tell(state);
	return 0;
}

/* An OOM kill follows the reclaim that did not help: what led to it should stand before it. */
__hidden __noinline void reclaim_flush(void)
{
	__u64 thread = bpf_get_current_pid_tgid();
	struct reclaim_state *state = bpf_map_lookup_elem(&reclaims, &thread);

	if (state && state->event.runs)
		tell(state);
}

/* Not known is no. */
__hidden __noinline bool reclaim_was_for_host(void)
{
	__u64 thread = bpf_get_current_pid_tgid();
	struct reclaim_state *state = bpf_map_lookup_elem(&reclaims, &thread);

	return state && !(state->last_flags & RECLAIM_MEMCG);
}

SEC("?tp_btf/mm_vmscan_memcg_reclaim_begin")
int BPF_PROG(on_memcg_reclaim_begin)
{
	return begin(RECLAIM_MEMCG);
}

SEC("?tp_btf/mm_vmscan_memcg_reclaim_end")
int BPF_PROG(on_memcg_reclaim_end, unsigned long pages)
{
	return end(pages);
}

SEC("?tp_btf/mm_vmscan_direct_reclaim_begin")
int BPF_PROG(on_direct_reclaim_begin)
{
	return begin(0);
}

SEC("?tp_btf/mm_vmscan_direct_reclaim_end")
int BPF_PROG(on_direct_reclaim_end, unsigned long pages)
{
	return end(pages);
}

/* A thread leaves: what it reclaimed since last told goes with it otherwise. */
static __always_inline int tell_rest(void)
{
	__u64 thread = bpf_get_current_pid_tgid();
	struct reclaim_state *state = bpf_map_lookup_elem(&reclaims, &thread);

	if (!state)
		return 0;
	if (state->event.runs)
		tell(state);
	bpf_map_delete_elem(&reclaims, &thread);
	return 0;
}

SEC("?tp_btf/sched_process_exit")
int BPF_PROG(on_reclaimer_exit, struct task_struct *task)
{
	tell_rest();
	deputy_done(DEPUTIZED_RECLAIMER_EXIT, task);
	return 0;
}

#define X(number)                                                               \
	SEC("?tp_btf/sched_process_exit")                                       \
	int BPF_PROG(on_reclaimer_exit_##number, struct task_struct *task)      \
	{                                                                       \
		if (deputy_stands_in(DEPUTIZED_RECLAIMER_EXIT, task, number)) { \
			tell_rest();                                            \
			deputy_done(DEPUTIZED_RECLAIMER_EXIT, task);            \
		}                                                               \
		return 0;                                                       \
	}
DEPUTIES(X)
#undef X
