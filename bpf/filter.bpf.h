/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/* Who is followed: everybody, a process and its descendants, or a cgroup and what is below it. */

#include "vmlinux.h"

#include <bpf/bpf_helpers.h>

#include "cgroup.bpf.h"
#include "knobs.bpf.h"

#define MAX_FOLLOWED 16384

struct followed_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_FOLLOWED);
	__type(key, __u32);  /* process id */
	__type(value, __u8); /* always 1 */
};

extern struct followed_map followed SEC(".maps");

static __always_inline bool is_followed(__u32 pid, struct mem_cgroup *memcg)
{
	if (knob_follow == FOLLOW_ALL)
		return true;
	if (knob_follow == FOLLOW_PROCESSES)
		return bpf_map_lookup_elem(&followed, &pid) != NULL;
	return memcg_is_within(memcg, knob_follow_cgroup);
}

static __always_inline bool is_followed_task(struct task_struct *task)
{
	if (knob_follow == FOLLOW_ALL)
		return true;
	return is_followed(BPF_CORE_READ(task, tgid), task_memcg(task));
}
