/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <string.h>

#include "model/model_internal.h"

/* What the stream tells of code and of files: modules, frames, stacks, files. */

static int stack__refuse(struct model *model, const struct event_header *event)
{
	return loss__count(model, LOSS_MALFORMED, event->kind);
}

int stack__on_module(struct model *model, const struct event_header *event)
{
	const struct event_module *told = (const struct event_module *)event;
	struct definition *made;
	size_t length;

	if (!told->module_id || told->build_id_bytes > EVENT_BUILD_ID_BYTES ||
	    told->path_bytes > event->size_bytes - sizeof(*told))
		return stack__refuse(model, event);
	definitions__look_for_room(model, event, DEFINITION_MODULE);
	length = strnlen(told->path, told->path_bytes);
	made = definition__new(DEFINITION_MODULE, length + 1);
	if (!made)
		return -ENOMEM;
	made->module.id = told->module_id;
	made->module.build_id_bytes = told->build_id_bytes;
	memcpy(made->module.build_id, told->build_id, told->build_id_bytes);
	made->module.path = memcpy(made->tail, told->path, length);
	return definitions__tell(model, event, told->module_id, made);
}

int stack__on_frame(struct model *model, const struct event_header *event)
{
	const struct event_frame *told = (const struct event_frame *)event;
	struct definition *made, *module;
	size_t length;

	if (!told->frame_id || told->kind >= FRAME_KIND_END ||
	    told->name_bytes > event->size_bytes - sizeof(*told))
		return stack__refuse(model, event);
	definitions__look_for_room(model, event, DEFINITION_FRAME);
	module = definitions__refer(model, event, DEFINITION_MODULE, told->module_id);
	/* Without its module its addresses mean nothing. */
	if (told->module_id && !module)
		return definitions__forget(model, DEFINITION_FRAME, told->frame_id);
	length = strnlen(told->name, told->name_bytes);
	made = definition__new(DEFINITION_FRAME, length + 1);
	if (!made)
		return -ENOMEM;
	made->frame = (struct frame){
		.id = told->frame_id,
		.module = module ? &module->module : NULL,
		.address = told->address,
		.start = length ? told->start : 0,
		.kind = told->kind,
		.name = length ? memcpy(made->tail, told->name, length) : NULL,
	};
	return definitions__tell(model, event, told->frame_id, made);
}

int stack__on_frame_line(struct model *model, const struct event_header *event)
{
	const struct event_frame_line *told = (const struct event_frame_line *)event;
	struct definition *frame;
	size_t length;

	if (!told->frame_id || told->file_bytes > event->size_bytes - sizeof(*told))
		return stack__refuse(model, event);
	length = strnlen(told->file, told->file_bytes);
	if (!length)
		return stack__refuse(model, event);
	frame = definitions__refer(model, event, DEFINITION_FRAME, told->frame_id);
	return frame ? definition__set_line(model, frame, told->file, length, told->line) : 0;
}

int stack__on_stack(struct model *model, const struct event_header *event)
{
	const struct event_stack *told = (const struct event_stack *)event;
	const struct frame **frames;
	struct definition *made;

	if (!told->stack_id || told->end >= STACK_END_COUNT ||
	    told->frame_count > EVENT_STACK_FRAMES ||
	    told->frame_count * sizeof(told->frames[0]) > event->size_bytes - sizeof(*told))
		return stack__refuse(model, event);
	definitions__look_for_room(model, event, DEFINITION_STACK);
	made = definition__new(DEFINITION_STACK, told->frame_count * sizeof(frames[0]));
	if (!made)
		return -ENOMEM;
	frames = (const struct frame **)made->tail;
	for (size_t i = 0; i < told->frame_count; i++) {
		struct definition *frame =
			definitions__refer(model, event, DEFINITION_FRAME, told->frames[i]);

		frames[i] = frame ? &frame->frame : NULL;
	}
	made->stack = (struct stack){
		.id = told->stack_id,
		.end = told->end,
		.count = told->frame_count,
		.frames = frames,
	};
	return definitions__tell(model, event, told->stack_id, made);
}

int stack__on_file(struct model *model, const struct event_header *event)
{
	const struct event_file *told = (const struct event_file *)event;
	struct definition *made;
	size_t length;

	if (!told->file_id || told->names_bytes > event->size_bytes - sizeof(*told))
		return stack__refuse(model, event);
	definitions__look_for_room(model, event, DEFINITION_FILE);
	made = definition__new(DEFINITION_FILE, (size_t)told->names_bytes + 2);
	if (!made)
		return -ENOMEM;
	memcpy(made->tail, told->names, told->names_bytes);
	length = strlen(made->tail);
	made->file = (struct file){
		.id = told->file_id,
		.flags = told->flags,
		.path = made->tail,
		.mount = length < told->names_bytes && made->tail[length + 1]
				 ? made->tail + length + 1
				 : NULL,
	};
	return definitions__tell(model, event, told->file_id, made);
}

/* --- what model.h offers -------------------------------------------------------------------- */

enum stack_quality stack__quality(const struct stack *stack)
{
	if (!stack || (stack->end == STACK_END_COMPLETE && !stack->count))
		return STACK_UNKNOWN;
	if (stack->end != STACK_END_COMPLETE)
		return STACK_INCOMPLETE;
	for (size_t i = 0; i < stack->count; i++) {
		const struct frame *frame = stack->frames[i];

		if (!frame || (!frame->name && !frame->module))
			return STACK_UNNAMED;
	}
	return STACK_EXPLAINED;
}
