/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/* Growth samples and what they refer to: one call, one event. */

#include "tests/unit/model/rolling.h"

#define BLOCK ((int64_t)MIB) /* what a page of a sample stands for */

static inline void module_named(struct model *model, uint64_t ms, uint32_t id, const char *path)
{
	union {
		struct event_module event;
		char bytes[sizeof(struct event_module) + EVENT_PATH_BYTES];
	} told = {0};
	const size_t length = strlen(path);

	told.event.header =
		header(EVENT_MODULE, (sizeof(told.event) + length + 7) & ~(size_t)7, ms);
	told.event.module_id = id;
	told.event.build_id_bytes = 20;
	memset(told.event.build_id, 0x5a, 20);
	told.event.path_bytes = (uint32_t)length;
	memcpy(told.event.path, path, length);
	assert_int_equal(event__check(&told.event.header, sizeof(told)), 0);
	apply(model, &told);
}

static inline void frame_at(struct model *model, uint64_t ms, uint32_t id, uint32_t module,
			    uint64_t address, const char *name)
{
	union {
		struct event_frame event;
		char bytes[sizeof(struct event_frame) + EVENT_PATH_BYTES];
	} told = {0};
	const size_t length = name ? strlen(name) : 0;

	told.event.header = header(EVENT_FRAME, (sizeof(told.event) + length + 7) & ~(size_t)7, ms);
	told.event.frame_id = id;
	told.event.module_id = module;
	told.event.address = address;
	told.event.start = address & ~0xffULL;
	told.event.name_bytes = (uint32_t)length;
	if (length)
		memcpy(told.event.name, name, length);
	assert_int_equal(event__check(&told.event.header, sizeof(told)), 0);
	apply(model, &told);
}

/* Of two frames; 0 for the second: of one. */
static inline void stack_of(struct model *model, uint64_t ms, uint32_t id, enum stack_end end,
			    uint32_t inner, uint32_t outer)
{
	union {
		struct event_stack event;
		char bytes[sizeof(struct event_stack) + 8];
	} told = {0};

	told.event.header = header(EVENT_STACK, sizeof(told), ms);
	told.event.stack_id = id;
	told.event.end = end;
	told.event.frame_count = outer ? 2 : 1;
	told.event.frames[0] = inner;
	told.event.frames[1] = outer;
	assert_int_equal(event__check(&told.event.header, sizeof(told)), 0);
	apply(model, &told);
}

static inline struct event_growth sample_of(uint64_t ms, uint32_t pid, uint32_t stack, int32_t anon)
{
	struct event_growth sample = {
		.header = header(EVENT_GROWTH, sizeof(sample), ms),
		.came_ns = ms * NS_PER_MS,
		.task = task(pid),
		.mm_id = pid,
		.address = 0x7f0000000000,
		.block_bytes = BLOCK,
		.stack_id = stack,
	};

	sample.task.tid = pid + 1;
	sample.pages[GROWTH_ANON] = anon;
	return sample;
}

static inline void grow(struct model *model, uint64_t ms, uint32_t pid, uint32_t stack,
			int32_t anon)
{
	struct event_growth sample = sample_of(ms, pid, stack, anon);

	apply(model, &sample);
}

/* So many samples of one page each. */
static inline void gone(struct model *model, uint64_t ms, uint32_t pid, uint32_t stack,
			uint64_t samples)
{
	struct event_growth_gone event = {
		.header = header(EVENT_GROWTH_GONE, sizeof(event), ms),
		.task = task(pid),
		.samples = samples,
		.stack_id = stack,
	};

	event.bytes[GROWTH_ANON] = (int64_t)samples * BLOCK;
	assert_int_equal(event__check(&event.header, sizeof(event)), 0);
	apply(model, &event);
}

/* One module, frames 1 to 3, and stacks 1 (frames 1, 3) and 2 (frames 2, 3). */
static inline void two_stacks(struct model *model, uint64_t ms)
{
	module_named(model, ms, 1, "/bin/app");
	frame_at(model, ms, 1, 1, 0x1010, "one");
	frame_at(model, ms, 2, 1, 0x2010, "two");
	frame_at(model, ms, 3, 1, 0x3010, "main");
	stack_of(model, ms, 1, STACK_END_COMPLETE, 1, 3);
	stack_of(model, ms, 2, STACK_END_COMPLETE, 2, 3);
}

static inline struct memory resident(int64_t anon_bytes, int64_t file_bytes)
{
	return (struct memory){.anon_bytes = anon_bytes, .file_bytes = file_bytes};
}

static inline void assert_frame(const struct frame *frame, const char *name, uint64_t address,
				const char *path)
{
	assert_non_null(frame);
	assert_string_equal(frame->name, name);
	assert_int_equal(frame->address, address);
	assert_string_equal(frame->module->path, path);
}
