/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include "maps/address_spaces.h"
#include "maps/first_look.h"
#include "maps/objects.h"
#include "maps/perf_maps.h"
#include "stacks/dictionary.h"
#include "stacks/frame_lines.h"
#include "stacks/jit_names.h"
#include "stacks/modules.h"
#include "stacks/queue.h"
#include "stacks/resident.h"
#include "stacks/stacks.h"

struct stacks {
	struct stack_sink sink;
	struct perf_maps *perf;
	struct address_spaces *spaces;
	struct first_look look;
	struct objects *objects;
	struct modules *modules;
	struct dictionary *dictionary;
	struct jit_names *jit_names;
	struct frame_lines *lines;
	struct resident *resident;
	struct queue queue;
	bool frame_pointers;
	void (*cut)(void *context, uint32_t pid, size_t room_bytes);
	void *cut_context;
	long page_bytes;
	struct stacks_counts counts;
};

/* Unwinds, names and tells one sample; 0, or what the sink said. */
int stacks__work(struct stacks *stacks, const struct stack_sample *sample, uint64_t now_ns);
