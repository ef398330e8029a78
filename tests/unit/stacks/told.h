/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/* A listener that keeps all that is told, and insists that nothing is referred to before. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stacks/sink.h"

#define TOLD_MAX 4096

struct told_module {
	uint32_t id;
	size_t build_id_bytes;
	char path[512];
};

struct told_frame {
	struct stack_frame frame;
	char name[512]; /* "" : none */
};

struct told_chain {
	struct stack_chain chain;
	uint32_t frames[EVENT_STACK_FRAMES];
};

struct told_file {
	uint32_t id;
	uint32_t flags;
	char path[512];
	char mount[512]; /* "": none */
};

struct told_line {
	uint32_t frame;
	uint32_t line;
	char file[512];
};

struct told {
	struct told_module modules[TOLD_MAX];
	struct told_frame frames[TOLD_MAX];
	struct told_line lines[TOLD_MAX];
	struct told_chain chains[TOLD_MAX];
	struct told_file files[TOLD_MAX];
	struct stack_growth growths[TOLD_MAX];
	struct stack_gone gone[TOLD_MAX];
	size_t module_count, frame_count, line_count, chain_count, file_count, growth_count,
		gone_count;
	int answer; /* of every call */
};

static inline const struct told_module *told__module(const struct told *told, uint32_t id)
{
	for (size_t i = told->module_count; i-- > 0;) {
		if (told->modules[i].id == id)
			return &told->modules[i];
	}
	return NULL;
}

static inline const struct told_frame *told__frame(const struct told *told, uint32_t id)
{
	for (size_t i = told->frame_count; i-- > 0;) {
		if (told->frames[i].frame.id == id)
			return &told->frames[i];
	}
	return NULL;
}

static inline const struct told_chain *told__chain(const struct told *told, uint32_t id)
{
	for (size_t i = told->chain_count; i-- > 0;) {
		if (told->chains[i].chain.id == id)
			return &told->chains[i];
	}
	return NULL;
}

static inline const struct told_file *told__file(const struct told *told, uint32_t id)
{
	for (size_t i = told->file_count; i-- > 0;) {
		if (told->files[i].id == id)
			return &told->files[i];
	}
	return NULL;
}

static inline int told__on_file(void *context, const struct stack_file *file)
{
	struct told *told = context;
	struct told_file *kept = &told->files[told->file_count++];

	assert_true(told->file_count < TOLD_MAX);
	assert_int_not_equal(file->id, 0);
	kept->id = file->id;
	kept->flags = file->flags;
	snprintf(kept->path, sizeof(kept->path), "%s", file->path);
	snprintf(kept->mount, sizeof(kept->mount), "%s", file->mount ? file->mount : "");
	return told->answer;
}

static inline int told__on_module(void *context, const struct stack_module *module)
{
	struct told *told = context;
	struct told_module *kept = &told->modules[told->module_count++];

	assert_true(told->module_count < TOLD_MAX);
	assert_int_not_equal(module->id, 0);
	assert_non_null(module->path);
	kept->id = module->id;
	kept->build_id_bytes = module->build_id ? module->build_id_bytes : 0;
	snprintf(kept->path, sizeof(kept->path), "%s", module->path);
	return told->answer;
}

static inline int told__on_frame(void *context, const struct stack_frame *frame)
{
	struct told *told = context;
	struct told_frame *kept = &told->frames[told->frame_count++];

	assert_true(told->frame_count < TOLD_MAX);
	assert_int_not_equal(frame->id, 0);
	assert_true(frame->kind < FRAME_KIND_END);
	if (frame->module && !told__module(told, frame->module))
		fail_msg("frame %u before module %u", frame->id, frame->module);
	kept->frame = *frame;
	snprintf(kept->name, sizeof(kept->name), "%s", frame->name ? frame->name : "");
	return told->answer;
}

static inline int told__on_line(void *context, const struct stack_frame_line *line)
{
	struct told *told = context;
	struct told_line *kept = &told->lines[told->line_count++];

	assert_true(told->line_count < TOLD_MAX);
	if (!told__frame(told, line->frame))
		fail_msg("line of frame %u before it", line->frame);
	assert_true(line->file && *line->file);
	kept->frame = line->frame;
	kept->line = line->line;
	snprintf(kept->file, sizeof(kept->file), "%s", line->file);
	return told->answer;
}

static inline int told__on_chain(void *context, const struct stack_chain *chain)
{
	struct told *told = context;
	struct told_chain *kept = &told->chains[told->chain_count++];

	assert_true(told->chain_count < TOLD_MAX);
	assert_int_not_equal(chain->id, 0);
	assert_true(chain->count <= EVENT_STACK_FRAMES);
	assert_true(chain->end < STACK_END_COUNT);
	kept->chain = *chain;
	for (size_t i = 0; i < chain->count; i++) {
		if (!told__frame(told, chain->frames[i]))
			fail_msg("stack %u before frame %u", chain->id, chain->frames[i]);
		kept->frames[i] = chain->frames[i];
	}
	kept->chain.frames = kept->frames;
	return told->answer;
}

static inline int told__on_growth(void *context, const struct stack_growth *growth)
{
	struct told *told = context;

	told->growths[told->growth_count++] = *growth;
	assert_true(told->growth_count < TOLD_MAX);
	if (growth->stack && !told__chain(told, growth->stack))
		fail_msg("growth before stack %u", growth->stack);
	if (growth->file && !told__file(told, growth->file))
		fail_msg("growth before file %u", growth->file);
	return told->answer;
}

/* Nothing that was not told as growth of the same process and stack. */
static inline int told__on_gone(void *context, const struct stack_gone *gone)
{
	struct told *told = context;
	bool grown = false;

	told->gone[told->gone_count++] = *gone;
	assert_true(told->gone_count < TOLD_MAX);
	for (size_t i = 0; i < told->growth_count && !grown; i++)
		grown = told->growths[i].task.pid == gone->task.pid &&
			(!gone->samples || (told->growths[i].stack == gone->stack &&
					    told->growths[i].file == gone->file));
	if (!grown)
		fail_msg("gone before it grew: stack %u of %u", gone->stack, gone->task.pid);
	return told->answer;
}

static inline struct stack_sink told__sink(struct told *told)
{
	return (struct stack_sink){
		.context = told,
		.module = told__on_module,
		.frame = told__on_frame,
		.line = told__on_line,
		.stack = told__on_chain,
		.file = told__on_file,
		.growth = told__on_growth,
		.gone = told__on_gone,
	};
}

static inline struct told *told__new(void)
{
	struct told *told = calloc(1, sizeof(*told));

	assert_non_null(told);
	return told;
}
