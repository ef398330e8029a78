/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/* Growth by stack for the stories of story.h. Blocks are of 1 MiB: a page stands for 1 MiB. */

#include <stdlib.h>

#include "tests/unit/report/story.h"

#define GROWN_BLOCK_BYTES (1 << 20)
#define MIB_(n)           ((int64_t)(n) << 20)

/* An event with `bytes` of text behind it. */
static inline void *grown__event(uint16_t kind, size_t fixed, const void *bytes, size_t length)
{
	const size_t size = (fixed + length + 7) & ~(size_t)7;
	char *event = calloc(1, size);

	assert_non_null(event);
	*(struct event_header *)event = story__header(kind, size, 1);
	memcpy(event + fixed, bytes, length);
	return event;
}

static inline void grown__module(struct model *model, uint32_t id, const char *path)
{
	struct event_module *module =
		grown__event(EVENT_MODULE, sizeof(*module), path, strlen(path));

	module->module_id = id;
	module->build_id_bytes = 4;
	module->build_id[0] = 0xb1;
	module->build_id[3] = (uint8_t)id;
	module->path_bytes = (uint32_t)strlen(path);
	story__tell(model, module);
	free(module);
}

/* name "": none. */
static inline void grown__frame(struct model *model, uint32_t id, uint32_t module,
				enum frame_kind kind, uint64_t address, const char *name)
{
	struct event_frame *frame = grown__event(EVENT_FRAME, sizeof(*frame), name, strlen(name));

	frame->frame_id = id;
	frame->module_id = module;
	frame->kind = kind;
	frame->address = address;
	frame->start = *name ? address & ~0xffULL : 0;
	frame->name_bytes = (uint32_t)strlen(name);
	story__tell(model, frame);
	free(frame);
}

static inline void grown__stack(struct model *model, uint32_t id, enum stack_end end,
				const uint32_t *frames, uint32_t count)
{
	struct event_stack *stack =
		grown__event(EVENT_STACK, sizeof(*stack), frames, count * sizeof(*frames));

	stack->stack_id = id;
	stack->end = end;
	stack->frame_count = count;
	story__tell(model, stack);
	free(stack);
}

#define GROWN_STACK(model, id, end, ...)                              \
	grown__stack(model, id, end, (const uint32_t[]){__VA_ARGS__}, \
		     sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

/* `names`: a path, or a path, a NUL and where its tmpfs is mounted. */
static inline void grown__file(struct model *model, uint32_t id, uint32_t flags, const char *names,
			       size_t length)
{
	struct event_file *file = grown__event(EVENT_FILE, sizeof(*file), names, length);

	file->file_id = id;
	file->flags = flags;
	file->names_bytes = (uint32_t)length;
	story__tell(model, file);
	free(file);
}

/* To be changed before it is told. */
static inline struct event_growth grown__pages(uint64_t ms, uint32_t pid, uint32_t stack,
					       int32_t anon)
{
	return (struct event_growth){
		.header = STORY_HEADER(GROWTH, event_growth, ms),
		.came_ns = MS(ms),
		.task = story__task(pid),
		.mm_id = pid,
		.address = 0x7f0000000000ULL,
		.block_bytes = GROWN_BLOCK_BYTES,
		.pages = {[GROWTH_ANON] = anon},
		.stack_id = stack,
	};
}

static inline void grown__sample(struct model *model, uint64_t ms, uint32_t pid, uint32_t stack,
				 int32_t anon)
{
	const struct event_growth growth = grown__pages(ms, pid, stack, anon);

	story__tell(model, &growth);
}

/* It was looked at, and so much was there no more. */
static inline void grown__gone(struct model *model, uint64_t ms, uint32_t pid, uint32_t stack,
			       int64_t anon_bytes, int64_t file_bytes)
{
	const struct event_growth_gone gone = {
		.header = STORY_HEADER(GROWTH_GONE, event_growth_gone, ms),
		.task = story__task(pid),
		.samples = anon_bytes || file_bytes,
		.bytes = {[GROWTH_ANON] = anon_bytes, [GROWTH_FILE] = file_bytes},
		.stack_id = stack,
	};

	story__tell(model, &gone);
}

enum { GROWN_APP = 11, GROWN_OTHER = 12 };

/*
 * Two workers of one program and a node. Worker 21 was there with 10 MiB and rises to 64, worker
 * 22 to 20 from 4 MiB, node 23 from 1 to 9. The workers fill by the same functions, from two places
 * of main; stack 3 is cut, stack 4 goes through unnamed code, one sample has none.
 */
static inline struct model *grown__story(void)
{
	struct model *model = story__begin(2, FOLLOW_ALL);
	struct event_growth growth;

	story__cgroup(model, 1, 0, "", EVENT_UNKNOWN, EVENT_NO_LIMIT);
	story__cgroup(model, GROWN_APP, 1, "app", MIB_(10), MIB_(256));
	story__cgroup(model, GROWN_OTHER, 1, "app-2", MIB_(10), MIB_(256));
	story__process(model, 21, "work;er", GROWN_APP, MIB_(10));
	story__process(model, 22, "work;er", GROWN_APP, MIB_(4));
	story__process(model, 23, "node", GROWN_OTHER, MIB_(1));
	story__opened(model, 1);
	grown__module(model, 1, "/srv/worker");
	grown__module(model, 2, "/lib/libc.so.6");
	grown__frame(model, 1, 2, FRAME_NATIVE, 0x1010, "sysmalloc");
	grown__frame(model, 2, 2, FRAME_NATIVE, 0x2010, "malloc");
	grown__frame(model, 3, 1, FRAME_NATIVE, 0x3010, "fill;\x1b[2J");
	grown__frame(model, 4, 1, FRAME_NATIVE, 0x4010, "main");
	grown__frame(model, 5, 1, FRAME_NATIVE, 0x4020, "main");
	grown__frame(model, 6, 0, FRAME_JIT, 0x7f0000001000ULL, "");
	grown__frame(model, 7, 0, FRAME_UNKNOWN, 0x7f0000002000ULL, "");
	grown__frame(model, 8, 1, FRAME_NATIVE, 0x5010, "");
	GROWN_STACK(model, 1, STACK_END_COMPLETE, 1, 2, 3, 4);
	GROWN_STACK(model, 2, STACK_END_COMPLETE, 1, 2, 3, 5);
	GROWN_STACK(model, 3, STACK_END_CUT, 8, 3);
	GROWN_STACK(model, 4, STACK_END_COMPLETE, 6, 6, 7, 4);
	/* What stack 1 says, under another number. */
	GROWN_STACK(model, 5, STACK_END_COMPLETE, 1, 2, 3, 4);
	grown__sample(model, 100, 21, 1, 20);
	story__rss(model, 1000, 21, GROWN_APP, MIB_(40));
	grown__sample(model, 1100, 21, 5, 8);
	grown__sample(model, 1200, 21, 3, 4);
	growth = grown__pages(1300, 21, 0, 3);
	story__tell(model, &growth);
	story__rss(model, 2000, 21, GROWN_APP, MIB_(64));
	grown__sample(model, 2100, 22, 2, 10);
	growth = grown__pages(2200, 22, 1, 0); /* where 21 grew, too */
	growth.pages[GROWTH_FILE] = 2;
	story__tell(model, &growth);
	story__rss(model, 3000, 22, GROWN_APP, MIB_(20));
	grown__sample(model, 3100, 23, 4, 6);
	story__rss(model, 4000, 23, GROWN_OTHER, MIB_(9));
	return model;
}
