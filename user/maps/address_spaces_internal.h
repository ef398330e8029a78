/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/* Without it uthash ends the program when memory is short. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "maps/address_spaces.h"

/* What a process was before an exec: scripts start others in a row, faster than samples are looked
 * at. */
#define PASTS_MAX 8

struct past {
	struct address_space *space; /* NULL: not known */
	uint64_t from_ns;            /* its own exec; 0: since before anybody looked */
};

#define PASTS_BYTES (PASTS_MAX * sizeof(struct past))

struct process_maps {
	struct address_spaces *spaces;
	uint32_t pid;
	uint32_t parent_pid;  /* who forked it; 0: nobody told */
	uint64_t start_ns;    /* 0: not known yet */
	uint64_t born_ns;     /* its fork; 0: was not told */
	uint64_t exec_ns;     /* the last one told */
	uint64_t gone_ns;     /* 0: it is there */
	uint64_t complete_ns; /* nothing was missing then; 0: never looked at */
	uint64_t tried_ns;    /* the last look that saw nothing */
	uint64_t used_ns;     /* the last sample */
	uint64_t due_ns;      /* 0: it is not in `due` */
	unsigned int holds;
	struct address_space *now;
	struct past *pasts; /* PASTS_MAX, the newest first; NULL: none yet */
	unsigned int past_count;
	struct process_maps *older;               /* of the same pid */
	struct process_maps *prev, *next;         /* by use */
	struct process_maps *due_prev, *due_next; /* what has something to tidy */
	UT_hash_handle hh;                        /* of the newest of a pid */
};

struct address_spaces {
	struct mapped_files *files;
	struct process_maps *by_pid;
	struct process_maps *unused; /* never sampled, oldest first */
	struct process_maps *used;   /* who was not for the longest time first */
	struct process_maps *due;
	size_t max_bytes;
	uint64_t grace_ns;
	uint64_t lost_ns;
	size_t bytes; /* without files */
	struct address_spaces_counts counts;
};

/* --- process_maps.c --- */

struct process_maps *process_maps__newest(const struct address_spaces *spaces, uint32_t pid);
/* The next one of that pid, younger than all there are; NULL: out of memory. */
struct process_maps *process_maps__new(struct address_spaces *spaces, uint32_t pid);
/* Behind `younger`. */
struct process_maps *process_maps__new_older(struct address_spaces *spaces,
					     struct process_maps *younger);
void process_maps__free(struct process_maps *process);
void process_maps__use(struct process_maps *process, uint64_t time_ns);
/* Something is to be tidied, at the latest then. */
void process_maps__schedule(struct process_maps *process, uint64_t due_ns);
void process_maps__unschedule(struct process_maps *process);
/* Makes its address space its own; 0 or -ENOMEM. */
int process_maps__own(struct process_maps *process);
/* Takes a new reference's place in *where, which may be NULL inside. */
void process_maps__put(struct process_maps *process, struct address_space **where,
		       struct address_space *space);
/* It is another program from `time_ns` on. */
void process_maps__begin_anew(struct process_maps *process, uint64_t time_ns);
void process_maps__forget_pasts(struct process_maps *process);
/* Others go until there is room. */
void process_maps__make_room(struct process_maps *kept);
