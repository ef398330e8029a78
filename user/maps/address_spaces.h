/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "maps/address_space.h"
#include "maps/perf_record.h"

/*
 * The address spaces of all processes, told by perf's records and by looks into /proc. Nothing here
 * asks the host anything: who has to be looked at, first_look.h says and does.
 *
 * A fork inherits, an exec begins anew, an exit keeps for a grace time, since stacks are looked at
 * a little later than they were taken. Where memory runs out, whoever was never sampled goes first,
 * then who was not for the longest time: they are looked at again when they are sampled.
 *
 * For one thread.
 */
struct address_spaces;

struct address_spaces_options {
	size_t max_bytes;  /* 0: 64 MiB */
	uint64_t grace_ns; /* 0: 10 s */
};

struct address_spaces_counts {
	uint64_t processes; /* known now */
	uint64_t refused;   /* mappings: too many in one process, or no memory */
	uint64_t forgotten; /* that were covered, within the grace time, for want of room */
	uint64_t evicted;   /* processes */
	uint64_t lost;      /* records of perf, after which everybody has to be looked at again */
	size_t bytes;       /* of heap, files included */
};

int address_spaces__new(struct address_spaces **out, const struct address_spaces_options *options);
void address_spaces__free(struct address_spaces *spaces);

/* In the order of their times. 0 or -ENOMEM; then, too, everything goes on. */
int address_spaces__apply(struct address_spaces *spaces, const struct map_event *event);

/* What has been over for long enough goes. */
void address_spaces__tidy(struct address_spaces *spaces, uint64_t now_ns);

struct address_spaces_counts address_spaces__counts(const struct address_spaces *spaces);

/*
 * One process, from its birth to its end; pids come again. `start_ns` is the kernel's start_time of
 * its first thread (CLOCK_MONOTONIC; 0: not known), `time_ns` when it was sampled. Made when it is
 * not known; NULL: out of memory. Valid until the next call of apply, tidy or process.
 */
struct process_maps;
struct process_maps *address_spaces__process(struct address_spaces *spaces, uint32_t pid,
					     uint64_t start_ns, uint64_t time_ns);

/* The newest of that pid: is it known, or was that tried in vain? */
bool address_spaces__has_looked_at(const struct address_spaces *spaces, uint32_t pid);

uint32_t process_maps__pid(const struct process_maps *process);
/* Is what /proc says of this pid about this process? */
bool process_maps__is_newest(const struct process_maps *process);
/* Never looked at, or something was lost since. */
bool process_maps__wants_look(const struct process_maps *process);
/* Is there anything to look up addresses in? */
bool process_maps__is_known(const struct process_maps *process);
/* Whose mappings it began with and still has, if that is told: 0 otherwise. */
uint32_t process_maps__began_as(const struct process_maps *process, uint64_t *born_ns);

/* Was it known, and the same program as now? */
bool process_maps__was_one_at(const struct process_maps *process, uint64_t time_ns);
/* Has it become another program since? */
bool process_maps__is_another_since(const struct process_maps *process, uint64_t time_ns);
/* Between these it stays, whoever else needs room. */
void process_maps__hold(struct process_maps *process);
void process_maps__release(struct process_maps *process);

bool process_maps__find(const struct process_maps *process, uint64_t address, uint64_t time_ns,
			struct mapping *out);

/* --- looks --- */

/* Adds to an address space that nobody else has yet. */
int address_spaces__add(struct address_spaces *spaces, struct address_space *space,
			const struct told_mapping *told, uint64_t from_ns);

/* `looked` (consumed) is what was seen at `now_ns`, NULL: nothing could be seen. */
int address_spaces__looked(struct address_spaces *spaces, struct process_maps *process,
			   struct address_space *looked, uint64_t now_ns);

/* `child` gets what `parent` has. */
void address_spaces__inherit(struct address_spaces *spaces, struct process_maps *child,
			     const struct process_maps *parent, uint64_t now_ns);
