/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/* Models that go on in another model, through the state block. */

#include "recording/reader.h"
#include "tests/unit/model/stream.h"

#define M      ((int64_t)MIB)
#define SECOND 1000ULL /* times of stream.h are in ms */

struct events {
	struct event_header **list;
	size_t count;
	size_t capacity;
};

static inline int keep_event(void *context, const struct event_header *event)
{
	struct events *events = context;
	struct event_header *copy;

	assert_int_equal(event__check(event, event->size_bytes), 0);
	if (events->count == events->capacity) {
		events->capacity = events->capacity ? events->capacity * 2 : 64;
		events->list = realloc(events->list, events->capacity * sizeof(events->list[0]));
		assert_non_null(events->list);
	}
	copy = malloc(event->size_bytes);
	assert_non_null(copy);
	memcpy(copy, event, event->size_bytes);
	events->list[events->count++] = copy;
	return 0;
}

static inline void free_events(struct events *events)
{
	for (size_t i = 0; i < events->count; i++)
		free(events->list[i]);
	free(events->list);
	*events = (struct events){0};
}

static inline void apply_some(struct model *model, const struct events *events, size_t from,
			      size_t to)
{
	for (size_t i = from; i < to; i++)
		apply(model, events->list[i]);
}

static inline struct state_options options_at(const struct model *model)
{
	return (struct state_options){
		.now_ns = model__span(model).last_ns,
		.chunk = 7,
		.keep_dead_ns = INCIDENT_WINDOW_NS,
		.dead_max = 1000,
	};
}

static inline struct model *go_on_with(struct model *model, const struct state_options *options)
{
	struct events block = {0};
	struct model *next = new_model();

	assert_int_equal(model__move_out(model, options, keep_event, &block), 0);
	model__free(model);
	apply_some(next, &block, 0, block.count);
	assert_false(model__is_restoring(next));
	assert_int_equal(model__state(next)->chunk, options->chunk);
	free_events(&block);
	return next;
}

static inline struct model *go_on(struct model *model, uint64_t keep_dead_ns)
{
	struct state_options options = options_at(model);

	options.keep_dead_ns = keep_dead_ns;
	return go_on_with(model, &options);
}

static inline void tell_loss(struct model *model, uint64_t ms, uint32_t kind, uint64_t count)
{
	struct event_loss event = {
		.header = header(EVENT_LOSS, sizeof(event), ms),
		.reason = LOSS_RING_FULL,
		.kind = kind,
		.count = count,
	};

	apply(model, &event);
}

static inline void tell_psi(struct model *model, uint64_t ms, uint64_t cgroup_id, int64_t us)
{
	struct event_psi event = {header(EVENT_PSI, sizeof(event), ms), cgroup_id, us, us / 2};

	apply(model, &event);
}

static inline void tell_oom_counter(struct model *model, uint64_t ms, int64_t kills)
{
	struct event_oom_counter event = {header(EVENT_OOM_COUNTER, sizeof(event), ms), kills};

	apply(model, &event);
}

static inline uint64_t lost(const struct model *model, enum loss_reason reason, uint32_t kind)
{
	for (size_t i = 0; i < model__loss_count(model); i++) {
		const struct loss *loss = model__loss(model, i);

		if (loss->reason == reason && loss->kind == kind)
			return loss->count;
	}
	return 0;
}
