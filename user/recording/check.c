/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>

#include "recording/reader.h"

/* The size of each kind, flexible arrays empty; 0: unknown to this version. */
static const __u32 sizes[EVENT_KIND_END] = {
#define X(name, number, type) [number] = sizeof(struct type),
	EVENT_KINDS(X)
#undef X
};

static __u32 smallest(__u16 kind)
{
	switch (kind) {
#define X(name, first_bytes) \
	case EVENT_##name:   \
		return first_bytes;
		EVENTS_GROWN(X)
#undef X
	default:
		return sizes[kind];
	}
}

static int argv__check(const struct event_header *event, __u32 argv_bytes)
{
	if (argv_bytes > EVENT_ARGV_BYTES || argv_bytes > event->size_bytes - sizes[event->kind])
		return -EBADMSG;
	return 0;
}

static int oom_kill__check(const struct event_oom_kill *kill)
{
	if (kill->way >= OOM_WAY_END || kill->constraint < OOM_CONSTRAINT_UNKNOWN ||
	    kill->constraint > OOM_CONSTRAINT_MEMCG)
		return -ENOENT;
	return 0;
}

static int kept_cgroup__check(const struct event_kept_cgroup *kept)
{
	return kept->limit_count > EVENT_KEPT_LIMITS || kept->reclaim_count > EVENT_KEPT_RECLAIMS
		       ? -EBADMSG
		       : 0;
}

static int kept_series__check(const struct event_kept_series *kept)
{
	static const __u32 widths[] = {
#define X(name, width) [KEPT_SERIES_##name] = width,
		KEPT_SERIES_OF(X)
#undef X
	};
	__u32 row_bytes;

	if (kept->of >= KEPT_SERIES_END || kept->thinning >= EVENT_SERIES_THINNINGS)
		return -ENOENT;
	row_bytes = (1 + widths[kept->of]) * (__u32)sizeof(kept->rows[0]);
	if (kept->rows_bytes > kept->header.size_bytes - sizeof(*kept) ||
	    kept->rows_bytes % row_bytes || kept->rows_bytes / row_bytes > EVENT_SERIES_POINTS)
		return -EBADMSG;
	return 0;
}

/* What follows the fixed part, of at most so many bytes, lies within the event. */
static int tail__check(const struct event_header *event, __u32 bytes, __u32 most)
{
	return bytes > most || bytes > event->size_bytes - sizes[event->kind] ? -EBADMSG : 0;
}

static int module__check(const struct event_module *module)
{
	if (module->build_id_bytes > EVENT_BUILD_ID_BYTES)
		return -EBADMSG;
	return tail__check(&module->header, module->path_bytes, EVENT_PATH_BYTES);
}

static int frame__check(const struct event_frame *frame)
{
	if (frame->kind >= FRAME_KIND_END)
		return -ENOENT;
	return tail__check(&frame->header, frame->name_bytes, EVENT_PATH_BYTES);
}

static int frame_line__check(const struct event_frame_line *line)
{
	return tail__check(&line->header, line->file_bytes, EVENT_PATH_BYTES);
}

static int stack__check(const struct event_stack *stack)
{
	if (stack->end >= STACK_END_COUNT)
		return -ENOENT;
	if (stack->frame_count > EVENT_STACK_FRAMES)
		return -EBADMSG;
	return tail__check(&stack->header, stack->frame_count * (__u32)sizeof(stack->frames[0]),
			   EVENT_STACK_FRAMES * sizeof(stack->frames[0]));
}

static int file__check(const struct event_file *file)
{
	return tail__check(&file->header, file->names_bytes, 2 * EVENT_PATH_BYTES + 1);
}

static int growth__check(const struct event_growth *growth)
{
	if (growth->block_bytes < GROWTH_BLOCK_MIN || growth->block_bytes > GROWTH_BLOCK_MAX ||
	    growth->block_bytes & (growth->block_bytes - 1))
		return -EBADMSG;
	for (int i = 0; i < GROWTH_MEMBERS; i++) {
		if (growth->pages[i] > GROWTH_PAGES_MAX || growth->pages[i] < -GROWTH_PAGES_MAX)
			return -EBADMSG;
	}
	return 0;
}

static int growth_gone__check(const struct event_growth_gone *gone)
{
	for (int i = 0; i < GROWTH_MEMBERS; i++) {
		if (gone->bytes[i] < 0)
			return -EBADMSG;
	}
	return 0;
}

int event__check(const struct event_header *event, size_t available)
{
	if (available < sizeof(*event) || event->size_bytes < sizeof(*event) ||
	    event->size_bytes > EVENT_MAX_BYTES || event->size_bytes % 8 ||
	    event->size_bytes > available)
		return -EBADMSG;
	if (event->kind >= EVENT_KIND_END || !sizes[event->kind])
		return -ENOENT;
	if (event->size_bytes < smallest(event->kind))
		return -EBADMSG;

	switch (event->kind) {
	case EVENT_EXEC:
		return argv__check(event, ((const struct event_exec *)event)->argv_bytes);
	case EVENT_ARGV:
		return argv__check(event, ((const struct event_argv *)event)->argv_bytes);
	case EVENT_OOM_KILL:
		return oom_kill__check((const struct event_oom_kill *)event);
	case EVENT_HOST:
		return ((const struct event_host *)event)->scope > FOLLOW_CGROUP ? -ENOENT : 0;
	case EVENT_LOSS: {
		const struct event_loss *loss = (const struct event_loss *)event;

		return loss->reason >= LOSS_END || loss->kind >= EVENT_KIND_END ? -ENOENT : 0;
	}
	case EVENT_KEPT_PROCESS:
		return argv__check(event, ((const struct event_kept_process *)event)->argv_bytes);
	case EVENT_KEPT_CGROUP:
		return kept_cgroup__check((const struct event_kept_cgroup *)event);
	case EVENT_KEPT_SERIES:
		return kept_series__check((const struct event_kept_series *)event);
	case EVENT_MODULE:
		return module__check((const struct event_module *)event);
	case EVENT_FRAME:
		return frame__check((const struct event_frame *)event);
	case EVENT_FRAME_LINE:
		return frame_line__check((const struct event_frame_line *)event);
	case EVENT_STACK:
		return stack__check((const struct event_stack *)event);
	case EVENT_FILE:
		return file__check((const struct event_file *)event);
	case EVENT_GROWTH:
		return growth__check((const struct event_growth *)event);
	case EVENT_GROWTH_GONE:
		return growth_gone__check((const struct event_growth_gone *)event);
	default:
		return 0;
	}
}
