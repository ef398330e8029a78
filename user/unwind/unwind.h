/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * From what a thread was interrupted with (its registers and a copy of its stack) to the chain of
 * its callers. Where the code's ELF file has a rule for the address (cfi.h), that rule; else one
 * step along the frame pointer, which compilers at run time keep. Memory comes from the copy only,
 * and every input may be hostile: a walk ends after `max` frames at the latest.
 */
struct cfi;

/* By DWARF number. x86-64: rax rdx rcx rbx rsi rdi rbp rsp r8 ... r15, 16 is the return address;
 * aarch64: x0 ... x30, 31 is sp. */
#define UNWIND_REGISTERS  33

#define UNWIND_PAGE_BYTES 4096

struct unwind_state {
	int machine; /* EM_X86_64, EM_AARCH64 */
	uint64_t pc;
	uint64_t known; /* a bit for each register */
	uint64_t registers[UNWIND_REGISTERS];
};

struct unwind_stack {
	uint64_t from; /* address of the first byte copied; what is below sp may be there, too */
	const uint8_t *bytes;
	size_t size;
	uint64_t missing; /* a bit for each page from that of `from` on: its bytes are not known */
	bool cut;         /* there was more */
};

struct unwind_frame {
	uint64_t pc;
	bool exact; /* of frame 0 and of what a signal interrupted; else the return address: whoever
		     * asks where the call is looks up pc - 1 */
};

enum unwind_end {
	UNWIND_COMPLETE,   /* at the function that nobody called */
	UNWIND_CUT,        /* the next caller is beyond what was copied of the stack */
	UNWIND_NO_MEMORY,  /* the next caller is told by memory that could not be read */
	UNWIND_NO_RULE,    /* neither rule nor frame pointer leads on */
	UNWIND_NO_MAPPING, /* the next return address is in no mapping: not in `frames` */
	UNWIND_CYCLE,      /* the stack pointer did not move up */
	UNWIND_TOO_DEEP,   /* `max` frames and more */
};

/* The mapping of an address. */
struct unwind_place {
	struct cfi *cfi; /* NULL: nothing known there, as of code made at run time */
	uint64_t vaddr;  /* link-time address, of `cfi` */
	bool entry; /* a function's first instruction: who called it is where calls leave that */
};

/* false: nothing is mapped there. */
typedef bool (*unwind_find)(void *context, uint64_t pc, struct unwind_place *out);

/* Innermost first, at least one when max > 0; `state` ends as that of the last frame. */
enum unwind_end unwind__walk(struct unwind_state *state, const struct unwind_stack *stack,
			     unwind_find find, void *context, struct unwind_frame *frames,
			     size_t max, size_t *count);

const char *unwind__end_name(enum unwind_end end);
