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

static __always_inline void set_told(struct note *note, struct mm_struct *mm, __u32 cpu,
				     const __s64 folded[RSS_MEMBERS])
{
	__builtin_memcpy(note->folded, folded, sizeof(note->folded));
#pragma unroll
	for (int member = 0; member < RSS_MEMBERS; member++)
		note->part[member] = part_here(mm, member, cpu);
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

	if (gate->noted == NOTED_READING)
		return 0;
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
#pragma unroll
	for (int member = 0; member < RSS_MEMBERS; member++)
		note->part[member] = part_here(mm, member, cpu);
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
	__u32 *class = bpf_map_lookup_elem(&stack_rooms, &arrival->pid);

	switch (class ? *class : 0) {
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
#define THIN_LESS_NS 1000000000ULL

/*
 * Half as many are taken whenever half of the room that was left has been used: so they are fewer
 * only for as long as nobody reads, each time after as long again, and none is lost for want of
 * room. A process that is sampled too little is known too little.
 *
 * Its threads do this at the same time: what was decided by is what is weighed by.
 */
static __always_inline __u32 adapt(struct mm_state *state)
{
	__u64 waiting = bpf_ringbuf_query(&stacks, BPF_RB_AVAIL_DATA);
	__u64 left = waiting < knob_stacks_bytes ? knob_stacks_bytes - waiting : 0;
	__u64 now = bpf_ktime_get_ns();
	__u32 thinned = state->thinned & 31;

	if (left < knob_stacks_bytes / 4 * 3 >> thinned && thinned < THINNED_MAX) {
		state->thinned = thinned + 1;
		state->thinned_ns = now;
	} else if (thinned && waiting < knob_stacks_bytes / 16 &&
		   now - state->thinned_ns > THIN_LESS_NS) {
		state->thinned = thinned - 1;
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

/* The id of the sample, or 0: none could be taken. */
static __noinline __u64 take_sample(struct mm_struct *mm, __u64 address, __u32 flags,
				    const __s32 pages[RSS_MEMBERS], __u64 block_bytes)
{
	struct arrival arrival = {.address = address, .flags = flags, .block_bytes = block_bytes};
	struct gate *gate = gate_here();
	struct mm_state *state;
	__u64 key = (__u64)mm, noted;
	__u32 thinned;
	int taken;

	state = bpf_map_lookup_elem(&mms, &key);
	if (!state)
		return 0;
	thinned = adapt(state);
	if (!is_kept(address, block_bytes, thinned))
		return 0;
	arrival.block_bytes <<= thinned;
	arrival.id = mm_id_new();
	arrival.mm_id = state->mm_id;
	arrival.pid = bpf_get_current_pid_tgid() >> 32;
	__builtin_memcpy(arrival.pages, pages, sizeof(arrival.pages));
	noted = gate->noted;
	gate->noted = NOTED_READING;
	taken = emit_sample(&arrival);
	gate->noted = noted;
	return taken ? arrival.id : 0;
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

	if (!pages[RSS_ANON] && !pages[RSS_FILE] && !pages[RSS_SHMEM] && !pages[RSS_SWAP])
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

__noinline int sample_victim(__u32 pid)
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

__noinline int sample_come(__u32 cpu)
{
	struct note *note = (struct note *)notes[cpu & (GATES - 1)];
	struct mm_struct *mm = (struct mm_struct *)note->mm;
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	__s64 folded[RSS_MEMBERS];
	__s32 pages[RSS_MEMBERS];

	/* Samples are taken early then, and nobody leaves notes. */
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
	__u64 place = (address & -knob_huge_bytes) + offset, noted;
	struct gate *gate = gate_here();
	bool is_there;
	__u8 byte;

	if ((place & -(__u64)knob_page_bytes) == address)
		return true;
	noted = gate->noted;
	gate->noted = NOTED_READING;
	is_there = !bpf_probe_read_user(&byte, sizeof(byte), (void *)place);
	gate->noted = noted;
	return is_there;
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
 * The kernel may only look whether something is there: what is not does not come by that. Whoever
 * reads stacks does so, also another profiler beside us, and within the page fault that it is
 * about: its addresses are anything, and the page that comes next is not there.
 */
static __always_inline bool is_a_look(void)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();

	return BPF_CORE_READ(task, pagefault_disabled) > 0;
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
	return is_of_kernel(address) || is_a_look()
		       ? 0
		       : note_fault(address, STACK_SAMPLE_KERNEL | flags_of_error(error));
}

/*
 * Where it does not, the sample is taken before the page has come, and user space looks whether it
 * has. What was there already and may only not be written (copy-on-write) does not grow anything.
 */
static __always_inline int sample_early(__u64 address, __u32 flags)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct mm_struct *mm = BPF_CORE_READ(task, mm);
	const __s32 none[RSS_MEMBERS] = {};

	if (!mm || gate_here()->noted == NOTED_READING)
		return 0;
	note_huge_first(gate_here(), task, address, flags);
	if (flags & STACK_SAMPLE_READ ? is_around_chosen(address / knob_page_bytes)
				      : is_chosen(address / knob_page_bytes))
		take_sample(mm, address & -(__u64)knob_page_bytes, flags | STACK_SAMPLE_EARLY, none,
			    flags & STACK_SAMPLE_READ ? around_block_bytes() : knob_sample_bytes);
	return 0;
}

static __always_inline int sample_by_error(__u64 address, __u32 flags, __u64 error)
{
	if (error & FAULT_PROTECTION)
		return 0;
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
	return is_of_kernel(address) || is_a_look()
		       ? 0
		       : sample_by_error(address, STACK_SAMPLE_KERNEL, error);
}

/* Where page faults have no tracepoints: perf's software event, told at their beginning as well. */
static __always_inline __u32 flags_of(struct bpf_perf_event_data *event)
{
#if defined(__TARGET_ARCH_x86)
	return event->regs[17] & 3 /* cs */ ? 0 : STACK_SAMPLE_KERNEL;
#else
	return event->regs[33] & 15 /* pstate */ ? STACK_SAMPLE_KERNEL : 0;
#endif
}

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
