/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include "maps/address_spaces.h"
#include "stacks/file_mappings.h"
#include "maps/first_look.h"
#include "stacks/huge_page.h"
#include "maps/objects.h"
#include "maps/perf_maps.h"
#include "stacks/dictionary.h"
#include "stacks/frame_lines.h"
#include "stacks/jit_names.h"
#include "stacks/kernel_frames.h"
#include "stacks/modules.h"
#include "stacks/patience.h"
#include "stacks/prefetch.h"
#include "stacks/queue.h"
#include "stacks/resident.h"
#include "stacks/settled.h"
#include "stacks/stacks.h"

struct stacks {
	struct stack_sink sink;
	struct perf_maps *perf;
	struct address_spaces *spaces;
	struct first_look look;
	struct huge_page_looks huge_looks;
	struct objects *objects;
	struct patience patience;
	struct modules *modules;
	struct dictionary *dictionary;
	struct jit_names *jit_names;
	struct kernel_frames *kernel_frames;
	struct file_mappings *file_mappings;
	struct frame_lines *lines;
	struct resident *resident;
	struct prefetch *prefetch;
	struct queue queue;
	struct settled settled;
	bool frame_pointers;
	void (*cut)(void *context, const struct task_ref *thread, size_t room_bytes);
	void *cut_context;
	long page_bytes;
	bool is_behind; /* samples wait that could be worked off */
	size_t heap_bytes;
	struct stacks_counts counts;
	int take_error; /* what the sink said meanwhile */
};

/* Unwinds, names and tells one sample; 0, or what the sink said. */
int stacks__work(struct stacks *stacks, const struct waiting *waiting, uint64_t now_ns);
/* The number of the file that the page is of, told if need be; 0: of none, or not known. */
int stacks__file(struct stacks *stacks, struct stack_sample *sample, uint64_t now_ns, uint32_t *id);
