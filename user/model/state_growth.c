/* SPDX-License-Identifier: GPL-2.0-only */
#include <stdlib.h>
#include <string.h>

#include "model/state.h"

/*
 * Growth by stack in the state block: that of processes which go on, each behind the definitions it
 * needs; then the numbers that the stream may still refer to.
 */

static void tell_times(struct event_header *header, const struct definition *definition)
{
	header->time_ns = definition->number ? definition->number->used_ns : 0;
}

/* The bytes behind an event's fixed part, and the padding. */
static void put_tail(struct event_header *header, char *tail, const char *bytes, size_t length)
{
	memset(tail, 0, (length + 7) & ~(size_t)7);
	if (length)
		memcpy(tail, bytes, length);
	header->size_bytes += (uint32_t)length;
}

static int tell_definition(struct move *move, struct definition *definition, uint32_t id);

/* One whose number was given up gets one that nobody has. */
static uint32_t number_of(const struct move *move, const struct definition *definition)
{
	uint32_t id = UINT32_MAX;

	if (definition->number)
		return definition->number->id;
	id -= move->unnumbered[definition->kind];
	while (definitions__number(move->model, definition->kind, id))
		id--;
	return id;
}

/* *id: what it was told under; 0 for none. */
static int tell_once(struct move *move, struct definition *definition, uint32_t *id)
{
	int error;

	*id = 0;
	if (!definition)
		return 0;
	if (!definition->told_id) {
		const uint32_t number = number_of(move, definition);

		error = tell_definition(move, definition, number);
		if (error)
			return error;
		definition->told_id = number;
		if (!definition->number)
			move->unnumbered[definition->kind] = UINT32_MAX - number + 1;
	}
	*id = definition->told_id;
	return 0;
}

static int tell_module(struct move *move, const struct definition *definition, uint32_t id)
{
	const struct module *module = &definition->module;
	struct event_module *event = move__begin(move, EVENT_MODULE, sizeof(*event), 0);

	tell_times(&event->header, definition);
	event->module_id = id;
	event->build_id_bytes = (uint32_t)module->build_id_bytes;
	memcpy(event->build_id, module->build_id, module->build_id_bytes);
	event->path_bytes = (uint32_t)strlen(module->path);
	put_tail(&event->header, event->path, module->path, event->path_bytes);
	return move__tell(move);
}

static int tell_line(struct move *move, const struct definition *definition, uint32_t id)
{
	const struct frame *frame = &definition->frame;
	struct event_frame_line *event;

	if (!frame->file)
		return 0;
	event = move__begin(move, EVENT_FRAME_LINE, sizeof(*event), 0);
	tell_times(&event->header, definition);
	event->frame_id = id;
	event->line = frame->line;
	event->file_bytes = (uint32_t)strlen(frame->file);
	put_tail(&event->header, event->file, frame->file, event->file_bytes);
	return move__tell(move);
}

static int tell_frame(struct move *move, const struct definition *definition, uint32_t id)
{
	const struct frame *frame = &definition->frame;
	struct event_frame *event;
	uint32_t module_id;
	int error = tell_once(move, (struct definition *)frame->module, &module_id);

	if (error)
		return error;
	event = move__begin(move, EVENT_FRAME, sizeof(*event), 0);
	tell_times(&event->header, definition);
	event->frame_id = id;
	event->module_id = module_id;
	event->address = frame->address;
	event->start = frame->start;
	event->kind = frame->kind;
	event->name_bytes = frame->name ? (uint32_t)strlen(frame->name) : 0;
	put_tail(&event->header, event->name, frame->name, event->name_bytes);
	error = move__tell(move);
	return error ? error : tell_line(move, definition, id);
}

static int tell_stack(struct move *move, const struct definition *definition, uint32_t id)
{
	const struct stack *stack = &definition->stack;
	struct event_stack *event;
	uint32_t frame_id;
	int error = 0;

	for (size_t i = 0; i < stack->count && !error; i++)
		error = tell_once(move, (struct definition *)stack->frames[i], &frame_id);
	if (error)
		return error;
	event = move__begin(
		move, EVENT_STACK,
		(sizeof(*event) + stack->count * sizeof(event->frames[0]) + 7) & ~(size_t)7, 0);
	tell_times(&event->header, definition);
	event->stack_id = id;
	event->end = stack->end;
	event->frame_count = (uint32_t)stack->count;
	for (size_t i = 0; i < stack->count; i++) {
		const struct definition *frame = (const struct definition *)stack->frames[i];

		event->frames[i] = frame ? frame->told_id : 0;
	}
	return move__tell(move);
}

static int tell_file(struct move *move, const struct definition *definition, uint32_t id)
{
	const struct file *file = &definition->file;
	struct event_file *event = move__begin(move, EVENT_FILE, sizeof(*event), 0);
	const size_t length = strlen(file->path);

	tell_times(&event->header, definition);
	event->file_id = id;
	event->flags = file->flags;
	event->names_bytes = (uint32_t)(length + (file->mount ? strlen(file->mount) + 1 : 0));
	/* In memory they lie one behind the other, as they came. */
	put_tail(&event->header, event->names, file->path, event->names_bytes);
	return move__tell(move);
}

/* What it refers to, before it. */
static int tell_definition(struct move *move, struct definition *definition, uint32_t id)
{
	switch (definition->kind) {
	case DEFINITION_MODULE:
		return tell_module(move, definition, id);
	case DEFINITION_FRAME:
		return tell_frame(move, definition, id);
	case DEFINITION_FILE:
		return tell_file(move, definition, id);
	default:
		return tell_stack(move, definition, id);
	}
}

static int tell_sums(struct move *move, const struct growth_slot *sums)
{
	const struct growth *growth = &sums->growth;
	struct event_kept_growth *event;
	uint32_t stack_id, file_id;
	int error = tell_once(move, (struct definition *)growth->stack, &stack_id);

	if (!error)
		error = tell_once(move, (struct definition *)growth->file, &file_id);
	if (error)
		return error;
	event = move__begin(move, EVENT_KEPT_GROWTH, sizeof(*event), growth->last_ns);
	event->task = growth->task;
	event->first_ns = growth->first_ns;
	event->samples = growth->samples;
	event->bytes[GROWTH_ANON] = growth->anon_bytes;
	event->bytes[GROWTH_FILE] = growth->file_bytes;
	event->bytes[GROWTH_SHMEM] = growth->shmem_bytes;
	event->bytes[GROWTH_SWAP] = growth->from_swap_bytes;
	event->in_kernel_bytes = growth->in_kernel_bytes;
	event->rose_bytes = sums->key.grower->rose_bytes;
	event->variance_pages = growth->variance_pages;
	event->stack_id = stack_id;
	event->file_id = file_id;
	event->flags = growth->unwatched ? KEPT_GROWTH_UNWATCHED : 0;
	event->gone_samples = growth->gone_samples;
	event->gone_bytes[GROWTH_ANON] = growth->gone_anon_bytes;
	event->gone_bytes[GROWTH_FILE] = growth->gone_file_bytes;
	event->gone_bytes[GROWTH_SHMEM] = growth->gone_shmem_bytes;
	event->gone_bytes[GROWTH_SWAP] = growth->gone_from_swap_bytes;
	event->looked_ns = sums->key.grower->looked_ns;
	return move__tell(move);
}

/* Under another number, if it was told already: what it refers to has been told then. */
static int tell_numbers(struct move *move, enum definition_kind kind)
{
	int error = 0;

	for (const struct number *number = move->model->definitions.of[kind].by_id;
	     number && !error; number = number->hh.next) {
		struct definition *definition = number->definition;
		uint32_t told_id;

		/* What has grown by a stack may go at any time, and by any of its numbers. */
		if (!move__is_since(number->used_ns, move->options->now_ns, NUMBER_LASTS_NS) &&
		    !(kind == DEFINITION_STACK && definition->told_id))
			continue;
		error = tell_once(move, definition, &told_id);
		if (!error && told_id != number->id)
			error = tell_definition(move, definition, number->id);
	}
	return error;
}

int move__tell_growth(struct move *move)
{
	struct model *model = move->model;
	int error = 0;

	for (size_t i = 0; i < model->growths.count && !error; i++) {
		const struct growth_slot *sums = model->growths.slots[i];

		if (process__keep(sums->key.grower->slot) == KEEP_WHOLE)
			error = tell_sums(move, sums);
	}
	for (int kind = 0; kind < DEFINITION_KINDS && !error; kind++)
		error = tell_numbers(move, kind);
	growth__free_all(model);
	definitions__free(model);
	return error;
}
