/* SPDX-License-Identifier: GPL-2.0-only */
#include "sample.bpf.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#include "rss.bpf.h"
#include "task.bpf.h"
#include "thin.bpf.h"

struct ring stacks SEC(".maps");
struct stack_rooms_map stack_rooms SEC(".maps");
struct waker stacks_waker = {.bytes = 256 << 10};
__u64 stack_losses = 0;
__u64 paces[PACES][sizeof(struct pace) / 8] __attribute__((aligned(64))) = {};

/* --- the stack ---------------------------------------------------------------------------------
 */

/* 1 where reading has failed; without a branch, of which two a page are more ways through the
 * program than a verifier follows. */
static __always_inline __u64 failed(long error)
{
	return (__u64)error >> 63;
}

/* Where the stack ends is known of a process's first thread only: 0: not known, or it runs on
 * another one. */
static __always_inline __u64 end_of_stack(__u64 from)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	__u64 end = BPF_CORE_READ(task, mm, start_stack);

	return BPF_CORE_READ(task, pid) == BPF_CORE_READ(task, tgid) && from <= end ? end : 0;
}

/* From `from` to the end of its page, then whole pages up to the stack's `end`; the verifier wants
 * constant places for all of it. What nobody has touched yet is not there, as the middle of a large
 * buffer: the callers beyond it are. Behind the end nothing is looked for: to find that nothing is
 * there costs a page fault a page. */
static __always_inline void copy_stack(struct stack_sample *sample, __u64 from, __u64 end,
				       int pages)
{
	const __u64 needed = end ? end / STACK_PAGE_BYTES - from / STACK_PAGE_BYTES + 1 : pages;
	__u32 inside = from & (STACK_PAGE_BYTES - 1), first = STACK_PAGE_BYTES - inside;
	__u64 missing;

	missing = failed(bpf_probe_read_user(sample->stack + inside,
					     first & (STACK_PAGE_BYTES - 1) ?: STACK_PAGE_BYTES,
					     (void *)from));
	for (int page = 1; page < pages; page++) {
		if (page >= needed) {
			missing |= (1ULL << pages) - (1ULL << page);
			break;
		}
		missing |= failed(bpf_probe_read_user(
				   sample->stack + page * STACK_PAGE_BYTES, STACK_PAGE_BYTES,
				   (void *)(from - inside) + page * STACK_PAGE_BYTES))
			   << page;
	}
	sample->stack_from = from;
	sample->stack_bytes = pages * STACK_PAGE_BYTES - inside;
	sample->stack_missing = missing;
}

/* Is there stack beyond the room? */
static __always_inline bool is_cut(const struct stack_sample *sample, __u64 end, int pages)
{
	return !end || !(sample->stack_missing >> (pages - 1) & 1) ||
	       sample->stack_from + sample->stack_bytes <= end;
}

#if defined(__TARGET_ARCH_x86)
#define USER_REGISTERS 21
#define STACK_POINTER  19
#define STACK_BELOW    128 /* the red zone */
#else
#define USER_REGISTERS 34
#define STACK_POINTER  31
#define STACK_BELOW    0
#endif

/* What has come, and by whom it is found in the table. */
struct arrival {
	__u64 id; /* of the sample */
	__u64 mm_id;
	__u64 address;
	__u64 block_bytes;
	__s32 pages[RSS_MEMBERS];
	__u32 flags;
	__u32 pid;
};

static __always_inline bool fill_sample(struct stack_sample *sample, const struct arrival *arrival,
					int room_pages)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	void *regs = user_registers();
	const __u32 room_bytes = (__u32)room_pages * STACK_PAGE_BYTES;
	__u64 sp, end;
	char byte;

	sample->header.size_bytes = sizeof(*sample) + room_bytes;
	sample->header.kind = STACK_SAMPLE_TAKEN;
	sample->header.time_ns = bpf_ktime_get_ns();
	sample->header.id = arrival->id;
	task_identify(&sample->task, task);
	sample->mm_id = arrival->mm_id;
	sample->address = arrival->address;
	sample->block_bytes = arrival->block_bytes;
	__builtin_memcpy(sample->pages, arrival->pages, sizeof(sample->pages));
	sample->flags = arrival->flags | (is_in_exec(task) ? STACK_SAMPLE_EXEC : 0);
	if (bpf_probe_read_kernel(sample->registers, 8 * USER_REGISTERS, regs))
		return false;
	sample->kernel_frames = sample->flags & STACK_SAMPLE_KERNEL
					? kernel_stack(sample->kernel, sizeof(sample->kernel))
					: 0;
	sp = sample->registers[STACK_POINTER];
	/* The red zone may reach into a page that nobody has touched. */
	if (STACK_BELOW && !bpf_probe_read_user(&byte, 1, (void *)sp - STACK_BELOW))
		sp -= STACK_BELOW;
	end = end_of_stack(sp);
	copy_stack(sample, sp, end, room_pages);
	if (is_cut(sample, end, room_pages))
		sample->flags |= STACK_SAMPLE_CUT;
	return true;
}

/* A function for each size: the verifier wants every place in a record to be constant. */
#define X(class, room_pages)                                                          \
	static __noinline int emit_sample_##class(const struct arrival *arrival)      \
	{                                                                             \
		struct stack_sample *sample = bpf_ringbuf_reserve(                    \
			&stacks, sizeof(*sample) + (room_pages)*STACK_PAGE_BYTES, 0); \
                                                                                      \
		if (!sample) {                                                        \
			__sync_fetch_and_add(&stack_losses, 1);                       \
			return 0;                                                     \
		}                                                                     \
		if (!fill_sample(sample, arrival, room_pages)) {                      \
			bpf_ringbuf_discard(sample, BPF_RB_NO_WAKEUP);                \
			return 0;                                                     \
		}                                                                     \
		bpf_ringbuf_submit(sample, wakeup(stacks));                           \
		return 1;                                                             \
	}
STACK_CLASSES(X)
#undef X

/* The class whose room holds a process's first thread's whole stack, which ends where that of the
 * process began; of any other stack nothing is known. */
static __always_inline __u32 class_needed(void)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	__u64 end = BPF_CORE_READ(task, mm, start_stack) / STACK_PAGE_BYTES, sp = 0, further;

	if (BPF_CORE_READ(task, pid) != BPF_CORE_READ(task, tgid) ||
	    bpf_probe_read_kernel(&sp, sizeof(sp), user_registers() + 8 * STACK_POINTER))
		return STACK_CLASS_LAST;
	/* Below zero: it runs on another stack, further up. */
	further = end - (sp - STACK_BELOW) / STACK_PAGE_BYTES;
	return further < 2 ? 0 : further < 4 ? 1 : further < 8 ? 2 : 3;
}

static __always_inline int emit_sample(const struct arrival *arrival)
{
	__u32 slot = arrival->pid & (STACK_ROOMS - 1), class, needed = class_needed();
	__u64 *room = bpf_map_lookup_elem(&stack_rooms, &slot);

	class = room && *room >> 32 == arrival->pid ? (__u32)*room : STACK_CLASS_USUAL;
	switch (needed < class ? needed : class) {
#define X(number, room_pages) \
	case number:          \
		return emit_sample_##number(arrival);
		STACK_CLASSES(X)
#undef X
	default:
		return 0;
	}
}

/* --- what came ----------------------------------------------------------------------------- */

/* Where no exit_mmap tells of an mm's end, its address may have become that of another process's,
 * which nobody may follow; rss_stat finds that out once it has moved. */
static __always_inline bool is_anothers(struct mm_struct *mm, const struct mm_state *state)
{
	struct task_struct *owner;

	if (!knob_addresses_reused)
		return false;
	owner = mm_owner(mm) ?: (struct task_struct *)bpf_get_current_task();
	return BPF_CORE_READ(owner, tgid) != state->owner.pid ||
	       BPF_CORE_READ(owner, group_leader, start_time) != state->owner.start_ns;
}

/* The id of the sample, or 0: none could be taken. */
__hidden __noinline __u64 sample_take(struct mm_struct *mm, __u64 address, __u32 flags,
				      const __s32 pages[RSS_MEMBERS], __u64 block_bytes)
{
	struct arrival arrival = {.address = address, .flags = flags, .block_bytes = block_bytes};
	struct mm_state *state;
	struct pace *pace = pace_here();
	__u64 key = (__u64)mm, now = bpf_ktime_get_ns();
	__u32 thinned = thinned_now(pace, now);

	state = bpf_map_lookup_elem(&mms, &key);
	if (!state || is_anothers(mm, state))
		return 0;
	if (thinned && !is_kept(address, block_bytes, thinned, now))
		return 0;
	pace->taken++;
	arrival.block_bytes <<= thinned;
	arrival.id = mm_id_new();
	arrival.mm_id = state->mm_id;
	arrival.pid = bpf_get_current_pid_tgid() >> 32;
	__builtin_memcpy(arrival.pages, pages, sizeof(arrival.pages));
	return emit_sample(&arrival) ? arrival.id : 0;
}

/* A page of a file brings those around it, an anonymous one may have been in swap: each is counted
 * by itself, a moment later. */
__hidden __noinline int sample_tell_more(__u64 id, const __s32 pages[RSS_MEMBERS])
{
	struct stack_sample_more *more;

	more = bpf_ringbuf_reserve(&stacks, sizeof(*more), 0);
	if (!more) {
		__sync_fetch_and_add(&stack_losses, 1);
		return 0;
	}
	more->header.size_bytes = sizeof(*more);
	more->header.kind = STACK_SAMPLE_MORE;
	more->header.time_ns = bpf_ktime_get_ns();
	more->header.id = id;
	__builtin_memcpy(more->pages, pages, sizeof(more->pages));
	bpf_ringbuf_submit(more, BPF_RB_NO_WAKEUP);
	return 0;
}

__hidden __noinline int sample_victim(__u32 pid)
{
	struct stack_sample_victim *victim;

	if (!knob_sample_bytes)
		return 0;
	victim = bpf_ringbuf_reserve(&stacks, sizeof(*victim), 0);
	if (!victim) {
		__sync_fetch_and_add(&stack_losses, 1);
		return 0;
	}
	victim->header.size_bytes = sizeof(*victim);
	victim->header.kind = STACK_SAMPLE_VICTIM;
	victim->header.time_ns = bpf_ktime_get_ns();
	victim->header.id = 0;
	victim->pid = pid;
	victim->reserved = 0;
	bpf_ringbuf_submit(victim, BPF_RB_FORCE_WAKEUP);
	return 0;
}
