/* SPDX-License-Identifier: GPL-2.0-only */
#include "choose.bpf.h"
#include "counters.bpf.h"
#include "emit.bpf.h"
#include "note.bpf.h"
#include "sample.bpf.h"

/* What has come by the page fault that current has noted. */

/* Linux, include/linux/sched.h */
#define PF_EXITING  0x00000004
#define PF_MEMALLOC 0x00000800

/* Not inlined, for the sake of the stack, as rss_moved(). */
__hidden __noinline int note_base(struct note *note, struct mm_struct *mm, struct task_struct *task)
{
	__u32 cpu = bpf_get_smp_processor_id();
	__s64 folded[RSS_MEMBERS];

	note->switches = switches_of(task);
	rss_folded(mm, folded);
#pragma unroll
	for (int member = 0; member < RSS_MEMBERS; member++)
		note->folded[member] = (__u32)folded[member];
	if (!rss_is_percpu())
		return 0;
#pragma unroll
	for (int member = 0; member < RSS_MEMBERS; member++)
		note->part[member] = rss_part_here(mm, member, cpu);
	return 0;
}

/* Functions of the kernel that bring huge pages of a process's own; 0: not known, or not there. */
#define HUGE_FAULTS 3

__u64 huge_faults[HUGE_FAULTS] = {};

/* As far behind as any of them is long: of mm/huge_memory.c, while what page faults of small pages
 * run through is of another file. */
#define HUGE_FAULT_BYTES 4096

/* Run once, by user space. */
SEC("?syscall")
int learn_huge_fault(void *ctx)
{
	static const char fault[] = "do_huge_pmd_anonymous_page";
	static const char inner[] = "__do_huge_pmd_anonymous_page";
	static const char write[] = "do_huge_pmd_wp_page"; /* where zeroes were read before */

	if (!bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_kallsyms_lookup_name))
		return 0;
	bpf_kallsyms_lookup_name(fault, sizeof(fault), 0, &huge_faults[0]);
	bpf_kallsyms_lookup_name(inner, sizeof(inner), 0, &huge_faults[1]);
	bpf_kallsyms_lookup_name(write, sizeof(write), 0, &huge_faults[2]);
	return 0;
}

/*
 * Counters alone do not tell: while a thread waited within its page fault, for its turn perhaps,
 * others of its process may have brought as much. Where it is in the kernel does.
 */
static __noinline bool is_in_huge_fault(void)
{
	__u64 addresses[16] = {};
	__u32 count = kernel_stack(addresses, sizeof(addresses));

	for (__u32 i = 0; i < 16 && i < count; i++) {
		for (int place = 0; place < HUGE_FAULTS; place++) {
			if (huge_faults[place] &&
			    addresses[i] - huge_faults[place] < HUGE_FAULT_BYTES)
				return true;
		}
	}
	return false;
}

/* Else: a huge page of a process's own is mapped as a whole before it is counted; one of a file is
 * counted before any of it is mapped. */
#define PLACES_IN_HUGE 8

static __noinline __u32 places_mapped(__u64 address)
{
	__u64 place = address & -knob_huge_bytes;
	__u32 count = 0;

	for (int i = 0; i < PLACES_IN_HUGE; i++, place += knob_huge_bytes / PLACES_IN_HUGE)
		count += is_mapped(place);
	return count;
}

static __always_inline bool is_huge(__u32 member, __u64 address, enum huge_guess guess)
{
	if (member != RSS_ANON)
		return guess == HUGE_BY_COUNT && !places_mapped(address) && !is_mapped(address);
	if (huge_faults[0])
		return is_in_huge_fault();
	return guess == HUGE_BY_COUNT && places_mapped(address) == PLACES_IN_HUGE;
}

/* Whatever was noted of this page fault, or taken early, was of a small page, and none has come. */
static __always_inline void take_back_note(struct task_struct *task)
{
	const __s32 none[RSS_MEMBERS] = {};
	struct note *note = note_of((__u64)task);

	if (note->task != (__u64)task)
		return;
	if (note->flags & STACK_SAMPLE_EARLY)
		sample_tell_more(note->id, none);
	note->task = 0;
}

__hidden __noinline int sample_come_huge(struct mm_struct *mm, __u32 member, enum huge_guess guess)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	const struct note *home = note_home((__u64)task);
	__s32 pages[RSS_MEMBERS] = {};

	/* Reclaim within the page fault takes others' pages away, and tells of swap. */
	if (member == RSS_SWAP || BPF_CORE_READ(task, flags) & PF_MEMALLOC)
		return 0;
	/* Somebody else who has this home has had a page fault since. */
	if (home->touched_by != (__u64)task) {
		if (guess == HUGE_BY_COUNT && huge_faults[0] && is_in_huge_fault())
			lose(LOSS_NOTE_TABLE_FULL);
		return 0;
	}
	/* Not by a page fault of its own, but populated, collapsed, copied by a fork. */
	if (home->touched_faults != faults_here() || BPF_CORE_READ(task, mm) != mm ||
	    !is_huge(member, home->touched, guess))
		return 0;
	if (member == RSS_ANON)
		pages[RSS_ANON] = HUGE_PAGES;
	else if (member == RSS_FILE)
		pages[RSS_FILE] = HUGE_PAGES;
	else if (member == RSS_SHMEM)
		pages[RSS_SHMEM] = HUGE_PAGES;
	take_back_note(task);
	if (is_huge_chosen(home->touched >> knob_huge_shift))
		sample_take(mm, home->touched, home->touched_flags, pages, huge_block_bytes());
	return 1;
}

/* No page fault of a small page brings so many: they are of others. */
static __always_inline bool are_of_others(const __s32 pages[RSS_MEMBERS])
{
	return knob_huge_bytes && (pages[RSS_ANON] > HALF_HUGE || pages[RSS_FILE] > HALF_HUGE ||
				   pages[RSS_SHMEM] > HALF_HUGE);
}

/* Those around that are there, whosever they are; the one that was read among them. */
static __noinline __s32 mapped_around(__u64 address)
{
	const __u64 first = address & -AROUND_BYTES;
	__s32 pages = 0;
	__u8 byte;

	for (__u32 i = 0; i < AROUND_BYTES / 4096; i++) {
		const __u64 place = first + i * (__u64)knob_page_bytes;

		if (place >= first + AROUND_BYTES)
			break;
		pages += place == address ||
			 !bpf_probe_read_user(&byte, sizeof(byte), (void *)place);
	}
	return pages;
}

/* On the CPU where the page fault began, with nobody else on this memory, the counters tell. */
static __always_inline __s32 came_of_file(const struct note *note, const __s64 folded[RSS_MEMBERS])
{
	const __s32 around = 1 << (AROUND_SHIFT - knob_page_shift);
	struct mm_struct *mm = (struct mm_struct *)note->mm;
	__s32 pages[RSS_MEMBERS];

	if (note->cpu != bpf_get_smp_processor_id() || BPF_CORE_READ(mm, mm_users.counter) != 1)
		return 0;
	came(pages, note, mm, folded);
	return pages[RSS_FILE] <= around ? pages[RSS_FILE] : 0;
}

/*
 * It was off the CPU since: what the counters say may be of others as well, on this CPU or the one
 * before. What it does to its own mm within a page fault, but for reclaim, is to bring a page, or
 * several if they are of a file: of those that are there then, user space looks whose they are, as
 * long as it can.
 */
static __always_inline __u32 guess(__u32 member, const struct note *note,
				   const __s64 folded[RSS_MEMBERS], __s32 pages[RSS_MEMBERS])
{
	__s32 came;

	__builtin_memset(pages, 0, RSS_MEMBERS * sizeof(*pages));
	if (member == RSS_ANON)
		pages[RSS_ANON] = 1;
	else if (member == RSS_SHMEM)
		pages[RSS_SHMEM] = 1;
	if (member != RSS_FILE)
		return 0;
	came = came_of_file(note, folded);
	pages[RSS_FILE] = came;
	if (came > 0)
		return 0;
	pages[RSS_FILE] = note->flags & STACK_SAMPLE_READ ? mapped_around(note->address) : 1;
	return STACK_SAMPLE_EARLY;
}

/* For so much growth it stands; 0: it is none of those that are sampled. What is read was chosen as
 * of a file, whose pages around come as well; an anonymous one, from swap, comes alone. */
static __always_inline __u64 block_of(const struct note *note, __u32 flags,
				      const __s32 pages[RSS_MEMBERS])
{
	if (!(flags & STACK_SAMPLE_READ))
		return knob_sample_bytes;
	if (flags & STACK_SAMPLE_EARLY || pages[RSS_FILE] > 0 || pages[RSS_SHMEM] > 0)
		return around_block_bytes();
	return is_chosen(note->address) ? knob_sample_bytes : 0;
}

/* `folded`: it was off the CPU since; NULL: it stayed. */
static __noinline int come_small(struct note *note, __u32 member, const __s64 *folded,
				 __s32 pages[RSS_MEMBERS])
{
	__u32 flags = note->flags;
	__u64 block_bytes;

	if (folded)
		flags |= guess(member, note, folded, pages);
	if (note->id) {
		if (!folded && came_any(pages))
			sample_tell_more(note->id, pages);
		return 1;
	}
	if (pages[RSS_ANON] <= 0 && pages[RSS_FILE] <= 0 && pages[RSS_SHMEM] <= 0 &&
	    !(flags & STACK_SAMPLE_EARLY))
		return 0;
	block_bytes = block_of(note, flags, pages);
	if (!block_bytes)
		return 0;
	note->id =
		sample_take((struct mm_struct *)note->mm, note->address, flags, pages, block_bytes);
	/* More would come twice if user space finds it by itself. */
	if (flags & STACK_SAMPLE_EARLY)
		note->task = 0;
	return 1;
}

__noinline int sample_come(__u32 member)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct note *note = note_of((__u64)task);
	struct mm_struct *mm = (struct mm_struct *)note->mm;
	__s64 folded[RSS_MEMBERS];
	__s32 pages[RSS_MEMBERS];
	__u32 task_flags = BPF_CORE_READ(task, flags);
	bool stayed;

	if (note->check != note_check(note)) {
		note->task = 0;
		lose(LOSS_NOTE_TABLE_FULL);
		return 0;
	}
	if (note->flags & STACK_SAMPLE_EARLY && note->faults != faults_of(task))
		return sample_settle_early();
	if (note->faults != faults_of(task) || task_flags & PF_EXITING) {
		note->task = 0;
		return 0;
	}
	/* To make room for the page it takes others away, of the same mm perhaps. */
	if (task_flags & PF_MEMALLOC)
		goto from_here;
	rss_folded(mm, folded);
	stayed = note->switches == switches_of(task);
	if (!rss_is_percpu() || !stayed)
		came_folded(pages, note, folded);
	else
		came(pages, note, mm, folded);
	if (are_of_others(pages))
		stayed = false;
	came_at_most(pages, note, folded);
	/* Elsewhere samples of small pages are taken early. */
	if (!rss_is_percpu())
		return 0;
	if (!come_small(note, member, stayed ? NULL : folded, pages))
		return 0;
from_here:
	note_base(note, mm, task);
	note->check = note_check(note);
	return 0;
}
