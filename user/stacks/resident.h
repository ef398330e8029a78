/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/stack_sample.h"
#include "stacks/sink.h"

/*
 * Which of the pages that came with growth samples are still there: the addresses of each process
 * are looked up in /proc/PID/pagemap from time to time. Present or swapped lives on; what is
 * neither is told as gone, summed by stack. A sample at an address that is in the table says the
 * same of the one before it, unless the page has only come back from swap: that keeps its owner.
 *
 * A process that ends, is being killed, or executes another program leaves the table without
 * anything being told: what is known of it stays as it was when last looked at. Since that may be
 * told late, what a look has found gone is told only when all events of its time have been heard.
 *
 * Pages that mremap(2) moves keep their owner: they are looked for where it has put them.
 *
 * What this cannot see: pages moved to a place that the program itself has named (MREMAP_FIXED)
 * look gone, as all do that are moved on kernels without the tracepoint (before 5.7); memory given
 * back and mapped as the zero page by a read looks present; a page of a file or of tmpfs that
 * reclaim has unmapped is gone from the process, though it may be back with the next touch.
 *
 * For one thread. Of descriptors it keeps one, and opens one more while it looks.
 */
struct resident;

struct resident_options {
	struct stack_sink sink;
	const char *proc;  /* NULL: "/proc" */
	size_t max_bytes;  /* 0: 32 MiB */
	uint64_t turn_ns;  /* of looking, at most; 0: 20 ms */
	uint64_t every_ns; /* each process is looked at so often; 0: 10 s */
};

struct resident_counts {
	uint64_t processes, pages; /* in the table now */
	uint64_t refused;          /* samples that found no room: never told as gone */
	uint64_t unreadable;       /* looks at processes that still lived */
	uint64_t looks;            /* that were completed */
	uint64_t gone;             /* samples told as gone */
	uint64_t moved;            /* samples whose page was moved, each time */
	size_t bytes;              /* of heap */
};

/* What a look has found gone is told when events of so much later have been heard. */
#define RESIDENT_GRACE_NS 1000000000ULL

/* -ENOMEM, or that the folder is not there. */
int resident__new(struct resident **out, const struct resident_options *options);
void resident__free(struct resident *resident);

/* After it was told as growth. 0, or what the sink said. */
int resident__add(struct resident *resident, const struct stack_growth *growth);

/* After the samples that were taken before it. */
void resident__move(struct resident *resident, const struct stack_sample_moved *moved);

/* The process ended, or executes another program: what it had is nobody's any more. */
void resident__forget(struct resident *resident, uint32_t pid);

/*
 * Looks at processes whose time has come, those that grew most first, and goes on where the last
 * turn ended. Tells what was found gone, of processes whose exec and exit are known up to
 * `heard_ns`. 0, or what the sink said.
 */
int resident__turn(struct resident *resident, uint64_t now_ns, uint64_t heard_ns);

/* Looks at all of them, for `for_ns` at most, when all events up to now have been heard. What looks
 * before it have found gone is told first, nothing of its own before resident__tell(). 0, or what
 * the sink said. */
int resident__look(struct resident *resident, uint64_t now_ns, uint64_t for_ns);
/* Tells what looks up to `looked_ns` have found gone. 0, or what the sink said. */
int resident__tell(struct resident *resident, uint64_t looked_ns);

struct resident_counts resident__counts(const struct resident *resident);
