/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/stack_sample.h"
#include "maps/perf_open.h"
#include "stacks/sink.h"

/*
 * From raw samples (bpf/stack_sample.h) to named stacks. What was mapped where is followed for all
 * processes from the beginning (maps/perf_maps.h); a sample waits until that has been told up to
 * its time, is unwound and named, and its stack bytes are gone.
 *
 * For one thread, which calls stacks__turn() every 100 ms or so, and when stacks__fd() is readable.
 */
struct stacks;

struct stacks_options {
	struct stack_sink sink;
	size_t queue_bytes; /* of samples that wait; 0: 64 MiB */
	size_t heap_bytes;  /* beyond which modules go, whatever holds the others; 0: 192 MiB */
	/* A stack was copied into so much room, and cut too early to be followed; may be NULL. */
	void (*cut)(void *context, const struct task_ref *thread, size_t room_bytes);
	void *cut_context;
	/* Called every few ms where a turn takes longer than that: samples may be taken then. May
	 * be NULL. */
	void (*meanwhile)(void *context);
	void *meanwhile_context;
	bool frame_pointers;          /* followed alone, whatever rules there are */
	const char *proc;             /* NULL: "/proc" */
	struct perf_opener opener;    /* as struct perf_maps_options has it */
	int kallsyms_fd;              /* kernel_frames__open_names(); 0: the kernel stays unnamed */
	struct stack_numbers numbers; /* that others have used */
};

struct stacks_counts {
	uint64_t samples;               /* records of the ring, what was refused or torn included */
	uint64_t refused;               /* no room in the queue, or no memory */
	uint64_t torn;                  /* not as the BPF programs make them */
	uint64_t late_more;             /* pages of a sample that was told without them */
	uint64_t not_huge;              /* claimed to be a huge page, and none was there */
	uint64_t never_came;            /* early samples: no page had come */
	uint64_t may_have_come;         /* nobody could see whether; counted as come */
	uint64_t ends[STACK_END_COUNT]; /* by enum stack_end */
	uint64_t unnamed;               /* frames without a name */
	/* What was mapped is known less well: who is sampled is looked at again in /proc. */
	uint64_t maps_lost;   /* records of it that perf had no room for, or nobody had */
	uint64_t cpus_joined; /* that came online: what was mapped there before is not told */
	unsigned int cpus_unwatched; /* online, and cannot be followed */
	uint64_t cpu_ns;             /* of unwinding and naming */
	uint64_t pages_refused;      /* as struct resident_counts has them */
	uint64_t pages_unreadable;
	uint64_t too_large; /* files, rules and names that there was no memory for */
	uint64_t too_slow;  /* samples that there was no time to read files for */
	size_t bytes;       /* of heap: mappings, files, rules, names, the queue */
};

/* -EACCES, -EPERM, -ENOSYS: as perf_maps__open(). `why`: one sentence. */
int stacks__new(struct stacks **out, const struct stacks_options *options, char *why,
		size_t why_size);
void stacks__free(struct stacks *stacks);

int stacks__fd(const struct stacks *stacks);

/* What a process has mapped that may be another program when it has its first sample. */
void stacks__look_at(struct stacks *stacks, uint32_t pid, uint64_t now_ns);

/* A record of the ring, copied. */
void stacks__take(struct stacks *stacks, const void *data, size_t bytes);

/* Passes on what is due; 0, or what the sink said. */
int stacks__turn(struct stacks *stacks, uint64_t now_ns);

/* In the middle of what takes long (options.meanwhile): what is mapped is followed. */
void stacks__meanwhile(struct stacks *stacks, uint64_t now_ns);

/* Has the last turn left samples that the next one can work off at once? */
bool stacks__is_behind(const struct stacks *stacks);

/* Readable: source lines have been found; -1: none are looked for. Ask before each wait. */
int stacks__lines_fd(const struct stacks *stacks);

/* All that is left, and for at most 2 s source lines that are missing. */
int stacks__finish(struct stacks *stacks);

struct stacks_counts stacks__counts(const struct stacks *stacks);
