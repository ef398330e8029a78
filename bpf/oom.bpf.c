/* SPDX-License-Identifier: GPL-2.0-only */
#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "cgroup.bpf.h"
#include "emit.bpf.h"
#include "oom.bpf.h"
#include "reclaim.bpf.h"
#include "task.bpf.h"

struct oom_call_map oom_calls SEC(".maps");

/* A call of out_of_memory() is over long before this; an older entry is another call's. */
#define OOM_CALL_NS 1000000000ULL

/* --- the context, best way: at the head of oom_kill_process() ------------------------------- */

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

/*
 * At mark_victim current is inside out_of_memory(), so its struct oom_control is on the kernel
 * stack: look for the victim's address and check whether the words around it make an oom_control.
 * All OOM kills of a host hold oom_lock, so one copy serves. In parts, each searched by a global
 * function: the verifier follows one part's words, not all 2,048.
 */
#define STACK_BYTES 16384
#define STACK_WORDS (STACK_BYTES / 8)
#define STACK_PART  64

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64[STACK_PART]);
} oom_stack SEC(".maps");

/* Globals instead of arguments: a global function is verified once, alone, and takes scalars. */
__u64 oom_wanted[2] = {}; /* the victim and its group leader: chosen may be either */
__u64 oom_victim_memcg = 0;
__u64 oom_stack_base = 0;

/* OOM kills happen on behalf of allocations that may reclaim; the bit's place has never moved. */
#define GFP_DIRECT_RECLAIM 0x400U

/*
 * The victim's address may lie on the stack more than once, so the words around a match must make
 * an oom_control in every respect: a wrong one would name a wrong limit.
 */
static __always_inline bool plausible(struct oom_control *oc)
{
	struct mem_cgroup *memcg = BPF_CORE_READ(oc, memcg);
	int order = BPF_CORE_READ(oc, order);
	__u32 constraint = BPF_CORE_READ(oc, constraint);
	__s64 total = BPF_CORE_READ(oc, totalpages), points = BPF_CORE_READ(oc, chosen_points);

	if (order < -1 || order > 20 || constraint > OOM_CONSTRAINT_MEMCG)
		return false;
	if (!(BPF_CORE_READ(oc, gfp_mask) & GFP_DIRECT_RECLAIM))
		return false;
	/* Badness: pages, plus up to the whole domain by oom_score_adj. */
	if (total <= 0 || points > 3 * total || points < -3 * total)
		return false;
	if (memcg)
		return constraint == OOM_CONSTRAINT_MEMCG && !BPF_CORE_READ(oc, zonelist) &&
		       memcg_is_within((struct mem_cgroup *)oom_victim_memcg, memcg_id(memcg));
	/* The host's: all of its memory, and a list of zones (sysrq takes the first node's). */
	return constraint != OOM_CONSTRAINT_MEMCG && BPF_CORE_READ(oc, zonelist) &&
	       (constraint != OOM_CONSTRAINT_NONE || total >= (__s64)knob_host_pages);
}

/* `word`: index of a match. Returns 1 when it is the `chosen` of an oom_control. */
__noinline int oom_is_chosen(__u32 word)
{
	void *address = (void *)oom_stack_base + word * 8UL;

	return plausible(address - bpf_core_field_offset(struct oom_control, chosen));
}

/* Index of `chosen` among the words of the stack from `first` on, or -1. */
__noinline int oom_find_chosen_from(__u32 first)
{
	__u32 zero = 0;
	__u64 victim = oom_wanted[0], leader = oom_wanted[1];
	__u64 *words = bpf_map_lookup_elem(&oom_stack, &zero);

	if (!words ||
	    bpf_probe_read_kernel(words, STACK_PART * 8, (void *)oom_stack_base + first * 8UL))
		return -1;
	for (__u32 i = 0; i < STACK_PART; i++) {
		if ((words[i] == victim || words[i] == leader) && oom_is_chosen(first + i))
			return first + i;
	}
	return -1;
}

/* Index of `chosen` in the stack's words, or -1. */
__noinline int oom_find_chosen(void)
{
	for (__u32 first = 0; first < STACK_WORDS; first += STACK_PART) {
		int word = oom_find_chosen_from(first);

		if (word >= 0)
			return word;
	}
	return -1;
}

static __always_inline bool find_on_stack(struct oom_call *call, struct task_struct *victim,
					  struct task_struct *trigger)
{
	int index;

	oom_stack_base = (__u64)BPF_CORE_READ(trigger, stack);
	oom_wanted[0] = (__u64)victim;
	oom_wanted[1] = (__u64)BPF_CORE_READ(victim, group_leader);
	oom_victim_memcg = (__u64)task_memcg(victim);
	index = oom_find_chosen();
	if (index < 0)
		return false;
	read_oom_control(call,
			 (void *)oom_stack_base + index * 8UL -
				 bpf_core_field_offset(struct oom_control, chosen),
			 OOM_WAY_STACK);
	return true;
}

/* --- the kill -------------------------------------------------------------------------------- */

/* --- the context, last way: the level at least ---------------------------------------------- */

/* The kernel counts an OOM event at the level that is full, just before it looks for a victim. */
static __always_inline bool find_by_events(struct oom_call *call, struct mem_cgroup *risen)
{
	if (!knob_oom_events || !risen)
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
	if ((knob_oom_stack && find_on_stack(call, victim, trigger)) ||
	    find_by_events(call, risen)) {
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
	if (memcg) {
		event->domain_cgroup_id = memcg_id(memcg);
		memcg_read(&event->domain, memcg);
	}
}

static __always_inline int tell_kill(struct task_struct *victim)
{
	struct task_struct *trigger = (struct task_struct *)bpf_get_current_task();
	struct mm_struct *victim_mm = BPF_CORE_READ(victim, mm);
	struct mm_struct *trigger_mm = BPF_CORE_READ(trigger, mm);
	struct oom_call call = {.constraint = OOM_CONSTRAINT_UNKNOWN, .order = OOM_ORDER_UNKNOWN};
	struct event_oom_kill *event;
	struct mem_cgroup *memcg;

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
	process_fill_identity(&event->trigger, trigger);
	process_fill_memory(&event->trigger, trigger_mm,
			    trigger_mm ? mm_adopt(trigger_mm, trigger, false) : NULL, true);
	fill_context(event, &call);
	bpf_ringbuf_submit(event, BPF_RB_FORCE_WAKEUP);
	return 0;
}

SEC("?tp_btf/mark_victim")
int BPF_PROG(on_mark_victim, struct task_struct *victim)
{
	return tell_kill(victim);
}

/* Until 6.8 the tracepoint carried a thread id only; the SIGKILL just before it had the task. */
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
	if (victim && (__u32)BPF_CORE_READ(victim, pid) == pid)
		return tell_kill(victim);
	__sync_fetch_and_add(&ring_losses[EVENT_OOM_KILL], 1);
	return 0;
}
