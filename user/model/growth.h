/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/* Inside the model: growth by stack, and what its processes' memory has risen by. */

#include "model/stack.h"

#define GROWTHS_MAX 65536U /* of a process, a stack and a file each */

struct process_slot;
struct digest;

/* A process that was sampled. */
struct grower {
	const struct process_slot *slot;
	int64_t rose_bytes;
	uint64_t looked_ns; /* when it was last told what of it is there; 0: never */
	UT_hash_handle hh;
};

struct growth_key {
	const struct grower *grower;
	const struct stack *stack;
	const struct file *file;
};

struct growth_slot {
	struct growth growth; /* first: both have the same address */
	struct growth_key key;
	UT_hash_handle hh;
};

struct growths {
	struct growth_slot **slots; /* by first appearance */
	size_t count, capacity;
	struct growth_slot *by_key;
	struct grower *growers;
	bool limited; /* by whoever looks, to samples between these */
	uint64_t from_ns, to_ns;
};

int growth__on_growth(struct model *model, const struct event_header *event);
int growth__on_gone(struct model *model, const struct event_header *event);
/* What has come so far nobody looks for any more. */
void growth__stop_watching(struct model *model);
int growth__on_kept(struct model *model, const struct event_header *event);
/* Before it becomes what the process has now. */
void growth__note_memory(struct model *model, const struct process_slot *slot,
			 const struct memory *next);
const struct grower *growth__grower(const struct model *model, const struct process_slot *slot);
/* All of them; their stacks may stay. */
void growth__free_all(struct model *model);
size_t growth__heap_bytes(const struct model *model);
void digest__growth(struct digest *digest, const struct model *model);

/* --- growth_rise.c, for growth.c ------------------------------------------------------------- */

int64_t growth__sum(int64_t a,
		    int64_t b); /* saturating: sums of a thousand such values still fit */
struct grower *growth__find_grower(const struct model *model, const struct process_slot *slot);
/* Made when there is none. 0 or -ENOMEM. */
int growth__reach_grower(struct model *model, const struct process_slot *slot, struct grower **out);
