/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/*
 * What a growth sample brings to user space through a ring of its own: who grew where, by how many
 * pages, and the raw registers and stack bytes to unwind. It goes no further than the unwinder: no
 * recording holds these bytes. Shared by the BPF programs and user space.
 */

#include <linux/types.h>

#include "bpf/events.h"

#define STACK_PAGE_BYTES 4096

/* Room for stack bytes, in pages; the first is shared with what lies below the stack pointer. */
#define STACK_CLASSES(X) X(0, 2) X(1, 4) X(2, 8) X(3, 16)

/* Less than usual where no more is needed. */
enum { STACK_CLASS_USUAL = 1, STACK_CLASS_LAST = 3 };

/* Which processes have more room than usual, a slot by process id; of two that share one, the
 * later. User space maps it: to write there takes no privilege. */
#define STACK_ROOMS 4096

static inline __u64 stack_room(__u32 pid, __u32 class)
{
	return (__u64)pid << 32 | class;
}

enum stack_sample_kind {
	STACK_SAMPLE_TAKEN = 1,  /* struct stack_sample */
	STACK_SAMPLE_MORE = 2,   /* struct stack_sample_more: of one that was taken before */
	STACK_SAMPLE_VICTIM = 3, /* struct stack_sample_victim */
	STACK_SAMPLE_MOVED = 4,  /* struct stack_sample_moved */
};

enum stack_sample_flag {
	STACK_SAMPLE_CUT = 1 << 0,    /* there is more stack than room */
	STACK_SAMPLE_KERNEL = 1 << 1, /* the fault was taken in the kernel, for a system call */
	STACK_SAMPLE_EARLY = 1 << 2,  /* before the page has come, if it has: pages are told later,
				       * by  a STACK_SAMPLE_MORE, or never */
	STACK_SAMPLE_READ = 1 << 3,   /* the page was to be read: of a file, those around come too.
				       * Not known everywhere */
	STACK_SAMPLE_EXEC = 1 << 4,   /* within execve(2), which has taken the old program down */
	STACK_SAMPLE_THERE = 1 << 5,  /* early: there was a page that may not be used so; it may be
				       * replaced by one that comes */
};

/* x86-64: r15 r14 r13 r12 bp bx r11 r10 r9 r8 ax cx dx si di orig_ax ip cs flags sp ss;
 * arm64: x0-x30 sp pc pstate. As in struct pt_regs and struct user_pt_regs. */
#define STACK_REGISTERS     34

/* What led to a page fault in the kernel, with what led from there to us. */
#define STACK_KERNEL_FRAMES 48

struct stack_sample_header {
	__u32 size_bytes;
	__u32 kind; /* enum stack_sample_kind */
	__u64 time_ns;
	__u64 id; /* unique for the length of a recording */
};

struct stack_sample {
	struct stack_sample_header header;
	struct task_ref task; /* tid: the thread that grew it */
	__u64 mm_id;
	__u64 address;       /* of the page */
	__u64 block_bytes;   /* one sample stands for so much address space, for each page that came
			      */
	__s32 pages[4];      /* that came with it: file, anon, swap entries, shmem */
	__u32 flags;         /* enum stack_sample_flag */
	__u32 stack_bytes;   /* from there on, to the end of the room */
	__u64 stack_from;    /* an address: what stack[stack_from & 4095] holds */
	__u64 stack_missing; /* a bit for each page from that one on: could not be read */
	__u64 registers[STACK_REGISTERS];
	__u32 kernel_frames; /* of kernel; 0: not in the kernel, or nobody can tell */
	__u32 reserved;
	__u64 kernel[STACK_KERNEL_FRAMES]; /* return addresses, innermost first */
	__u8 stack[]; /* the stack pointer's page, as far as it lies above, and whole ones behind */
};

/* What the same fault brought after the sample had been taken: pages around a file's, or the swap
 * entry that an anonymous page replaced. Of an early one all that came, which may be nothing. */
struct stack_sample_more {
	struct stack_sample_header header;
	__s32 pages[4];
};

/* The OOM killer's victim: what is to be known of its stacks is wanted now. */
struct stack_sample_victim {
	struct stack_sample_header header; /* id 0 */
	__u32 pid;
	__u32 reserved;
};

enum stack_sample_moved_flag {
	MOVED_DOWNWARD = 1 << 0, /* places are looked for from the top */
};

/* Pages are about to be moved by mremap(2): as it was asked for, and the place that was found. */
struct stack_sample_moved {
	struct stack_sample_header header;
	__u64 mm_id;
	__u64 from;
	__u64 bytes;
	__u64 new_bytes;
	__u64 place;
	__u64 place_bytes; /* more than new_bytes: room to align it to huge pages */
	__u32 pid;
	__u32 flags; /* enum stack_sample_moved_flag */
};
