/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/*
 * Growth by stack, prepared for reports: what says the same is one row, the largest comes first,
 * and the sums stand beside what the kernel's own counters say. Rows are compared by what they say,
 * never by a number or a pointer, so their order is the same wherever the events came from.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "model/model.h"

/* Whose growth. Zero: everybody's. */
struct growth_filter {
	uint32_t pid;                 /* of whoever had it; 0: any */
	const char *cgroup;           /* its path, raw, and whatever is below; NULL: any */
	const struct task_ref *tasks; /* these alone */
	size_t task_count;            /* 0: any */
};

enum growth_rows {
	GROWTH_EXACT,      /* one process, one chain of addresses, one file */
	GROWTH_BY_FUNCTION /* one chain of functions as text says it, of however many processes:
			    * an allocator's inside, a system call's and how often a function
			    * called itself are no difference */
};

/* What pages of a file, or of shared memory, came. */
struct growth_file {
	const struct file *file;
	int64_t bytes; /* file + shmem */
};

/*
 * What of growth was there when it was last looked for, resident or swapped; what came since is
 * taken to be there. Of who has ended or is being killed that is how it was before.
 */
struct growth_stay {
	bool is_known; /* of all of it; else it is a part, and the rest may be there or not */
	bool is_past;  /* of somebody who has ended or is being killed */
	int64_t bytes; /* anon + file + shmem */
	int64_t anon_bytes;
	int64_t file_bytes;
	int64_t shmem_bytes;
	uint64_t looked_ns; /* the longest ago; 0: never */
};

struct growth_row {
	const struct stack *stack;     /* NULL: none is known */
	struct task_ref task;          /* the one that grew most of it */
	const struct process *process; /* likewise; NULL: the model has let go of it */
	size_t processes;
	const struct file *file; /* that most of it is of; NULL: of none, or none is known */
	size_t files;            /* that are known */
	int64_t bytes;           /* anon + file + shmem */
	int64_t anon_bytes;
	int64_t file_bytes;
	int64_t shmem_bytes;
	int64_t from_swap_bytes;
	int64_t in_kernel_bytes;
	uint64_t samples;
	uint64_t variance_pages; /* as struct growth has it */
	uint64_t first_ns;
	uint64_t last_ns;
	struct growth_stay stay;
};

struct growths {
	struct growth_row *rows; /* by bytes, the largest first */
	size_t count;            /* 0: nothing of it was sampled, and nothing below is known */
	size_t processes;
	struct growth_file *files; /* likewise, over all rows */
	size_t file_count;

	/* Estimates, from samples. Those from explained to no_stack add up to sampled. */
	int64_t sampled_bytes;
	int64_t explained_bytes;
	int64_t unnamed_bytes;
	int64_t incomplete_bytes[STACK_END_COUNT]; /* by how the stack ended */
	int64_t no_stack_bytes;
	int64_t from_swap_bytes;
	int64_t error_bytes; /* standard error of explained; EVENT_UNKNOWN without a page size */
	uint64_t samples;
	/* Of those rows whose stay is known. */
	int64_t stayed_bytes;     /* EVENT_UNKNOWN: there are none */
	int64_t looked_for_bytes; /* the part of sampled_bytes that they are */
	size_t stay_past;         /* processes: what they had before they ended */
	size_t stay_unknown;      /* processes that have other rows */

	/* By the kernel's counters, which know nothing of samples. EVENT_UNKNOWN. */
	int64_t rose_bytes;     /* resident memory of those processes, falls not taken off */
	int64_t net_bytes;      /* their resident memory and swap, last - first */
	int64_t not_seen_bytes; /* rose beyond what was sampled and came from swap; 0: nothing */
	int64_t not_seen_error_bytes; /* that it may be off by; EVENT_UNKNOWN without a page size */
	int64_t lost_at_most_bytes;   /* of it: all samples that were lost, of whatever process */
	int64_t before_bytes;         /* resident before the recorder knew them */
	int64_t inherited_bytes;      /* resident at their fork */
};

/* 0 or -ENOMEM; to be freed either way. `filter` NULL: everybody. */
int growths__read(struct growths *growths, const struct model *model,
		  const struct growth_filter *filter, enum growth_rows rows);
void growths__free(struct growths *growths);

int64_t growths__incomplete_bytes(const struct growths *growths);

/* "anon", "file" or "shmem": what most of it is. */
const char *growth_row__class(const struct growth_row *row);

/* Standard error of its bytes; EVENT_UNKNOWN when the size of a page is. */
int64_t growth_row__error_bytes(const struct growth_row *row, uint64_t page_bytes);

/* What is of the same file becomes one, the largest first; how many are left. growth_files.c. */
size_t growth_files__sum(struct growth_file *files, size_t count);

const char *stack_end__words(enum stack_end end);
const char *frame_kind__name(enum frame_kind kind);

/* --- what stayed, in words: growth_stay.c -------------------------------------------------------
 */

/* Only where a tenth of it has gone: "(12 MiB still there) ". */
void growth_row__say_stay(struct text *out, const struct growth_row *row);
void growths__say_stay(struct text *out, const struct growths *growths);
/* "30 MiB, of 2 processes": where it is not known. */
void growths__say_stay_unknown(struct text *out, const struct growths *growths);

/* --- names of frames: growth_frame.c ---------------------------------------------------------- */

/* The last part of a path. */
const char *module__base(const struct module *module);

/* Escaped: the function's name; without one, "module+0x12f0"; without a module, "0x7f31c0de". NULL:
 * "[unknown]". */
void frame__label(struct text *out, const struct frame *frame);

bool frame__is_unnamed_jit(const struct frame *frame);

/* The innermost frame that text says: not an allocator's own, but the one that was called from
 * outside of it (0 when there is nothing but allocator); not the kernel's functions, but the system
 * call, which leads to them in many ways. */
size_t stack__first_said(const struct stack *stack);

/* The next frame that reads otherwise than the one at `at`: a function that calls itself reads as
 * one. */
size_t stack__after(const struct stack *stack, size_t at);
