/* SPDX-License-Identifier: GPL-2.0-only */
#include "sample.bpf.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#include "gate.bpf.h"
#include "rss.bpf.h"
#include "task.bpf.h"

/* Hardware's word on a page fault, x86 only. */
#define FAULT_PROTECTION 1 /* the page was there, and may not be used so */
#define FAULT_WRITE      2

/* What a fault that reads maps of a file at most, what is cached of it: aligned in the address
 * space (do_fault_around() in the kernel, fault_around_bytes). */
#define AROUND_BYTES     65536

struct ring stacks SEC(".maps");
struct stack_rooms_map stack_rooms SEC(".maps");
__u64 stack_losses = 0;

/* What came, or was asked for, on this CPU last. */
struct note {
	__u64 task;
	__u64 mm;
	__u64 address;
	__u64 id;                  /* of the sample once it has been taken; 0: not yet */
	__s64 folded[RSS_MEMBERS]; /* pages, when the note was left; then, as last told */
	__s32 part[RSS_MEMBERS];
	__u64 faults; /* of the task, that are over: the same number is the same page fault */
	__u32 flags;  /* enum stack_sample_flag */
	__u32 pid;    /* of the thread */
	__u32 events; /* of the task, as rss_thread_events() */
	__u32 reserved;
};

__u64 notes[GATES][sizeof(struct note) / 8] = {};

/* The same of a page fault that may bring a huge page. To clear one takes so long that others run
 * on the CPU meanwhile: kept by task. */
struct huge_note {
	__u64 mm;
	__u64 address;
	__u64 faults;
	__s64 folded[RSS_MEMBERS];
	__u32 flags;
	__u32 reserved;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, __u64); /* task */
	__type(value, struct huge_note);
} huge_notes SEC(".maps");

/* --- choosing -------------------------------------------------------------------------------- */

static __always_inline __u64 mix(__u64 value)
{
	value *= 0x9e3779b97f4a7c15ULL;
	return value ^ value >> 29;
}

/* The one page of each block; their numbers are powers of two. */
static __always_inline bool is_chosen(__u64 page)
{
	__u64 pages_in_block = knob_sample_bytes / knob_page_bytes;

	return (mix(page / pages_in_block) & (pages_in_block - 1)) == (page & (pages_in_block - 1));
}

/*
 * A fault that reads a page of a file brings those around it as well: weighed as whole blocks, few
 * of them would be all there is. So the stretch around is chosen that has the block's page in it,
 * as many times more often as it is larger, and each page weighs as much less.
 */
static __always_inline __u64 pages_around(void)
{
	__u64 block = knob_sample_bytes / knob_page_bytes, around = AROUND_BYTES / knob_page_bytes;

	return around < block ? around : block;
}

static __always_inline bool is_around_chosen(__u64 page)
{
	__u64 block = knob_sample_bytes / knob_page_bytes, around = pages_around();

	return (mix(page / block) & (block - 1)) / around == (page & (block - 1)) / around;
}

static __always_inline __u64 around_block_bytes(void)
{
	return knob_sample_bytes / pages_around();
}

/*
 * A huge page comes by one fault, at whatever address was touched: choosing by that would count one
 * in a block's pages as a block of huge pages. Which fault brings one nobody knows before it has
 * come; but it is the first fault in that stretch of the address space. So the first one there
 * leaves a note of its own kind, and huge pages are chosen by the stretch: all of them where a
 * block is no larger.
 */
static __always_inline bool is_huge_chosen(__u64 address)
{
	__u64 stretch = address / knob_huge_bytes, in_block = knob_sample_bytes / knob_huge_bytes;

	return in_block <= 1 ||
	       (mix(stretch / in_block) & (in_block - 1)) == (stretch & (in_block - 1));
}

/* --- the counters as this CPU sees them --------------------------------------------------------
 */

static __always_inline __s32 part_here(struct mm_struct *mm, int member, __u32 cpu)
{
	__s32 value = 0;

	bpf_probe_read_kernel(&value, sizeof(value),
			      (void *)rss_percpu_part(mm, member) +
				      cpu_offset[cpu & (MAX_CPUS - 1)]);
	return value;
}

/*
 * Pages that came on this CPU since the note was left. What this CPU holds back tells it alone; but
 * where that was folded meanwhile, the shared part has to be asked as well, and what other CPUs
 * folded in the same microsecond is in it.
 */
static __always_inline __s32 came(struct mm_struct *mm, const struct note *note, int member,
				  __u32 cpu, __s64 folded)
{
	__s32 held = part_here(mm, member, cpu) - note->part[member];

	return held > 0 || (held == 0 && folded == note->folded[member])
		       ? held
		       : held + (__s32)(folded - note->folded[member]);
}

static __always_inline void set_parts(struct note *note, struct mm_struct *mm, __u32 cpu)
{
#pragma unroll
	for (int member = 0; member < RSS_MEMBERS; member++)
		note->part[member] = part_here(mm, member, cpu);
}

static __always_inline void set_told(struct note *note, struct mm_struct *mm, __u32 cpu,
				     const __s64 folded[RSS_MEMBERS])
{
	__builtin_memcpy(note->folded, folded, sizeof(note->folded));
	set_parts(note, mm, cpu);
}

/* --- a fault -----------------------------------------------------------------------------------
 */

static __always_inline __u64 faults_of(const struct task_struct *task)
{
	return BPF_CORE_READ(task, min_flt) + BPF_CORE_READ(task, maj_flt);
}

static __noinline int note_huge(__u64 address, __u32 flags)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct mm_struct *mm = BPF_CORE_READ(task, mm);
	struct huge_note note = {};
	__u64 key = (__u64)task;

	if (!mm)
		return 0;
	note.mm = (__u64)mm;
	note.address = address & -(__u64)knob_page_bytes;
	note.faults = faults_of(task);
	note.flags = flags;
	rss_folded(mm, note.folded);
	/* It replaces the oldest one, and never fails for want of room. */
	bpf_map_update_elem(&huge_notes, &key, &note, BPF_ANY);
	return 0;
}

/* The first fault in a stretch, as far as this CPU has seen. */
static __always_inline void note_huge_first(struct gate *gate, struct task_struct *task,
					    __u64 address, __u32 flags)
{
	/* Of this task: in another address space it is another stretch. */
	__u64 stretch = knob_huge_bytes ? address / knob_huge_bytes ^ (__u64)task : 0;

	if (gate->stretch == stretch)
		return;
	gate->stretch = stretch;
	if (is_huge_chosen(address))
		note_huge(address, flags);
}

static __always_inline int note_fault(__u64 address, __u32 flags)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct gate *gate = gate_here();
	struct mm_struct *mm;
	struct note *note;
	__u32 cpu;

	if (gate->noted)
		gate->noted = 0;
	note_huge_first(gate, task, address, flags);
	if (!(flags & STACK_SAMPLE_READ ? is_around_chosen(address / knob_page_bytes)
					: is_chosen(address / knob_page_bytes)))
		return 0;
	mm = BPF_CORE_READ(task, mm);
	if (!mm)
		return 0;
	cpu = bpf_get_smp_processor_id();
	note = (struct note *)notes[cpu & (GATES - 1)];
	note->task = (__u64)task;
	note->mm = (__u64)mm;
	note->address = address & -(__u64)knob_page_bytes;
	note->id = 0;
	note->flags = flags;
	note->faults = faults_of(task);
	rss_folded(mm, note->folded);
	set_parts(note, mm, cpu);
	gate->noted = (__u64)mm;
	return 0;
}

/* --- the stack ---------------------------------------------------------------------------------
 */

/* From the stack pointer to the end of its page, then whole pages; the verifier wants constant
 * places for all of it. Returns how many bytes could be read. */
static __always_inline __u32 copy_stack(__u8 *room, __u64 sp, int pages)
{
	__u32 inside = sp & (STACK_PAGE_BYTES - 1), first = STACK_PAGE_BYTES - inside;
	__u32 bytes;

	if (bpf_probe_read_user(room + inside, first & (STACK_PAGE_BYTES - 1) ?: STACK_PAGE_BYTES,
				(void *)sp))
		return 0;
	bytes = first;
	for (int page = 1; page < pages; page++) {
		if (bpf_probe_read_user(room + page * STACK_PAGE_BYTES, STACK_PAGE_BYTES,
					(void *)(sp - inside) + page * STACK_PAGE_BYTES))
			return bytes;
		bytes += STACK_PAGE_BYTES;
	}
	return bytes;
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
	__u64 from;

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
	from = sample->registers[STACK_POINTER] - STACK_BELOW;
	sample->stack_from = from;
	sample->stack_bytes = copy_stack(sample->stack, from, room_pages);
	if (sample->stack_bytes + (from & (STACK_PAGE_BYTES - 1)) == room_bytes)
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
		bpf_ringbuf_submit(sample, wakeup(&stacks));                          \
		return 1;                                                             \
	}
STACK_CLASSES(X)
#undef X

static __always_inline int emit_sample(const struct arrival *arrival)
{
	__u32 slot = arrival->pid & (STACK_ROOMS - 1);
	__u64 *room = bpf_map_lookup_elem(&stack_rooms, &slot);

	switch (room && *room >> 32 == arrival->pid ? (__u32)*room : 0) {
#define X(number, room_pages) \
	case number:          \
		return emit_sample_##number(arrival);
		STACK_CLASSES(X)
#undef X
	default:
		return 0;
	}
}

/* --- how many are taken ----------------------------------------------------------------------- */

#define THINNED_MAX  10
#define THIN_MORE_NS 5000000ULL /* what was taken before has to be read first */
#define THIN_LESS_NS 1000000000ULL

/* Its threads do this at the same time: what was decided by is what is weighed by. */
static __always_inline __u32 adapt(struct mm_state *state)
{
	__u64 waiting = bpf_ringbuf_query(&stacks, BPF_RB_AVAIL_DATA);
	__u64 now = bpf_ktime_get_ns(), since = now - state->thinned_ns;

	if (waiting > knob_stacks_bytes / 4 && state->thinned < THINNED_MAX &&
	    since > THIN_MORE_NS) {
		state->thinned++;
		state->thinned_ns = now;
	} else if (state->thinned && waiting < knob_stacks_bytes / 16 && since > THIN_LESS_NS) {
		state->thinned--;
		state->thinned_ns = now;
	}
	return *(volatile __u32 *)&state->thinned & 31;
}

/* One of so many blocks that follow each other. */
static __always_inline bool is_kept(__u64 address, __u64 block_bytes, __u32 thinned)
{
	__u64 mask = (1ULL << thinned) - 1;
	__u64 block = address / (block_bytes < AROUND_BYTES ? AROUND_BYTES : block_bytes);

	return ((mix(block >> thinned) ^ block) & mask) == 0;
}

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
static __noinline __u64 take_sample(struct mm_struct *mm, __u64 address, __u32 flags,
				    const __s32 pages[RSS_MEMBERS], __u64 block_bytes)
{
	struct arrival arrival = {.address = address, .flags = flags, .block_bytes = block_bytes};
	struct mm_state *state;
	__u64 key = (__u64)mm;
	__u32 thinned;

	state = bpf_map_lookup_elem(&mms, &key);
	if (!state || is_anothers(mm, state))
		return 0;
	thinned = adapt(state);
	if (!is_kept(address, block_bytes, thinned))
		return 0;
	arrival.block_bytes <<= thinned;
	arrival.id = mm_id_new();
	arrival.mm_id = state->mm_id;
	arrival.pid = bpf_get_current_pid_tgid() >> 32;
	__builtin_memcpy(arrival.pages, pages, sizeof(arrival.pages));
	return emit_sample(&arrival) ? arrival.id : 0;
}

/* No other way brings so many by one fault. */
static __always_inline bool is_huge(const __s32 pages[RSS_MEMBERS])
{
	const __s32 half = (__s32)(knob_huge_bytes / knob_page_bytes / 2);

	return knob_huge_bytes &&
	       (pages[RSS_ANON] > half || pages[RSS_FILE] > half || pages[RSS_SHMEM] > half);
}

/* Of each of its pages. */
static __always_inline __u64 huge_block_bytes(void)
{
	return knob_sample_bytes <= knob_huge_bytes
		       ? knob_page_bytes
		       : knob_sample_bytes / knob_huge_bytes * knob_page_bytes;
}

/* A page of a file brings those around it, an anonymous one may have been in swap: each is counted
 * by itself, a moment later. */
static __noinline int tell_more(struct note *note, const __s32 pages[RSS_MEMBERS])
{
	struct stack_sample_more *more;

	if (!(note->flags & STACK_SAMPLE_EARLY) && !pages[RSS_ANON] && !pages[RSS_FILE] &&
	    !pages[RSS_SHMEM] && !pages[RSS_SWAP])
		return 0;
	more = bpf_ringbuf_reserve(&stacks, sizeof(*more), 0);
	if (!more) {
		__sync_fetch_and_add(&stack_losses, 1);
		return 0;
	}
	more->header.size_bytes = sizeof(*more);
	more->header.kind = STACK_SAMPLE_MORE;
	more->header.time_ns = bpf_ktime_get_ns();
	more->header.id = note->id;
	__builtin_memcpy(more->pages, pages, sizeof(more->pages));
	bpf_ringbuf_submit(more, BPF_RB_NO_WAKEUP);
	return 0;
}

/* What one page fault may have brought, and no other way of growing. */
static __always_inline bool is_of_one_fault(const __s32 pages[RSS_MEMBERS])
{
	const __s32 around = (__s32)(AROUND_BYTES / knob_page_bytes) ?: 1;

	return pages[RSS_ANON] >= -1 && pages[RSS_ANON] <= 1 && pages[RSS_SWAP] >= -1 &&
	       pages[RSS_SWAP] <= 0 && pages[RSS_FILE] >= -1 && pages[RSS_FILE] <= around &&
	       pages[RSS_SHMEM] >= -1 && pages[RSS_SHMEM] <= around;
}

static __always_inline bool is_any(const __s32 pages[RSS_MEMBERS])
{
	return pages[RSS_ANON] || pages[RSS_FILE] || pages[RSS_SHMEM] || pages[RSS_SWAP];
}

/* Since the note was left, by what the thread holds back: 1: exactly; 0: at least, for it was
 * folded as the page fault began; -1: nobody can tell. */
static __always_inline int came_by_thread(const struct note *note, __s32 pages[RSS_MEMBERS])
{
	struct task_struct *task = (struct task_struct *)note->task;
	const __u32 events = rss_thread_events(task);
	/* One a page fault, two where that was tried twice. */
	const bool is_whole = events - note->events - 1 <= 1;

	if (!is_whole && events > 1)
		return -1;
#pragma unroll
	for (int member = 0; member < RSS_MEMBERS; member++)
		pages[member] = rss_thread_part(task, member) - (is_whole ? note->part[member] : 0);
	return is_whole;
}

/* By what this CPU holds back: of a process of one thread, and of what it has given back meanwhile
 * nothing is known. */
static __always_inline int came_by_cpu(const struct note *note, __u32 cpu, __s32 pages[RSS_MEMBERS])
{
	struct mm_struct *mm = (struct mm_struct *)note->mm;
	__s64 folded[RSS_MEMBERS];

	if (!cpu_offsets_known || BPF_CORE_READ(mm, mm_users.counter) != 1)
		return -1;
	rss_folded(mm, folded);
#pragma unroll
	for (int member = 0; member < RSS_MEMBERS; member++)
		pages[member] = came(mm, note, member, cpu, folded[member]);
	return 0;
}

/*
 * The sample was taken before its page came: what has come is known once that page fault is over,
 * and until the next one is. The thread may have ended meanwhile; its memory then says nothing that
 * fits.
 */
__noinline int settle_early(__u32 cpu)
{
	struct note *note = (struct note *)notes[cpu & (GATES - 1)];
	struct task_struct *task = (struct task_struct *)note->task;
	__u64 faults = faults_of(task);
	__s32 pages[RSS_MEMBERS] = {};
	int known;

	/* Not over yet. */
	if (faults == note->faults)
		return 0;
	gate_here()->noted = 0;
	if (faults != note->faults + 1 || BPF_CORE_READ(task, pid) != note->pid)
		return 0;
	if (rss_is_percpu())
		known = came_by_cpu(note, cpu, pages);
	else
		known = came_by_thread(note, pages);
	if (known < 0 || (!known && !is_any(pages)) || !is_of_one_fault(pages))
		return 0;
	return tell_more(note, pages);
}

__noinline int sample_come(__u32 cpu)
{
	struct note *note = (struct note *)notes[cpu & (GATES - 1)];
	struct mm_struct *mm = (struct mm_struct *)note->mm;
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	__s64 folded[RSS_MEMBERS];
	__s32 pages[RSS_MEMBERS];

	if (note->flags & STACK_SAMPLE_EARLY)
		return settle_early(cpu);
	/* Nobody leaves other notes then. */
	if (!rss_is_percpu())
		return 0;
	if (note->task != (__u64)task || note->faults != faults_of(task))
		return 0;
	rss_folded(mm, folded);
#pragma unroll
	for (int member = 0; member < RSS_MEMBERS; member++)
		pages[member] = came(mm, note, member, cpu, folded[member]);
	if (note->id) {
		tell_more(note, pages);
		set_told(note, mm, cpu, folded);
		return 0;
	}
	if (pages[RSS_ANON] <= 0 && pages[RSS_FILE] <= 0 && pages[RSS_SHMEM] <= 0)
		return 0;
	if (is_huge(pages))
		return 0; /* sample_huge() knows how to weigh it */
	note->id = take_sample(mm, note->address, note->flags, pages,
			       note->flags & STACK_SAMPLE_READ ? around_block_bytes()
							       : knob_sample_bytes);
	set_told(note, mm, cpu, folded);
	return 0;
}

/*
 * Counters alone do not tell: while a thread waited within its page fault, others of its process
 * may have brought as much. But a huge page is mapped as a whole before it is counted, where a
 * moment ago there was nothing. (Of a file it is counted first; there user space looks.)
 */
static __always_inline bool is_mapped(__u64 address, __u64 offset)
{
	__u64 place = (address & -knob_huge_bytes) + offset;
	__u8 byte;

	return (place & -(__u64)knob_page_bytes) == address ||
	       !bpf_probe_read_user(&byte, sizeof(byte), (void *)place);
}

static __always_inline bool is_mapped_whole(__u64 address)
{
	return is_mapped(address, 0) && is_mapped(address, knob_huge_bytes / 2) &&
	       is_mapped(address, knob_huge_bytes - 1);
}

__noinline int sample_huge(void)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct mm_struct *mm = BPF_CORE_READ(task, mm);
	__u64 key = (__u64)task;
	struct huge_note *note = bpf_map_lookup_elem(&huge_notes, &key);
	__s64 folded[RSS_MEMBERS];
	__s32 pages[RSS_MEMBERS];

	if (!note || note->mm != (__u64)mm || note->faults != faults_of(task))
		return 0;
	rss_folded(mm, folded);
#pragma unroll
	for (int member = 0; member < RSS_MEMBERS; member++)
		pages[member] = (__s32)(folded[member] - note->folded[member]);
	if (!is_huge(pages) || (pages[RSS_ANON] > (__s32)(knob_huge_bytes / knob_page_bytes / 2) &&
				!is_mapped_whole(note->address)))
		return 0;

		/* What others brought meanwhile, on whatever CPU, is not of this page fault. */
#pragma unroll
	for (int member = 0; member < RSS_MEMBERS; member++)
		pages[member] = pages[member] > (__s32)(knob_huge_bytes / knob_page_bytes / 2)
					? (__s32)(knob_huge_bytes / knob_page_bytes)
					: 0;
	note->mm = 0;
	/* The same stretch may be given back, and touched again. */
	gate_here()->stretch = 0;
	take_sample(mm, note->address, note->flags, pages, huge_block_bytes());
	return 0;
}

/* --- page faults ------------------------------------------------------------------------------ */

static __always_inline bool is_of_kernel(__u64 address)
{
	/* vmalloc and the like: not the memory of a process. */
	return (__s64)address < 0;
}

/*
 * We read stacks to where they end, and so does everybody else who is told of page faults, often
 * within one: on x86 the tracepoint tells of such a look like of any page fault, before the kernel
 * sees that nothing may come by it.
 */
static __always_inline bool is_only_a_look(void)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();

	return BPF_CORE_READ(task, pagefault_disabled);
}

static __always_inline __u32 flags_of_error(__u64 error)
{
	return error & FAULT_WRITE ? 0 : STACK_SAMPLE_READ;
}

/* Where rss_stat tells of every page (since 6.2). */
SEC("?tp_btf/page_fault_user")
int BPF_PROG(on_page_fault_user, unsigned long address, void *regs, unsigned long error)
{
	return note_fault(address, flags_of_error(error));
}

SEC("?tp_btf/page_fault_kernel")
int BPF_PROG(on_page_fault_kernel, unsigned long address, void *regs, unsigned long error)
{
	return is_of_kernel(address) || is_only_a_look()
		       ? 0
		       : note_fault(address, STACK_SAMPLE_KERNEL | flags_of_error(error));
}

static __always_inline void leave_early_note(__u64 address, __u32 flags, __u64 id)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	__u32 cpu = bpf_get_smp_processor_id();
	struct note *note = (struct note *)notes[cpu & (GATES - 1)];
	struct mm_struct *mm = BPF_CORE_READ(task, mm);

	note->task = (__u64)task;
	note->mm = (__u64)mm;
	note->address = address;
	note->id = id;
	note->flags = flags;
	note->faults = faults_of(task);
	note->pid = BPF_CORE_READ(task, pid);
	note->events = rss_thread_events(task);
	if (rss_is_percpu()) {
		rss_folded(mm, note->folded);
		set_parts(note, mm, cpu);
	} else {
#pragma unroll
		for (int member = 0; member < RSS_MEMBERS; member++)
			note->part[member] = rss_thread_part(task, member);
	}
	gate_here()->noted = (__u64)mm;
}

/*
 * Where it does not, the sample is taken before the page has come, and the same thread's next page
 * fault tells what it brought, or its counters being folded; user space looks where neither does.
 */
static __always_inline int sample_early(__u64 address, __u32 flags)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct mm_struct *mm = BPF_CORE_READ(task, mm);
	__u32 cpu = bpf_get_smp_processor_id();
	struct gate *gate = gate_here();
	const __s32 none[RSS_MEMBERS] = {};
	__u64 id;

	if (!mm)
		return 0;
	if (gate->noted && ((struct note *)notes[cpu & (GATES - 1)])->task == (__u64)task)
		settle_early(cpu);
	note_huge_first(gate, task, address, flags);
	if (!(flags & STACK_SAMPLE_READ ? is_around_chosen(address / knob_page_bytes)
					: is_chosen(address / knob_page_bytes)))
		return 0;
	address &= -(__u64)knob_page_bytes;
	flags |= STACK_SAMPLE_EARLY;
	/* There is room for one. */
	if (gate->noted)
		settle_early(cpu);
	id = take_sample(mm, address, flags, none,
			 flags & STACK_SAMPLE_READ ? around_block_bytes() : knob_sample_bytes);
	if (id)
		leave_early_note(address, flags, id);
	return 0;
}

static __always_inline int sample_by_error(__u64 address, __u32 flags, __u64 error)
{
	if (error & FAULT_PROTECTION)
		flags |= STACK_SAMPLE_THERE;
	return sample_early(address, flags | flags_of_error(error));
}

SEC("?tp_btf/page_fault_user")
int BPF_PROG(on_early_fault_user, unsigned long address, void *regs, unsigned long error)
{
	return sample_by_error(address, 0, error);
}

SEC("?tp_btf/page_fault_kernel")
int BPF_PROG(on_early_fault_kernel, unsigned long address, void *regs, unsigned long error)
{
	return is_of_kernel(address) || is_only_a_look()
		       ? 0
		       : sample_by_error(address, STACK_SAMPLE_KERNEL, error);
}

/*
 * Where page faults have no tracepoints: perf's software event, told at their beginning as well. It
 * does not tell a read from a write; on arm64 the instruction does. (What is taken for the other
 * is chosen otherwise, and weighs as much.)
 */
#if defined(__TARGET_ARCH_x86)
static __always_inline __u32 flags_of(struct bpf_perf_event_data *event)
{
	return event->regs[17] & 3 /* cs */ ? 0 : STACK_SAMPLE_KERNEL;
}
#else
static __always_inline bool is_load(__u32 instruction)
{
	if ((instruction & 0x0a000000) != 0x08000000)
		return false; /* neither loads nor stores */
	if ((instruction & 0x3c000000) == 0x38000000)
		return instruction >> 22 & 3; /* of one general register */
	return instruction >> 22 & 1;
}

static __always_inline __u32 flags_of(struct bpf_perf_event_data *event)
{
	__u32 flags = event->regs[33] & 15 /* pstate */ ? STACK_SAMPLE_KERNEL : 0;
	void *pc = (void *)event->regs[32];
	__u32 instruction;
	long error = flags ? bpf_probe_read_kernel(&instruction, sizeof(instruction), pc)
			   : bpf_probe_read_user(&instruction, sizeof(instruction), pc);

	/* An instruction that is not there is what the page fault is about. */
	return error || is_load(instruction) ? flags | STACK_SAMPLE_READ : flags;
}
#endif

SEC("?perf_event")
int on_fault_event(struct bpf_perf_event_data *event)
{
	__u64 address = event->addr;

	return is_of_kernel(address) ? 0 : note_fault(address, flags_of(event));
}

SEC("?perf_event")
int on_early_fault_event(struct bpf_perf_event_data *event)
{
	__u64 address = event->addr;

	return is_of_kernel(address) ? 0 : sample_early(address, flags_of(event));
}
