/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/model_internal.h"

/* One row per kind of event: the smallest size that may be read, and who takes it. */
static const struct handler {
	uint32_t size_bytes;
	int (*apply)(struct model *model, const struct event_header *event);
} handlers[EVENT_KIND_END] = {
	[EVENT_FORK] = {sizeof(struct event_fork), process__on_fork},
	[EVENT_EXEC] = {sizeof(struct event_exec), process__on_exec},
	[EVENT_EXIT] = {sizeof(struct event_exit), process__on_exit},
	[EVENT_RENAME] = {sizeof(struct event_rename), process__on_rename},
	[EVENT_CGROUP] = {sizeof(struct event_cgroup), cgroup__on_cgroup},
	[EVENT_CGROUP_GONE] = {sizeof(struct event_cgroup_gone), cgroup__on_gone},
	[EVENT_ATTACH] = {sizeof(struct event_attach), process__on_attach},
	[EVENT_RSS] = {sizeof(struct event_rss), process__on_rss},
	[EVENT_MEMCG] = {sizeof(struct event_memcg), cgroup__on_memcg},
	[EVENT_RECLAIM] = {sizeof(struct event_reclaim), cgroup__on_reclaim},
	[EVENT_SIGNAL] = {sizeof(struct event_signal), kill__on_signal},
	[EVENT_OOM_KILL] = {sizeof(struct event_oom_kill), kill__on_oom_kill},
	[EVENT_PROCESS] = {sizeof(struct event_process), process__on_process},
	[EVENT_HOST] = {sizeof(struct event_host), host__on_host},
	[EVENT_PROBE] = {sizeof(struct event_probe), host__on_probe},
	[EVENT_CLOCK] = {sizeof(struct event_clock), host__on_clock},
	[EVENT_ARGV] = {sizeof(struct event_argv), process__on_argv},
	[EVENT_OPENED] = {EVENT_OPENED_FIRST_BYTES, host__on_opened},
	[EVENT_MEMCG_STAT] = {sizeof(struct event_memcg_stat), cgroup__on_stat},
	[EVENT_PSI] = {sizeof(struct event_psi), host__on_psi},
	[EVENT_MEMINFO] = {sizeof(struct event_meminfo), host__on_meminfo},
	[EVENT_OOM_COUNTER] = {sizeof(struct event_oom_counter), host__on_oom_counter},
	[EVENT_LOSS] = {sizeof(struct event_loss), loss__on_loss},
	[EVENT_RECORDER] = {sizeof(struct event_recorder), host__on_recorder},
	[EVENT_PROGRAM] = {sizeof(struct event_program), host__on_program},
	[EVENT_STATE] = {EVENT_STATE_FIRST_BYTES, kept__on_state},
	[EVENT_KEPT_PROCESS] = {sizeof(struct event_kept_process), kept__on_process},
	[EVENT_KEPT_CGROUP] = {sizeof(struct event_kept_cgroup), kept__on_cgroup},
	[EVENT_KEPT_SERIES] = {sizeof(struct event_kept_series), kept__on_series},
	[EVENT_KEPT_ATTACH] = {sizeof(struct event_kept_attach), kept__on_attach},
	[EVENT_MEMCG_EVENTS] = {sizeof(struct event_memcg_events), held__on_events},
	[EVENT_KEPT_HELD] = {sizeof(struct event_kept_held), kept__on_held},
	[EVENT_MODULE] = {sizeof(struct event_module), stack__on_module},
	[EVENT_FRAME] = {sizeof(struct event_frame), stack__on_frame},
	[EVENT_FRAME_LINE] = {sizeof(struct event_frame_line), stack__on_frame_line},
	[EVENT_STACK] = {sizeof(struct event_stack), stack__on_stack},
	[EVENT_GROWTH] = {sizeof(struct event_growth), growth__on_growth},
	[EVENT_GROWTH_GONE] = {sizeof(struct event_growth_gone), growth__on_gone},
	[EVENT_KEPT_GROWTH] = {sizeof(struct event_kept_growth), growth__on_kept},
	[EVENT_FILE] = {sizeof(struct event_file), stack__on_file},
	/* EVENT_DIGEST is about the model and no part of it. */
};

int array__reserve(void *array_pointer, size_t count, size_t *capacity, size_t element_bytes)
{
	size_t wanted = *capacity ? *capacity * 2 : 16;
	void *array;

	if (count < *capacity)
		return 0;
	memcpy(&array, array_pointer, sizeof(array)); /* whatever it points to */
	array = reallocarray(array, wanted, element_bytes);
	if (!array)
		return -ENOMEM;
	memcpy(array_pointer, &array, sizeof(array));
	*capacity = wanted;
	return 0;
}

int model__new(struct model **out)
{
	struct model *model = calloc(1, sizeof(*model));

	if (!model)
		return -ENOMEM;
#define X(field, key) model->meminfo.field##_bytes = EVENT_UNKNOWN;
	MEMINFO(X)
#undef X
	model->last_oom_incident = -1;
	model->expected_incident = -1;
	bounds__set(&model->bounds, NULL);
	*out = model;
	return 0;
}

static void span__count(struct model_span *span, const struct event_header *event)
{
	if (!span->events++)
		span->first_ns = span->last_ns = event->time_ns;
	span->late_events += (event->flags & EVENT_LATE) != 0;
	if (event->time_ns > span->last_ns)
		span->last_ns = event->time_ns;
}

/* Kinds that have grown since: what an older event lacks is 0 (EVENTS_GROWN). */
union grown {
	struct event_header header;
	struct event_opened opened;
	struct event_state state;
	struct event_oom_kill oom_kill;
	struct event_host host;
};

static uint32_t first_bytes_of(uint16_t kind)
{
	switch (kind) {
#define X(name, first_bytes) \
	case EVENT_##name:   \
		return first_bytes;
		EVENTS_GROWN(X)
#undef X
	default:
		return UINT32_MAX;
	}
}

static const struct event_header *fill_up(union grown *grown, const struct event_header *event,
					  uint32_t size_bytes)
{
	if (event->size_bytes >= size_bytes || event->size_bytes < first_bytes_of(event->kind))
		return event;
	memset(grown, 0, sizeof(*grown));
	memcpy(grown, event, event->size_bytes);
	grown->header.size_bytes = size_bytes;
	return &grown->header;
}

int model__apply(struct model *model, const struct event_header *event)
{
	union grown grown;
	const struct handler *handler;
	int error;

	if (event->kind >= EVENT_KIND_END)
		return 0;
	handler = &handlers[event->kind];
	if (!handler->apply)
		return 0;
	model->applied++;
	if (!model->restoring)
		span__count(&model->span, event);
	event = fill_up(&grown, event, handler->size_bytes);
	if (event->size_bytes < handler->size_bytes)
		return loss__count(model, LOSS_MALFORMED, event->kind);
	/* What is told again is of the past, and was judged then. */
	if (model->restoring)
		return handler->apply(model, event);
	error = kill__advance(model, model->span.last_ns);
	if (error)
		return error;
	incident__advance(model, model->span.last_ns);
	return handler->apply(model, event);
}

int model__finish(struct model *model)
{
	int error = kill__judge_all(model);

	model->open_count = 0;
	return error;
}

void model__free(struct model *model)
{
	if (!model)
		return;
	for (size_t i = 0; i < model->incident_count; i++)
		incident__free(model->incidents[i]);
	free(model->incidents);
	free(model->kills);
	free(model->held);
	growth__free_all(model);
	definitions__free(model);
	process__free_contents(model);
	process_table__free(&model->processes);
	cgroup__free_all(model);
	host__free_all(model);
	free(model);
}
