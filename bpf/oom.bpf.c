/* SPDX-License-Identifier: GPL-2.0-only */
#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "cgroup.bpf.h"
#include "emit.bpf.h"
#include "ledger.bpf.h"
#include "oom.bpf.h"
#include "oom_stack.bpf.h"
#include "reclaim.bpf.h"
#include "sample.bpf.h"
#include "task.bpf.h"

struct oom_call_map oom_calls SEC(".maps");

/* A call of out_of_memory() is over long before this; an older entry is another call's. */
#define OOM_CALL_NS    1000000000ULL

#define NODE_WORDS_MAX 16 /* of a nodemask_t: 1,024 nodes, the most a kernel is built for */

/* --- the context, best way: at the head of oom_kill_process() ------------------------------- */

/* Of more than 64 nodes none is named: half a list would be a wrong one. */
static __always_inline __u64 nodes_of(const nodemask_t *mask)
{
	__u64 words[NODE_WORDS_MAX] = {}, rest = 0;
	__u32 bytes = bpf_core_type_size(nodemask_t);

	if (!mask || bytes > sizeof(words) || bpf_probe_read_kernel(words, bytes, mask))
		return 0;
	for (int i = 1; i < NODE_WORDS_MAX; i++)
		rest |= words[i];
	return rest ? 0 : words[0];
}

/* The nodes that the trigger may take memory from. */
static __always_inline __u64 read_nodes(struct oom_control *oc, __s32 constraint)
{
	struct task_struct *trigger = (struct task_struct *)bpf_get_current_task();

	if (constraint == OOM_CONSTRAINT_MEMPOLICY)
		return nodes_of(BPF_CORE_READ(oc, nodemask));
	if (constraint == OOM_CONSTRAINT_CPUSET && bpf_core_field_exists(trigger->mems_allowed))
		return nodes_of(&trigger->mems_allowed);
	return 0;
}

static __always_inline void read_oom_control(struct oom_call *call, struct oom_control *oc,
					     __u32 way)
{
	call->time_ns = bpf_ktime_get_ns();
	call->memcg = (__u64)BPF_CORE_READ(oc, memcg);
	call->total_pages = BPF_CORE_READ(oc, totalpages);
	call->chosen_points = BPF_CORE_READ(oc, chosen_points);
	call->gfp_mask = BPF_CORE_READ(oc, gfp_mask);
	call->order = BPF_CORE_READ(oc, order);
	call->constraint = BPF_CORE_READ(oc, constraint);
	call->nodes = read_nodes(oc, call->constraint);
	call->way = way;
	call->chosen_pid = BPF_CORE_READ(oc, chosen, tgid);
}

static __always_inline int remember_call(struct oom_control *oc, __u32 way)
{
	__u64 thread = bpf_get_current_pid_tgid();
	struct oom_call call = {};

	read_oom_control(&call, oc, way);
	/* One that is exiting already is marked without a signal. */
	call.target = (__u64)BPF_CORE_READ(oc, chosen);
	bpf_map_update_elem(&oom_calls, &thread, &call, BPF_ANY);
	return 0;
}

SEC("?fentry/oom_kill_process")
int BPF_PROG(on_oom_kill_process_fentry, struct oom_control *oc, const char *message)
{
	return remember_call(oc, OOM_WAY_FENTRY);
}

SEC("?kprobe/oom_kill_process")
int BPF_KPROBE(on_oom_kill_process_kprobe, struct oom_control *oc)
{
	return remember_call(oc, OOM_WAY_KPROBE);
}

/* --- the context, without either: from the trigger's own kernel stack ----------------------- */

static __always_inline bool find_on_stack(struct oom_call *call, struct task_struct *victim)
{
	__u64 oc;

	if (!knob_oom_stack)
		return false;
	oom_wanted[0] = (__u64)victim;
	oc = oom_stack_control();
	if (!oc)
		return false;
	read_oom_control(call, (struct oom_control *)oc, OOM_WAY_STACK);
	return true;
}

/* --- the context, last way: the level at least ---------------------------------------------- */

/*
 * The kernel counts an OOM event at the level that is full, just before it looks for a victim. But
 * it counts one too when it then finds nobody to kill, and the next kill may be the host's: so
 * whoever asked must be below that level, and the last that it reclaimed, for a cgroup.
 */
static __always_inline bool find_by_events(struct oom_call *call, struct mem_cgroup *risen,
					   struct task_struct *trigger)
{
	if (!knob_oom_events || !risen || reclaim_was_for_host() ||
	    !memcg_is_within(task_memcg(trigger), memcg_id(risen)))
		return false;
	call->memcg = (__u64)risen;
	call->constraint = OOM_CONSTRAINT_MEMCG;
	call->way = OOM_WAY_EVENTS;
	return true;
}

/* Does memory.oom.group hold for this cgroup, set on itself or above it, up to the domain (0: the
 * host)? Global, as the other walks up the hierarchy: see cgroup.bpf.h. */
__noinline int oom_in_group(__u64 address, __u64 domain)
{
	struct mem_cgroup *memcg = (struct mem_cgroup *)address;

	for (int level = 0; level < MAX_CGROUP_LEVELS && memcg; level++) {
		if (BPF_CORE_READ(memcg, oom_group))
			return 1;
		if ((__u64)memcg == domain)
			break;
		memcg = memcg_parent(memcg);
	}
	return 0;
}

/*
 * Which call of out_of_memory() marks this victim: the one seen by a probe at its head, the one
 * found on the stack, for the further members of a memory.oom.group the one remembered from the
 * first, or at least its level.
 */
static __noinline void find_call(struct oom_call *call, struct task_struct *victim,
				 struct task_struct *trigger)
{
	__u64 thread = bpf_get_current_pid_tgid();
	struct oom_call *known = bpf_map_lookup_elem(&oom_calls, &thread);
	struct mem_cgroup *risen = memcg_risen(task_memcg(victim));
	bool fresh = known && bpf_ktime_get_ns() - known->time_ns < OOM_CALL_NS;

	/* Another victim than the one chosen there belongs to another call, or to a group. */
	if (fresh && (known->way == OOM_WAY_FENTRY || known->way == OOM_WAY_KPROBE) &&
	    known->chosen_pid == BPF_CORE_READ(victim, tgid)) {
		*call = *known;
		return;
	}
	if (fresh && known->way != OOM_WAY_NONE &&
	    known->chosen_pid != BPF_CORE_READ(victim, tgid) &&
	    oom_in_group((__u64)task_memcg(victim), known->memcg)) {
		*call = *known;
		call->way = OOM_WAY_REMEMBERED;
		return;
	}
	if (find_on_stack(call, victim) || find_by_events(call, risen, trigger)) {
		call->time_ns = bpf_ktime_get_ns();
		call->chosen_pid = BPF_CORE_READ(victim, tgid);
		bpf_map_update_elem(&oom_calls, &thread, call, BPF_ANY);
	}
}

static __always_inline void fill_context(struct event_oom_kill *event, const struct oom_call *call)
{
	struct mem_cgroup *memcg = (struct mem_cgroup *)call->memcg;

	event->way = call->way;
	event->constraint = call->constraint;
	event->nodes = call->nodes;
	event->order = call->order;
	event->gfp_mask = call->gfp_mask;
	event->chosen_points = EVENT_UNKNOWN;
	event->domain_total_bytes = EVENT_UNKNOWN;
	if (call->total_pages) {
		event->chosen_points = call->chosen_points;
		event->domain_total_bytes = call->total_pages * knob_page_bytes;
	}
	__builtin_memset(&event->domain, 0xff, sizeof(event->domain));
	event->domain.reserved = 0;
	event->domain_cgroup_id = 0;
	__builtin_memset(&event->ledger, 0, sizeof(event->ledger));
	if (memcg) {
		event->domain_cgroup_id = memcg_id(memcg);
		memcg_read(&event->domain, memcg);
		/* Of a group that dies together the first tells. */
		if (call->way != OOM_WAY_REMEMBERED) {
			ledger_take(call->memcg);
			event->ledger = ledger_taken;
		}
	}
}

/* --- the kill -------------------------------------------------------------------------------- */

/* Was the victim sent SIGKILL before it was marked? One that is exiting already is not. */
static __always_inline bool was_signalled(struct task_struct *victim)
{
	__u64 thread = bpf_get_current_pid_tgid();
	struct oom_call *call = bpf_map_lookup_elem(&oom_calls, &thread);
	bool signalled = call && call->signalled == (__u64)victim;

	if (call)
		call->signalled = 0;
	return signalled;
}

static __always_inline int tell_kill(struct task_struct *victim)
{
	struct task_struct *trigger = (struct task_struct *)bpf_get_current_task();
	struct mm_struct *victim_mm = BPF_CORE_READ(victim, mm);
	struct mm_struct *trigger_mm = BPF_CORE_READ(trigger, mm);
	struct oom_call call = {.constraint = OOM_CONSTRAINT_UNKNOWN, .order = OOM_ORDER_UNKNOWN};
	struct event_oom_kill *event;
	struct mem_cgroup *memcg;
	bool signalled = was_signalled(victim);

	find_call(&call, victim, trigger);
	reclaim_flush();
	/* Names first: the model should know the cgroups when the kill arrives. */
	memcg = task_memcg(victim);
	if (memcg)
		memcg_tell(memcg);
	event = bpf_ringbuf_reserve(&critical, sizeof(*event), 0);
	if (!event) {
		__sync_fetch_and_add(&ring_losses[EVENT_OOM_KILL], 1);
		return 0;
	}
	header_init(&event->header, EVENT_OOM_KILL, sizeof(*event));
	process_fill_identity(&event->victim, victim);
	process_fill_memory(&event->victim, victim_mm,
			    victim_mm ? mm_adopt(victim_mm, victim, false) : NULL, true);
	if (knob_signals && !signalled)
		event->victim.flags |= PROCESS_EXITING;
	process_fill_identity(&event->trigger, trigger);
	process_fill_memory(&event->trigger, trigger_mm,
			    trigger_mm ? mm_adopt(trigger_mm, trigger, false) : NULL, true);
	fill_context(event, &call);
	bpf_ringbuf_submit(event, BPF_RB_FORCE_WAKEUP);
	sample_victim(BPF_CORE_READ(victim, tgid));
	return 0;
}

SEC("?tp_btf/mark_victim")
int BPF_PROG(on_mark_victim, struct task_struct *victim)
{
	return tell_kill(victim);
}

/*
 * Until 6.8 the tracepoint carried a thread id only; the SIGKILL just before it had the task. One
 * that is exiting already gets none: then a probe at the head of oom_kill_process() knows it, or
 * it lies on the stack of the thread that asked.
 */
SEC("?tp_btf/mark_victim")
int BPF_PROG(on_mark_victim_pid)
{
	/* Not through BPF_PROG: where the argument is a pointer, the cast would not verify. */
	__u32 pid = ctx[0];
	__u64 thread = bpf_get_current_pid_tgid();
	struct oom_call *call = bpf_map_lookup_elem(&oom_calls, &thread);
	struct task_struct *victim = call ? (struct task_struct *)call->target : NULL;

	/* No signal is sent to a trigger that is exiting already: it is its own victim. */
	if ((__u32)thread == pid)
		victim = (struct task_struct *)bpf_get_current_task();
	if ((!victim || (__u32)BPF_CORE_READ(victim, pid) != pid) && knob_oom_stack)
		victim = (struct task_struct *)oom_stack_task(pid);
	if (victim)
		return tell_kill(victim);
	lose(LOSS_VICTIM_NOT_FOUND);
	return 0;
}
