/* SPDX-License-Identifier: GPL-2.0-only */
#include "source/stack_events.h"

#include <string.h>

#include "source/observe.h"

_Static_assert(sizeof(struct event_module) + EVENT_PATH_BYTES + 8 <=
		       sizeof(((struct stack_events *)0)->event),
	       "room for a module");
_Static_assert(sizeof(struct event_frame) + EVENT_PATH_BYTES <=
		       sizeof(((struct stack_events *)0)->event),
	       "room for a frame");
_Static_assert(sizeof(struct event_stack) + EVENT_STACK_FRAMES * sizeof(__u32) <=
		       sizeof(((struct stack_events *)0)->event),
	       "room for a stack");

/* Of `bytes` without what follows, which is to be padded with NULs. */
static void *begin(struct stack_events *events, enum event_kind kind, size_t bytes, size_t more)
{
	struct event_header *header = (struct event_header *)events->event;

	memset(events->event, 0, bytes + more + 8);
	observe__header(header, kind, (uint32_t)((bytes + more + 7) & ~7UL));
	return header;
}

static int pass_on(struct stack_events *events)
{
	return events->sink(events->context, (const struct event_header *)events->event);
}

static size_t text_bytes(const char *text)
{
	return text ? strnlen(text, EVENT_PATH_BYTES) : 0;
}

static int on_module(void *context, const struct stack_module *module)
{
	size_t path_bytes = text_bytes(module->path), id_bytes = module->build_id_bytes;
	struct event_module *event =
		begin(context, EVENT_MODULE, sizeof(struct event_module), path_bytes);

	event->module_id = module->id;
	if (id_bytes > sizeof(event->build_id))
		id_bytes = sizeof(event->build_id);
	if (module->build_id) {
		event->build_id_bytes = (uint32_t)id_bytes;
		memcpy(event->build_id, module->build_id, id_bytes);
	}
	event->path_bytes = (uint32_t)path_bytes;
	memcpy(event->path, module->path, path_bytes);
	return pass_on(context);
}

static int on_frame(void *context, const struct stack_frame *frame)
{
	size_t name_bytes = text_bytes(frame->name);
	struct event_frame *event =
		begin(context, EVENT_FRAME, sizeof(struct event_frame), name_bytes);

	event->frame_id = frame->id;
	event->module_id = frame->module;
	event->address = frame->address;
	event->start = frame->start;
	event->kind = frame->kind;
	event->name_bytes = (uint32_t)name_bytes;
	if (frame->name)
		memcpy(event->name, frame->name, name_bytes);
	return pass_on(context);
}

static int on_line(void *context, const struct stack_frame_line *line)
{
	size_t file_bytes = text_bytes(line->file);
	struct event_frame_line *event =
		begin(context, EVENT_FRAME_LINE, sizeof(struct event_frame_line), file_bytes);

	event->frame_id = line->frame;
	event->line = line->line;
	event->file_bytes = (uint32_t)file_bytes;
	memcpy(event->file, line->file, file_bytes);
	return pass_on(context);
}

static int on_stack(void *context, const struct stack_chain *chain)
{
	size_t bytes = chain->count * sizeof(chain->frames[0]);
	struct event_stack *event = begin(context, EVENT_STACK, sizeof(struct event_stack), bytes);

	event->stack_id = chain->id;
	event->end = chain->end;
	event->frame_count = (uint32_t)chain->count;
	memcpy(event->frames, chain->frames, bytes);
	return pass_on(context);
}

static int on_file(void *context, const struct stack_file *file)
{
	size_t path_bytes = text_bytes(file->path), mount_bytes = text_bytes(file->mount);
	size_t bytes = path_bytes + (mount_bytes ? 1 + mount_bytes : 0);
	struct event_file *event = begin(context, EVENT_FILE, sizeof(struct event_file), bytes);

	event->file_id = file->id;
	event->flags = file->flags;
	event->names_bytes = (uint32_t)bytes;
	memcpy(event->names, file->path, path_bytes);
	if (mount_bytes)
		memcpy(event->names + path_bytes + 1, file->mount, mount_bytes);
	return pass_on(context);
}

static int on_growth(void *context, const struct stack_growth *growth)
{
	struct event_growth *event = begin(context, EVENT_GROWTH, sizeof(struct event_growth), 0);

	event->came_ns = growth->time_ns;
	event->task = growth->task;
	event->mm_id = growth->mm_id;
	event->address = growth->address;
	event->block_bytes = growth->block_bytes;
	memcpy(event->pages, growth->pages, sizeof(event->pages));
	event->stack_id = growth->stack;
	event->flags = growth->in_kernel ? GROWTH_IN_KERNEL : 0;
	event->file_id = growth->file;
	return pass_on(context);
}

static int on_gone(void *context, const struct stack_gone *gone)
{
	struct event_growth_gone *event =
		begin(context, EVENT_GROWTH_GONE, sizeof(struct event_growth_gone), 0);

	event->task = gone->task;
	event->samples = gone->samples;
	memcpy(event->bytes, gone->bytes, sizeof(event->bytes));
	event->stack_id = gone->stack;
	event->file_id = gone->file;
	return pass_on(context);
}

struct stack_sink stack_events__sink(struct stack_events *events)
{
	return (struct stack_sink){
		.context = events,
		.module = on_module,
		.frame = on_frame,
		.line = on_line,
		.stack = on_stack,
		.file = on_file,
		.growth = on_growth,
		.gone = on_gone,
	};
}
