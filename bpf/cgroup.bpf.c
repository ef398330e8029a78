/* SPDX-License-Identifier: GPL-2.0-only */
#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "cgroup.bpf.h"
#include "task.bpf.h"

#define EEXIST 17

struct memcg_map memcgs SEC(".maps");

/* 0: the ring was full. */
__noinline int memcg_introduce(__u64 address)
{
	struct mem_cgroup *memcg = (struct mem_cgroup *)address;
	struct event_cgroup *event = bpf_ringbuf_reserve(&critical, sizeof(*event), 0);

	if (!event) {
		__sync_fetch_and_add(&ring_losses[EVENT_CGROUP], 1);
		return 0;
	}
	header_init(&event->header, EVENT_CGROUP, sizeof(*event));
	event->cgroup_id = memcg_id(memcg);
	event->parent_id = memcg_id(memcg_parent(memcg));
	memcg_read(&event->counters, memcg);
	__builtin_memset(event->name, 0, sizeof(event->name));
	bpf_probe_read_kernel_str(event->name, sizeof(event->name),
				  BPF_CORE_READ(memcg, css.cgroup, kn, name));
	bpf_ringbuf_submit(event, wakeup(critical));
	return 1;
}

static __always_inline bool moved(__s64 before, __s64 now, __s64 step)
{
	return now - before >= step || before - now >= step;
}

static __always_inline void memcg_position(struct memcg_told *out, struct mem_cgroup *memcg)
{
	out->usage_bytes = known_bytes(BPF_CORE_READ(memcg, memory.usage.counter));
	out->swap_bytes = known_bytes(BPF_CORE_READ(memcg, memsw.usage.counter));
	out->max_bytes = limit_bytes(BPF_CORE_READ(memcg, memory.max));
	out->oom_events = memcg_oom_events(memcg);
}

/* 0: it was known already, and so were its ancestors. */
__noinline int memcg_meet_one(__u64 address)
{
	struct mem_cgroup *memcg = (struct mem_cgroup *)address;
	struct memcg_told fresh;
	__u64 id = memcg_id(memcg);
	long error;

	if (bpf_map_lookup_elem(&memcgs, &id))
		return 0;
	memcg_position(&fresh, memcg);
	error = bpf_map_update_elem(&memcgs, &id, &fresh, BPF_NOEXIST);
	/* One without a name is met again, or it would be nameless for the whole recording. */
	if (!error && !memcg_introduce(address))
		bpf_map_delete_elem(&memcgs, &id);
	else if (error && error != -EEXIST) /* another CPU has met it at the same moment */
		lose(LOSS_CGROUP_TABLE_FULL);
	return 1;
}

__noinline int memcg_meet_all(__u64 address)
{
	struct mem_cgroup *memcg = (struct mem_cgroup *)address;

	for (int level = 0; level < MAX_CGROUP_LEVELS && memcg; level++) {
		if (!memcg_meet_one((__u64)memcg))
			break;
		memcg = memcg_parent(memcg);
	}
	return 0;
}

__noinline int memcg_tell_one(__u64 address)
{
	struct mem_cgroup *memcg = (struct mem_cgroup *)address;
	struct event_memcg event = {};
	struct memcg_told *told, fresh;
	__s64 step;

	event.cgroup_id = memcg_id(memcg);
	told = bpf_map_lookup_elem(&memcgs, &event.cgroup_id);
	if (!told) {
		memcg_meet_one(address);
		return 0;
	}
	memcg_position(&fresh, memcg);
	step = (__u64)fresh.usage_bytes / 64;
	if (step < (__s64)knob_memcg_step_bytes)
		step = knob_memcg_step_bytes;
	if (!moved(told->usage_bytes, fresh.usage_bytes, step) &&
	    !moved(told->swap_bytes, fresh.swap_bytes, step) && told->max_bytes == fresh.max_bytes)
		return 0;
	/* A rise is memcg_risen()'s to see: the kernel counts it well before it marks a victim. */
	fresh.oom_events = told->oom_events;
	*told = fresh;
	memcg_read(&event.counters, memcg);
	header_init(&event.header, EVENT_MEMCG, sizeof(event));
	emit_bulk(&event);
	return 0;
}

__noinline int memcg_tell_all(__u64 address)
{
	struct mem_cgroup *memcg = (struct mem_cgroup *)address;

	for (int level = 0; level < MAX_CGROUP_LEVELS && memcg; level++) {
		memcg_tell_one((__u64)memcg);
		memcg = memcg_parent(memcg);
	}
	return 0;
}

__noinline int memcg_tell_known(__u64 address, __u64 id)
{
	if (memcg_id((struct mem_cgroup *)address) != id || !bpf_map_lookup_elem(&memcgs, &id))
		return 0;
	return memcg_tell_all(address);
}

/* 1 or 0. Global, as the walks are: the verifier then knows nothing of the result to branch on. */
__noinline __u64 memcg_has_risen(__u64 address)
{
	struct mem_cgroup *memcg = (struct mem_cgroup *)address;
	__u64 id = memcg_id(memcg);
	struct memcg_told *told = bpf_map_lookup_elem(&memcgs, &id);
	__s64 events = memcg_oom_events(memcg), before;

	if (!told)
		return 0;
	before = told->oom_events;
	told->oom_events = events;
	return events > before;
}

__noinline __u64 memcg_risen_of(__u64 address)
{
	struct mem_cgroup *memcg = (struct mem_cgroup *)address;
	__u64 risen = 0, count = 0;

	for (int level = 0; level < MAX_CGROUP_LEVELS && memcg; level++) {
		__u64 one = memcg_has_risen((__u64)memcg);

		/* Without a branch: all combinations of twenty are a million. */
		risen |= (__u64)memcg * one;
		count += one;
		memcg = memcg_parent(memcg);
	}
	return count == 1 ? risen : 0;
}

SEC("?tp_btf/cgroup_mkdir")
int BPF_PROG(on_cgroup_mkdir, struct cgroup *cgroup, const char *path)
{
	struct mem_cgroup *memcg = cgroup_memcg(cgroup);

	if (memcg)
		memcg_meet(memcg);
	return 0;
}

SEC("?tp_btf/cgroup_rmdir")
int BPF_PROG(on_cgroup_rmdir, struct cgroup *cgroup, const char *path)
{
	struct event_cgroup_gone event = {};

	/* Folders of another hierarchy have ids of their own, which may be those of ours. */
	if (!cgroup_memcg(cgroup))
		return 0;
	event.cgroup_id = BPF_CORE_READ(cgroup, kn, id);
	if (bpf_map_delete_elem(&memcgs, &event.cgroup_id))
		return 0;
	header_init(&event.header, EVENT_CGROUP_GONE, sizeof(event));
	emit_critical(&event);
	return 0;
}

/* Followed by its cgroup, a process is new to us the moment it comes in, at any age. */
static __noinline int tell_newcomer(struct task_struct *task)
{
	struct mm_struct *mm = BPF_CORE_READ(task, mm);
	struct event_process event = {};

	process_fill_identity(&event.process, task);
	process_fill_memory(&event.process, mm, mm ? mm_adopt(mm, task, false) : NULL, true);
	header_init(&event.header, EVENT_PROCESS, sizeof(event));
	emit_critical(&event);
	return 0;
}

/* Fires for every hierarchy; the memory cgroup is asked from the task, whichever was meant. */
SEC("?tp_btf/cgroup_attach_task")
int BPF_PROG(on_cgroup_attach_task, struct cgroup *cgroup, const char *path,
	     struct task_struct *task)
{
	struct mem_cgroup *memcg = task_memcg(task);
	struct event_attach event = {};
	__u64 mm = (__u64)BPF_CORE_READ(task, mm);
	bool follows = is_followed(BPF_CORE_READ(task, tgid), memcg);

	if (BPF_CORE_READ(task, pid) != BPF_CORE_READ(task, tgid) || is_kernel_thread(task))
		return 0;
	/* One that we know and that leaves what is followed: its leaving is the last word on it. */
	if (!follows && !bpf_map_lookup_elem(&mms, &mm))
		return 0;
	task_identify(&event.task, task);
	event.cgroup_id = memcg_id(memcg);
	memcg_meet(memcg);
	header_init(&event.header, EVENT_ATTACH, sizeof(event));
	emit_critical(&event);
	if (follows && knob_follow == FOLLOW_CGROUP)
		tell_newcomer(task);
	return 0;
}
