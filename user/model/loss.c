/* SPDX-License-Identifier: GPL-2.0-only */
#include <stdlib.h>
#include <string.h>

#include "model/model_internal.h"

static int loss__compare(const struct loss *loss, uint32_t reason, uint32_t kind)
{
	if (loss->reason != reason)
		return loss->reason < reason ? -1 : 1;
	return loss->kind < kind ? -1 : loss->kind > kind;
}

/* The row of this reason and kind, created with a count of 0; NULL in *out: no room for more. */
static int loss__reach(struct model *model, uint32_t reason, uint32_t kind, struct loss **out)
{
	size_t at = 0;
	int error;

	while (at < model->loss_count && loss__compare(&model->losses[at], reason, kind) < 0)
		at++;
	if (at < model->loss_count && !loss__compare(&model->losses[at], reason, kind)) {
		*out = &model->losses[at];
		return 0;
	}
	*out = NULL;
	if (model->loss_count == LOSS_MAX)
		return 0;
	error = array__reserve(&model->losses, model->loss_count, &model->loss_capacity,
			       sizeof(struct loss));
	if (error)
		return error;
	memmove(&model->losses[at + 1], &model->losses[at],
		(model->loss_count - at) * sizeof(struct loss));
	model->losses[at] = (struct loss){.reason = reason, .kind = kind};
	model->loss_count++;
	*out = &model->losses[at];
	return 0;
}

bool loss__is_of_events(enum loss_reason reason)
{
	/* A sample that may be none is counted as one, as is one whose stack has no names; and of a
	 * CPU no one knows how many. */
	return reason != LOSS_HISTORY && reason != LOSS_SAMPLE_UNSEEN &&
	       reason != LOSS_CPU_UNWATCHED && reason != LOSS_FILE_SLOW;
}

static int loss__set(struct model *model, uint32_t reason, uint32_t kind, uint64_t count,
		     uint64_t time_ns)
{
	struct loss *loss;
	int64_t total;
	int error;

	error = loss__reach(model, reason, kind, &loss);
	if (error || !loss || count <= loss->count)
		return error;
	if (!loss__is_of_events(reason)) {
		loss->count = count;
		return 0;
	}
	if (__builtin_add_overflow(model->lost, count - loss->count, &model->lost))
		model->lost = UINT64_MAX;
	loss->count = count;
	if (!model->lost_series) {
		error = series__new(&model->lost_series, 1);
		if (error)
			return error;
	}
	total = model->lost > INT64_MAX ? INT64_MAX : (int64_t)model->lost;
	return series__add(model->lost_series, time_ns, &total);
}

int loss__on_loss(struct model *model, const struct event_header *event)
{
	const struct event_loss *loss = (const struct event_loss *)event;
	struct loss *known;
	int error;

	if (loss->reason >= LOSS_END || !loss->count)
		return 0;
	error = loss__reach(model, loss->reason, loss->kind, &known);
	if (error || !known)
		return error;
	if (loss->reason == LOSS_KILLS_COUNTED && loss->count > known->count)
		incident__count_more(model, loss->count - known->count, event->time_ns);
	/* In a state block it has been told of each growth already. */
	if (loss->reason == LOSS_STACK_WORKER && loss->count > known->count && !model->restoring)
		growth__stop_watching(model);
	return loss__set(model, loss->reason, loss->kind, loss->count, event->time_ns);
}

int loss__count(struct model *model, enum loss_reason reason, enum event_kind kind)
{
	struct loss *loss;
	int error;

	error = loss__reach(model, reason, kind, &loss);
	if (error || !loss || loss->count == UINT64_MAX)
		return error;
	return loss__set(model, reason, kind, loss->count + 1, model->span.last_ns);
}

static uint64_t loss__at(const struct model *model, uint64_t time_ns)
{
	long at = series__at(model->lost_series, time_ns);

	return at < 0 ? 0 : (uint64_t)series__values(model->lost_series, (size_t)at)[0];
}

uint64_t loss__between(const struct model *model, uint64_t from_ns, uint64_t to_ns)
{
	return loss__at(model, to_ns) - loss__at(model, from_ns);
}

size_t model__loss_count(const struct model *model)
{
	return model->loss_count;
}

const struct loss *model__loss(const struct model *model, size_t index)
{
	return &model->losses[index];
}
