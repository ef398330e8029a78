/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include "vmlinux.h"

#include <bpf/bpf_helpers.h>

#include "bpf/events.h"

/* What one thread inside out_of_memory() is doing, by pid_tgid. */
struct oom_call {
	__u64 time_ns;
	__u64 target;    /* the task it is about to mark: the one chosen, or just sent SIGKILL */
	__u64 signalled; /* the task it has just sent SIGKILL to; 0 from the mark on */
	__u64 memcg;     /* the domain; 0: not a memcg OOM */
	__u64 total_pages;
	__u64 nodes; /* as in struct event_oom_kill */
	__s64 chosen_points;
	__u32 gfp_mask;
	__s32 order;
	__s32 constraint;
	__u32 way;        /* enum oom_way; OOM_WAY_NONE: only target is known */
	__u32 chosen_pid; /* the process it was about to kill */
	__u32 reserved;
};

struct oom_call_map {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 256);
	__type(key, __u64);
	__type(value, struct oom_call);
};

extern struct oom_call_map oom_calls SEC(".maps");

/* The kernel has sent SIGKILL to `target`; 5.10's mark_victim names it by number only. */
static __always_inline void oom_remember_target(struct task_struct *target)
{
	__u64 thread = bpf_get_current_pid_tgid();
	struct oom_call *call = bpf_map_lookup_elem(&oom_calls, &thread), fresh = {};

	if (call) {
		call->target = (__u64)target;
		call->signalled = (__u64)target;
		return;
	}
	fresh.time_ns = bpf_ktime_get_ns();
	fresh.target = (__u64)target;
	fresh.signalled = (__u64)target;
	fresh.constraint = OOM_CONSTRAINT_UNKNOWN;
	fresh.order = OOM_ORDER_UNKNOWN;
	bpf_map_update_elem(&oom_calls, &thread, &fresh, BPF_ANY);
}
