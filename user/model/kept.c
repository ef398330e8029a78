/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/model_internal.h"
#include "model/shared_bytes.h"

/* The state block read: what another model told (state.c) becomes this one's own. */

_Static_assert(LIMIT_CHANGES == EVENT_KEPT_LIMITS, "limit changes as in the wire format");
_Static_assert(RECLAIM_EPISODES == EVENT_KEPT_RECLAIMS, "episodes as in the wire format");

static uint64_t bound(uint64_t told, uint64_t most)
{
	return told && told < most ? told : most;
}

void bounds__set(struct model_bounds *bounds, const struct event_state *state)
{
	static const struct event_state none;

	if (!state)
		state = &none;
	*bounds = (struct model_bounds){
		.processes = (uint32_t)bound(state->processes_max, PROCESS_MAX),
		.series_bytes = bound(state->series_max_bytes, SERIES_TOTAL_MAX),
		.argv_bytes = bound(state->argv_max_bytes, ARGV_TOTAL_MAX),
		.storm_ns = state->storm_ns ? state->storm_ns : INCIDENT_STORM_NS,
	};
}

/* Nothing like it may be told here, or not again. */
static int kept__refuse(struct model *model, const struct event_header *event)
{
	return loss__count(model, LOSS_MALFORMED, event->kind);
}

static void kept__begin(struct model *model, const struct event_state *state)
{
	model->restoring = true;
	model->span = (struct model_span){
		.first_ns = state->first_ns,
		.last_ns = state->last_ns > state->first_ns ? state->last_ns : state->first_ns,
		.opened_ns = state->opened_ns,
		.events = state->events,
		.late_events = state->late_events,
	};
	model->clock_count = 0; /* HOST's own is among those that follow */
}

int kept__on_state(struct model *model, const struct event_header *event)
{
	const struct event_state *state = (const struct event_state *)event;

	if (state->flags & STATE_ENDS) {
		model->restoring = false;
		/* What had been judged before the block is not to be claimed behind it. */
		return kill__advance(model, model->span.last_ns);
	}
	model->state = (struct event_state){0};
	memcpy(&model->state, state,
	       event->size_bytes < sizeof(*state) ? event->size_bytes : sizeof(*state));
	model->state_seen = true;
	bounds__set(&model->bounds, &model->state);
	if (state->flags & STATE_BEGINS)
		kept__begin(model, &model->state);
	return 0;
}

/* --- processes ------------------------------------------------------------------------------ */

static int kept__set_argv(struct model *model, struct process_slot *slot,
			  const struct event_kept_process *kept)
{
	const struct process_slot *other = process_table__find(&model->processes, &kept->argv_of);

	if (kept->kept_flags & KEPT_ARGV)
		return process__set_argv(model, slot, kept->argv_flags, kept->argv,
					 kept->argv_bytes, kept->header.size_bytes - sizeof(*kept));
	slot->process.argv_flags = kept->argv_flags;
	if (!other || other == slot || !other->process.argv)
		return 0;
	slot->process.argv = shared_bytes__get(other->process.argv);
	slot->process.argv_bytes = other->process.argv_bytes;
	return 0;
}

int kept__on_process(struct model *model, const struct event_header *event)
{
	const struct event_kept_process *kept = (const struct event_kept_process *)event;
	struct process_slot *slot;
	struct process *process;
	int error;

	if (!model->restoring || !kept->process.task.pid ||
	    process_table__find(&model->processes, &kept->process.task))
		return kept__refuse(model, event);
	error = process__reach(model, &kept->process.task, event->time_ns, NULL, &slot);
	if (error || !slot)
		return error;
	process = &slot->process;
	if (kept->exit_ns)
		process_table__end(&model->processes, slot, kept->exit_ns);
	process->exit_lost = kept->kept_flags & KEPT_EXIT_LOST;
	process->exit_code = kept->exit_code;
	process->exec_ns = kept->exec_ns;
	process->first = memory__normal(&kept->first);
	process->now = memory__normal(&kept->process.memory);
	process->peak_rss_bytes = bytes__normal(kept->peak_rss_bytes);
	process->born_here = kept->kept_flags & KEPT_BORN_HERE;
	process->killed = kept->kept_flags & KEPT_KILLED;
	process->oom_killed = kept->kept_flags & KEPT_OOM_KILLED;
	if (!(kept->kept_flags & KEPT_MET))
		walk__miss(model, slot);
	error = process__set_identity(model, slot, &kept->process);
	return error ? error : kept__set_argv(model, slot, kept);
}

int kept__on_attach(struct model *model, const struct event_header *event)
{
	const struct event_kept_attach *kept = (const struct event_kept_attach *)event;

	if (!model->restoring || !kept->task.pid)
		return kept__refuse(model, event);
	model->attaches[model->attach_count++ % ATTACH_MAX] = (struct attach_record){
		.time_ns = event->time_ns,
		.task = kept->task,
		.from_id = kept->from_id,
		.to_id = kept->to_id,
	};
	return 0;
}

/* --- cgroups -------------------------------------------------------------------------------- */

static int kept__set_reclaim(struct reclaim_history *history, const struct event_kept_cgroup *kept)
{
	history->count = 0;
	for (size_t i = 0; i < kept->reclaim_count && i < RECLAIM_EPISODES; i++) {
		const struct kept_reclaim *told = &kept->reclaims[i];

		history->episodes[history->count++] = (struct reclaim_episode){
			.first_ns = told->first_ns,
			.last_ns = told->last_ns > told->first_ns ? told->last_ns : told->first_ns,
			.stall_ns = told->stall_ns,
			.reclaimed_bytes = told->reclaimed_bytes,
			.runs = told->runs,
		};
	}
	return 0;
}

static int kept__set_limits(struct limit_history *history, const struct event_kept_cgroup *kept)
{
	for (size_t i = 0; i < kept->limit_count && i < LIMIT_CHANGES; i++) {
		const struct kept_limit *told = &kept->limits[i];

		history->changes[history->count++] = (struct limit_change){
			.time_ns = told->time_ns,
			.from_bytes = limit__normal(told->from_bytes),
			.to_bytes = limit__normal(told->to_bytes),
			.high = told->high != 0,
		};
	}
	return 0;
}

static int kept__set_histories(struct cgroup_slot *slot, const struct event_kept_cgroup *kept)
{
	if (kept->limit_count && !slot->limits) {
		slot->limits = calloc(1, sizeof(*slot->limits));
		if (!slot->limits)
			return -ENOMEM;
		kept__set_limits(slot->limits, kept);
	}
	if (kept->reclaim_count && !slot->reclaim) {
		slot->reclaim = calloc(1, sizeof(*slot->reclaim));
		if (!slot->reclaim)
			return -ENOMEM;
		kept__set_reclaim(slot->reclaim, kept);
	}
	return 0;
}

int kept__on_cgroup(struct model *model, const struct event_header *event)
{
	const struct event_kept_cgroup *kept = (const struct event_kept_cgroup *)event;
	struct cgroup_slot *slot;
	struct cgroup *cgroup;
	int error;

	if (!model->restoring || cgroup__find(model, kept->cgroup_id))
		return kept__refuse(model, event);
	if (!kept->cgroup_id)
		return kept__set_reclaim(&model->reclaim, kept);
	error = cgroup__reach(model, kept->cgroup_id, event->time_ns, &slot);
	if (!error && slot && kept->flags & KEPT_NAMED)
		error = cgroup__set_name(model, slot, kept->name, kept->parent_id);
	if (error || !slot)
		return error;
	cgroup = &slot->cgroup;
	cgroup->gone_ns = kept->gone_ns;
	cgroup->first = counters__normal(&kept->first);
	cgroup->now = counters__normal(&kept->now);
	cgroup->stat_ns = kept->stat_ns;
#define X(field, v2, v1) cgroup->stat.field##_bytes = bytes__normal(kept->stat.field##_bytes);
	MEMCG_STATS(X)
#undef X
	cgroup->peak_usage_bytes = bytes__normal(kept->peak_usage_bytes);
	slot->counted = kept->flags & KEPT_COUNTED;
	return kept__set_histories(slot, kept);
}

static struct hold kept__hold(const struct kept_hold *kept)
{
	return (struct hold){
		.from_ns = kept->from_ns,
		.to_ns = kept->to_ns > kept->from_ns ? kept->to_ns : kept->from_ns,
		.ended_ns = kept->ended_ns,
		.times = kept->times,
		.usage_bytes = bytes__normal(kept->usage_bytes),
		.limit_bytes = limit__normal(kept->limit_bytes),
		.from_first = kept->from_first != 0,
		.memsw = kept->memsw != 0,
	};
}

int kept__on_held(struct model *model, const struct event_header *event)
{
	const struct event_kept_held *kept = (const struct event_kept_held *)event;
	struct cgroup_slot *slot = cgroup__find(model, kept->cgroup_id);
	struct held *held;

	if (!model->restoring || !slot || slot->cgroup.held)
		return kept__refuse(model, event);
	held = slot->cgroup.held = calloc(1, sizeof(*held));
	if (!held)
		return -ENOMEM;
	held->looked_ns = event->time_ns ? event->time_ns : 1;
	held->now = events__normal(&kept->events);
	held->high = kept__hold(&kept->high);
	held->full = kept__hold(&kept->full);
	return 0;
}

/* --- series --------------------------------------------------------------------------------- */

static const unsigned int widths[] = {
#define X(name, width) [KEPT_SERIES_##name] = width,
	KEPT_SERIES_OF(X)
#undef X
};
_Static_assert(MEMORY_COLUMNS == 6 && USAGE_COLUMNS == 2, "widths as in the wire format");

/* Absurd values are none; those of the losses are no bytes. */
static void rows__normalise(int64_t *rows, size_t count, unsigned int width)
{
	for (size_t i = 0; i < count * (width + 1); i++) {
		if (i % (width + 1))
			rows[i] = bytes__normal(rows[i]);
	}
}

static int kept__restore(struct series **out, const struct event_kept_series *kept)
{
	int64_t rows[SERIES_MAX_POINTS * (1 + MEMORY_COLUMNS)];
	const unsigned int width = widths[kept->of];
	const size_t row_bytes = (width + 1) * sizeof(rows[0]);
	const size_t bytes = kept->rows_bytes;

	if (bytes > sizeof(rows) || bytes > kept->header.size_bytes - sizeof(*kept))
		return -EINVAL;
	memcpy(rows, kept->rows, bytes);
	if (kept->of != KEPT_SERIES_LOST)
		rows__normalise(rows, bytes / row_bytes, width);
	return series__restore(out, width, kept->thinning, rows, bytes / row_bytes);
}

/* Where it belongs: a place that is empty. NULL: nowhere. */
static struct series **kept__place(struct model *model, const struct event_kept_series *kept,
				   struct process_slot **process)
{
	struct cgroup_slot *cgroup = cgroup__find(model, kept->cgroup_id);
	struct series **place = NULL;

	*process = NULL;
	switch (kept->of) {
	case KEPT_SERIES_PROCESS:
		*process = process_table__find(&model->processes, &kept->task);
		place = *process ? &(*process)->process.series : NULL;
		break;
	case KEPT_SERIES_CGROUP:
		place = cgroup ? &cgroup->cgroup.series : NULL;
		break;
	case KEPT_SERIES_FAILURES:
		place = cgroup ? &cgroup->failures : NULL;
		break;
	default:
		break;
	}
	return place && !*place ? place : NULL;
}

static int kept__restore_losses(struct model *model, const struct event_kept_series *kept)
{
	struct series *series;
	int error = kept__restore(&series, kept);

	if (error == -EINVAL)
		return kept__refuse(model, &kept->header);
	if (error)
		return error;
	series__free(model->lost_series);
	model->lost_series = series;
	return 0;
}

int kept__on_series(struct model *model, const struct event_header *event)
{
	const struct event_kept_series *kept = (const struct event_kept_series *)event;
	struct process_slot *process;
	struct series **place;
	int error;

	if (model->restoring && kept->of == KEPT_SERIES_LOST)
		return kept__restore_losses(model, kept);
	place = model->restoring ? kept__place(model, kept, &process) : NULL;
	if (!place)
		return kept__refuse(model, event);
	if (!process && model->processes.series_bytes > model->bounds.series_bytes)
		return loss__count(model, LOSS_MODEL_FULL, EVENT_MEMCG);
	error = kept__restore(place, kept);
	if (error == -EINVAL)
		return kept__refuse(model, event);
	if (error)
		return error;
	if (process)
		return process__pay_series(model, process, 0);
	model->processes.series_bytes += series__bytes(*place);
	return 0;
}
