/* SPDX-License-Identifier: GPL-2.0-only */
#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "cgroup.bpf.h"
#include "choose.bpf.h"
#include "deputy.bpf.h"
#include "emit.bpf.h"
#include "filter.bpf.h"
#include "gate.bpf.h"
#include "note.bpf.h"
#include "rss.bpf.h"
#include "sample.bpf.h"
#include "task.bpf.h"

struct mm_map mms SEC(".maps");
__u32 movers = 0;
__u64 cpu_offset[MAX_CPUS] = {};
__u32 cpu_offsets_known = 0;

/* Not more often: movement of an mm, and of the cgroups it is charged to. */
#define TELL_NS       2000000ULL
#define TELL_MEMCG_NS 10000000ULL

#define GATE_STEP_MAX (8 * (__s64)knob_step_pages)

__u64 gates[GATES][sizeof(struct gate) / 8] __attribute__((aligned(64))) = {};

/* --- per-CPU parts -------------------------------------------------------------------------- */

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} cpu_probe SEC(".maps");

/*
 * The distance between per-CPU areas without kernel symbols: a per-CPU map knows its base, and
 * each CPU's element lies at base + offset of that CPU. Needs bpf_map_lookup_percpu_elem, which
 * is older (5.19) than the counters that need it (6.2). Run once, by user space.
 */
SEC("?syscall")
int learn_cpu_offsets(void *ctx)
{
	struct bpf_array *array;
	void *map = &cpu_probe, *base = NULL;
	__u64 address = 0;
	__u32 zero = 0;

	/* The verifier lets nobody compute with map pointers; one read back from memory is a
	 * number. */
	bpf_probe_read_kernel(&array, sizeof(array), &map);
	bpf_probe_read_kernel(&base, sizeof(base),
			      (void *)array + bpf_core_field_offset(array->pptrs));

	for (__u32 cpu = 0; cpu < knob_cpus && cpu < MAX_CPUS; cpu++) {
		void *element = bpf_map_lookup_percpu_elem(&cpu_probe, &zero, cpu);

		if (!element || !base)
			return 1;
		bpf_probe_read_kernel(&address, sizeof(address), &element);
		cpu_offset[cpu] = address - (__u64)base;
	}
	cpu_offsets_known = 1;
	return 0;
}

/* What all threads of a process hold back of one kind; RSS_UNKNOWN: they are too many. */
#define RSS_UNKNOWN (-(1 << 30))

__noinline int rss_thread_parts(__u64 address, __u32 member)
{
	struct task_struct *task = (struct task_struct *)address;
	struct signal_struct *signal = BPF_CORE_READ(task, signal);
	struct list_head *head = (void *)signal + bpf_core_field_offset(signal->thread_head);
	struct list_head *node = BPF_CORE_READ(head, next);
	int pages = 0;

	for (int i = 0; i < MAX_THREADS; i++) {
		if (node == head)
			break;
		task = (void *)node - bpf_core_field_offset(task->thread_node);
		pages += rss_thread_part(task, member);
		node = BPF_CORE_READ(node, next);
	}
	return node == head ? pages : RSS_UNKNOWN;
}

/* False: the owner has left, or others than its threads run on the mm, too. */
static __always_inline bool add_thread_parts(struct mm_struct *mm, __s64 pages[RSS_MEMBERS])
{
	struct task_struct *owner = mm_owner(mm);

	if (!owner ||
	    BPF_CORE_READ(mm, mm_users.counter) > BPF_CORE_READ(owner, signal, nr_threads))
		return false;
	for (__u32 member = 0; member < RSS_MEMBERS; member++) {
		int parts = rss_thread_parts((__u64)owner, member);

		if (parts == RSS_UNKNOWN)
			return false;
		pages[member] += parts;
	}
	return true;
}

__hidden __noinline bool rss_exact(struct mm_struct *mm, __s64 pages[RSS_MEMBERS])
{
	rss_folded(mm, pages);
	if (!rss_is_percpu())
		return add_thread_parts(mm, pages);
	if (!cpu_offsets_known)
		return false;
	for (int member = 0; member < RSS_MEMBERS; member++) {
		__s32 *part = rss_percpu_part(mm, member);

		for (__u32 cpu = 0; cpu < knob_cpus && cpu < MAX_CPUS; cpu++) {
			__s32 value = 0;

			bpf_probe_read_kernel(&value, sizeof(value),
					      (void *)part + cpu_offset[cpu]);
			pages[member] += value;
		}
	}
	return true;
}

/* --- the table of address spaces ------------------------------------------------------------ */

__hidden __noinline struct mm_state *mm_adopt(struct mm_struct *mm, struct task_struct *task,
					      bool renew)
{
	struct mm_state *state, fresh = {};
	__u64 key = (__u64)mm;

	state = bpf_map_lookup_elem(&mms, &key);
	if (state && !renew)
		return state;
	fresh.mm_id = mm_id_new();
	task_identify(&fresh.owner, task);
	fresh.owner.tid = fresh.owner.pid;
	mm_state_set_cgroup(&fresh, task_memcg(task));
	rss_folded(mm, fresh.told_pages);
	if (bpf_map_update_elem(&mms, &key, &fresh, BPF_ANY)) {
		lose(LOSS_MM_TABLE_FULL);
		return NULL;
	}
	return bpf_map_lookup_elem(&mms, &key);
}

/* False: the ring was full. */
static __always_inline bool tell_rss(struct mm_state *state, const struct memory *memory,
				     __u32 flags)
{
	struct event_rss event = {};
	__u32 pid = bpf_get_current_pid_tgid() >> 32;

	event.owner = state->owner;
	event.mm_id = state->mm_id;
	event.cgroup_id = state->cgroup_id;
	event.memory = *memory;
	event.flags = flags;
	event.by_pid = pid == state->owner.pid ? 0 : pid;
	header_init(&event.header, EVENT_RSS, sizeof(event));
	return emit_bulk(&event);
}

/* The owner of an mm that somebody runs on; NULL while a fork or an exec builds it (its owner then
 * still runs on another one, or wears the parent's identity) and while it is torn down. */
static __always_inline struct task_struct *settled_owner(struct mm_struct *mm)
{
	struct task_struct *owner = mm_owner_direct(mm);

	return owner && owner->mm == mm ? owner : NULL;
}

/* New to us: it will be told from its next movement on. */
static __noinline void rss_meet(struct mm_struct *mm)
{
	struct task_struct *owner = settled_owner(mm);

	if (owner && is_followed_task(owner))
		mm_adopt(mm, owner, true);
}

static __always_inline void rss_tell(struct mm_struct *mm, struct mm_state *state,
				     const __s64 pages[RSS_MEMBERS], __u64 now)
{
	struct task_struct *owner = settled_owner(mm);
	struct memory memory;

	/* Where no exit_mmap tells of its end, an address without a settled owner may be a new mm.
	 */
	if (!owner && knob_addresses_reused)
		return;
	if (owner) {
		/* The owner changes when a process leaves an mm that others share. */
		state->owner.pid = state->owner.tid = owner->tgid;
		state->owner.start_ns = owner->group_leader->start_time;
		if (state->cgroups != (__u64)owner->cgroups) {
			state->cgroups = (__u64)owner->cgroups;
			mm_state_set_cgroup(state, task_memcg(owner));
		}
	}
	memory_fill(&memory, mm, pages);
	if (tell_rss(state, &memory, 0)) {
		__builtin_memcpy(state->told_pages, pages, sizeof(state->told_pages));
		state->told = 1;
	}
	if (owner && now - state->memcg_told_ns >= TELL_MEMCG_NS) {
		state->memcg_told_ns = now;
		memcg_tell(task_memcg(owner));
	}
}

/* Where no exit_mmap tells of an mm's end, its address may have become that of another process's.
 */
static __always_inline bool is_anothers(struct mm_struct *mm, const struct mm_state *state)
{
	struct task_struct *owner = knob_addresses_reused ? settled_owner(mm) : NULL;

	return owner && (owner->tgid != state->owner.pid ||
			 owner->group_leader->start_time != state->owner.start_ns);
}

/*
 * Behind the gate: has the mm moved by a step since last told? Plain loads and one look-up; a
 * process that grows by GiB a second is told every TELL_NS, and exactly by the next pass. False: it
 * was too early to tell. Not inlined: its stack and that of a sample are too much together for
 * kernels that allow 512 bytes in any row of calls (5.10).
 */
static __noinline bool rss_moved(struct mm_struct *mm)
{
	__u64 key = (__u64)mm, travelled = 0, total = 0, step, now;
	struct mm_state *state = bpf_map_lookup_elem(&mms, &key);
	__s64 pages[RSS_MEMBERS];

	if (!state) {
		rss_meet(mm);
		return true;
	}
	rss_folded_direct_all(mm, pages);
	for (int member = 0; member < RSS_MEMBERS; member++) {
		travelled += distance(pages[member], state->told_pages[member]);
		total += pages[member] > 0 ? pages[member] : 0;
	}
	step = total * knob_page_bytes / 64;
	if (step < knob_step_bytes)
		step = knob_step_bytes;
	if (travelled * knob_page_bytes < step)
		return true;
	if (is_anothers(mm, state)) {
		bpf_map_delete_elem(&mms, &key);
		rss_meet(mm);
		return true;
	}
	now = bpf_ktime_get_ns();
	if (now - state->told_ns < TELL_NS)
		return false;
	state->told_ns = now;
	rss_tell(mm, state, pages, now);
	return true;
}

/* For the gate's next look: what it goes by to see a huge page come. */
static __always_inline __s32 pages_seen(struct mm_struct *mm, int member, __s64 folded)
{
	return (__s32)folded +
	       (knob_huge_in_parts ? rss_part_here(mm, member, bpf_get_smp_processor_id()) : 0);
}

/* Whoever gives so much up at once has just done so: nothing is known of before. */
static __always_inline bool may_have_folded(struct mm_struct *mm, int member)
{
	return !rss_is_percpu() || knob_huge_in_parts ||
	       !rss_part_here(mm, member, bpf_get_smp_processor_id());
}

/* The gate is another mm's: whether a huge page has come cannot be told by what has come since. Not
 * inlined, for the sake of the stack, as rss_moved(). */
static __noinline int take_gate(struct gate *gate, struct mm_struct *mm, int member)
{
	gate->mm = (__u64)mm;
	gate->step_pages = knob_step_pages;
	rss_folded_direct_all(mm, gate->pages);
#pragma unroll
	for (int other = 0; other < RSS_MEMBERS; other++)
		gate->seen[other] = pages_seen(mm, other, gate->pages[other]);
	return knob_huge_bytes && may_have_folded(mm, member) ? HUGE_PERHAPS : HUGE_NOT;
}

/* What others gave back meanwhile hides it; small pages are folded by few at a time. */
static __always_inline int guess_huge(int member, __s32 came)
{
	if (came > HALF_HUGE)
		return HUGE_BY_COUNT;
	return member == RSS_ANON && (came < 0 || came > HALF_HUGE >> 2) ? HUGE_PERHAPS : HUGE_NOT;
}

/*
 * Called with a constant member, so that every load has a constant offset. Movement by less than a
 * step since the gate last opened stays in front of it: the next pass sums it exactly.
 */
static __always_inline bool passes_gate(struct gate *gate, struct mm_struct *mm, int member,
					int *huge)
{
	__s64 pages = rss_folded_direct(mm, member), moved;
	__s32 seen;

	if (gate->mm == (__u64)mm) {
		seen = pages_seen(mm, member, pages);
		if (seen == gate->seen[member])
			return false;
		*huge = guess_huge(member, seen - gate->seen[member]);
		gate->seen[member] = seen;
		moved = pages - gate->pages[member];
		if (!movers)
			movers = 1;
		if (moved < gate->step_pages && -moved < gate->step_pages)
			return false;
		gate->pages[member] = pages;
		return true;
	}
	if (!movers)
		movers = 1;
	*huge = take_gate(gate, mm, member);
	return true;
}

/* Is current within a page fault that was chosen? */
static __always_inline bool is_noted(struct mm_struct *mm)
{
	__u64 task = bpf_get_current_task();
	const struct note *note = note_of(task);

	return note->task == task && note->mm == (__u64)mm;
}

SEC("?tp_btf/rss_stat")
int BPF_PROG(on_rss_stat, struct mm_struct *mm, int member)
{
	struct gate *gate = gate_here();
	int huge = HUGE_NOT;
	bool passes;

	if (member == RSS_ANON)
		passes = passes_gate(gate, mm, RSS_ANON, &huge);
	else if (member == RSS_FILE)
		passes = passes_gate(gate, mm, RSS_FILE, &huge);
	else if (member == RSS_SHMEM)
		passes = passes_gate(gate, mm, RSS_SHMEM, &huge);
	else
		passes = passes_gate(gate, mm, RSS_SWAP, &huge);
	if (knob_sample_bytes) {
		bool is_huge = knob_huge_bytes && huge && sample_come_huge(mm, member, huge);

		if (!is_huge && is_noted(mm))
			sample_come(member);
	}
	if (!passes)
		return 0;
	if (rss_moved(mm))
		gate->step_pages = knob_step_pages;
	else if (gate->step_pages < GATE_STEP_MAX)
		gate->step_pages *= 2;
	return 0;
}

/* Behind it the task has another mm: what this one has risen by since it was last told, nobody
 * would know. (Not of one that it shares with who started it: that lives on.) */
SEC("?tp_btf/sched_prepare_exec")
int BPF_PROG(on_prepare_exec, struct task_struct *task)
{
	struct mm_struct *mm = BPF_CORE_READ(task, mm);
	__u64 key = (__u64)mm;
	struct mm_state *state;
	__s64 pages[RSS_MEMBERS];
	struct memory memory;

	if (!mm)
		return 0;
	state = bpf_map_lookup_elem(&mms, &key);
	if (!state || state->owner.pid != BPF_CORE_READ(task, tgid) || !rss_exact(mm, pages))
		return 0;
	memory_fill(&memory, mm, pages);
	if (tell_rss(state, &memory, RSS_EXACT))
		state->told = 1;
	return 0;
}

/* The very end of an mm: whoever held it holds nothing any more. */
static __always_inline int tell_end(struct mm_struct *mm)
{
	struct memory nothing = {};
	struct mm_state *state;
	__u64 key = (__u64)mm;

	state = bpf_map_lookup_elem(&mms, &key);
	if (!state)
		return 0;
	if (state->told) {
		tell_rss(state, &nothing, RSS_EXACT | RSS_GONE);
		/* The last process of a cgroup takes its memory along; nobody else would tell. It
		 * need not be current: the OOM reaper may have held the mm for longer. */
		memcg_tell_known(state->memcg, state->cgroup_id);
	}
	bpf_map_delete_elem(&mms, &key);
	return 0;
}

SEC("?tp_btf/exit_mmap")
int BPF_PROG(on_exit_mmap, struct mm_struct *mm)
{
	tell_end(mm);
	deputy_done(DEPUTIZED_EXIT_MMAP, mm);
	return 0;
}

#define X(number)                                                        \
	SEC("?tp_btf/exit_mmap")                                         \
	int BPF_PROG(on_exit_mmap_##number, struct mm_struct *mm)        \
	{                                                                \
		if (deputy_stands_in(DEPUTIZED_EXIT_MMAP, mm, number)) { \
			tell_end(mm);                                    \
			deputy_done(DEPUTIZED_EXIT_MMAP, mm);            \
		}                                                        \
		return 0;                                                \
	}
DEPUTIES(X)
#undef X
