/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "model/model_internal.h"
#include "model/shared_bytes.h"

#define CGROUP_UNKNOWN "(unknown)"

struct cgroup_slot *cgroup__find(const struct model *model, uint64_t id)
{
	struct cgroup_slot *slot;

	HASH_FIND(hh, model->cgroups.by_id, &id, sizeof(id), slot);
	return slot;
}

static void cgroup_slot__free_contents(struct cgroup_slot *slot)
{
	series__free(slot->cgroup.series);
	slot->cgroup.series = NULL;
	series__free(slot->failures);
	slot->failures = NULL;
	free(slot->limits);
	slot->limits = NULL;
	free(slot->reclaim);
	slot->reclaim = NULL;
	free(slot->cgroup.held);
	slot->cgroup.held = NULL;
	shared_bytes__put(slot->path);
	slot->path = NULL;
}

void cgroup__free_contents(struct model *model, struct cgroup_slot *slot)
{
	model->processes.series_bytes -=
		series__bytes(slot->cgroup.series) + series__bytes(slot->failures);
	cgroup_slot__free_contents(slot);
}

static void cgroup_slot__free(struct cgroup_slot *slot)
{
	if (!slot)
		return;
	cgroup_slot__free_contents(slot);
	free(slot->cgroup.name);
	free(slot);
}
DEFINE_FREEP(cgroup_slot)

static int cgroup__new(struct cgroup_slot **out, uint64_t id, uint64_t time_ns)
{
	struct cgroup_slot *slot = calloc(1, sizeof(*slot));

	if (!slot)
		return -ENOMEM;
	slot->cgroup = (struct cgroup){
		.id = id,
		.name = strdup(CGROUP_UNKNOWN),
		.seen_ns = time_ns,
		.first = counters__unknown(),
		.now = counters__unknown(),
		.stat = stat__unknown(),
		.peak_usage_bytes = EVENT_UNKNOWN,
	};
	if (!slot->cgroup.name) {
		free(slot);
		return -ENOMEM;
	}
	*out = slot;
	return 0;
}

int cgroup__reach(struct model *model, uint64_t id, uint64_t time_ns, struct cgroup_slot **out)
{
	_cleanup_(cgroup_slot__freep) struct cgroup_slot *slot = NULL;
	struct cgroup_table *table = &model->cgroups;
	size_t capacity = table->capacity;
	int error;

	*out = id ? cgroup__find(model, id) : NULL;
	if (*out || !id)
		return 0;
	if (table->count >= CGROUP_MAX)
		return loss__count(model, LOSS_MODEL_FULL, EVENT_CGROUP);
	error = array__reserve(&table->slots, table->count, &capacity,
			       sizeof(struct cgroup_slot *));
	if (error)
		return error;
	table->capacity = (uint32_t)capacity;
	error = cgroup__new(&slot, id, time_ns);
	if (error)
		return error;
	HASH_ADD(hh, table->by_id, cgroup.id, sizeof(slot->cgroup.id), slot);
	if (!slot->hh.tbl)
		return -ENOMEM;
	table->slots[table->count++] = slot;
	table->version++;
	*out = take(slot);
	return 0;
}

/* One movement of a quantity that began with `first` at the cgroup's first appearance. */
static int cgroup__extend(struct model *model, struct cgroup_slot *slot, struct series **series,
			  uint64_t time_ns, const int64_t *first, const int64_t *now,
			  unsigned int width)
{
	size_t before = series__bytes(*series);
	int error = 0;

	if (!*series) {
		if (model->processes.series_bytes > model->bounds.series_bytes)
			return loss__count(model, LOSS_MODEL_FULL, EVENT_MEMCG);
		error = series__new(series, width);
		if (!error)
			error = series__add(*series, slot->cgroup.seen_ns, first);
	}
	if (!error)
		error = series__add(*series, time_ns, now);
	model->processes.series_bytes += series__bytes(*series) - before;
	return error;
}

static int cgroup__note_limit(struct model *model, struct cgroup_slot *slot,
			      struct limit_change change)
{
	struct limit_history *history = slot->limits;

	if (change.from_bytes == change.to_bytes || change.from_bytes < 0 || change.to_bytes < 0)
		return 0;
	if (!history) {
		history = slot->limits = calloc(1, sizeof(*history));
		if (!history)
			return -ENOMEM;
	}
	if (history->count == LIMIT_CHANGES) {
		memmove(history->changes, history->changes + 1,
			(LIMIT_CHANGES - 1) * sizeof(history->changes[0]));
		history->count--;
	}
	history->changes[history->count++] = change;
	return incident__note_limit(model, slot->cgroup.id, &change);
}

static int cgroup__move(struct model *model, struct cgroup_slot *slot, uint64_t time_ns,
			const struct memcg_counters *next)
{
	const struct memcg_counters *first = &slot->cgroup.first, *now = &slot->cgroup.now;
	int64_t old[USAGE_COLUMNS] = {first->usage_bytes, first->swap_usage_bytes};
	int64_t new[USAGE_COLUMNS] = {next->usage_bytes, next->swap_usage_bytes};
	int64_t old_failures = first->failures, new_failures = next->failures;
	int error = 0;

	if (next->usage_bytes != now->usage_bytes ||
	    next->swap_usage_bytes != now->swap_usage_bytes)
		error = cgroup__extend(model, slot, &slot->cgroup.series, time_ns, old, new,
				       USAGE_COLUMNS);
	if (!error && next->failures != now->failures)
		error = cgroup__extend(model, slot, &slot->failures, time_ns, &old_failures,
				       &new_failures, 1);
	if (!error)
		error = cgroup__note_limit(
			model, slot,
			(struct limit_change){time_ns, now->max_bytes, next->max_bytes, false});
	if (!error)
		error = cgroup__note_limit(
			model, slot,
			(struct limit_change){time_ns, now->high_bytes, next->high_bytes, true});
	return error;
}

int cgroup__set_counters(struct model *model, struct cgroup_slot *slot, uint64_t time_ns,
			 const struct memcg_counters *counters)
{
	struct memcg_counters next = counters__normal(counters);
	int error = 0;

	if (series__is_younger(slot->cgroup.series, time_ns))
		return 0;
	if (slot->counted) {
		error = cgroup__move(model, slot, time_ns, &next);
	} else if (next.usage_bytes >= 0) {
		slot->cgroup.first = next;
		slot->counted = true;
	}
	slot->cgroup.now = next;
	if (next.usage_bytes > slot->cgroup.peak_usage_bytes)
		slot->cgroup.peak_usage_bytes = next.usage_bytes;
	return error;
}

int cgroup__set_name(struct model *model, struct cgroup_slot *slot, const char *name,
		     uint64_t parent_id)
{
	char *copy = strndup(name, EVENT_NAME_BYTES);

	if (!copy)
		return -ENOMEM;
	free(slot->cgroup.name);
	slot->cgroup.name = copy;
	slot->cgroup.parent_id = parent_id;
	slot->named = true;
	model->cgroups.version++;
	return 0;
}

int cgroup__on_cgroup(struct model *model, const struct event_header *event)
{
	const struct event_cgroup *cgroup = (const struct event_cgroup *)event;
	struct cgroup_slot *slot;
	int error;

	error = cgroup__reach(model, cgroup->cgroup_id, event->time_ns, &slot);
	if (error || !slot)
		return error;
	if (!slot->named)
		error = cgroup__set_name(model, slot, cgroup->name, cgroup->parent_id);
	return error ? error : cgroup__set_counters(model, slot, event->time_ns, &cgroup->counters);
}

int cgroup__on_gone(struct model *model, const struct event_header *event)
{
	const struct event_cgroup_gone *gone = (const struct event_cgroup_gone *)event;
	struct cgroup_slot *slot;
	int error;

	error = cgroup__reach(model, gone->cgroup_id, event->time_ns, &slot);
	if (!error && slot && !slot->cgroup.gone_ns)
		slot->cgroup.gone_ns = event->time_ns ? event->time_ns : 1;
	return error;
}

int cgroup__on_memcg(struct model *model, const struct event_header *event)
{
	const struct event_memcg *memcg = (const struct event_memcg *)event;
	struct cgroup_slot *slot;
	int error;

	error = cgroup__reach(model, memcg->cgroup_id, event->time_ns, &slot);
	if (error || !slot)
		return error;
	return cgroup__set_counters(model, slot, event->time_ns, &memcg->counters);
}

int cgroup__on_stat(struct model *model, const struct event_header *event)
{
	const struct event_memcg_stat *stat = (const struct event_memcg_stat *)event;
	struct cgroup_slot *slot;
	int error;

	error = cgroup__reach(model, stat->cgroup_id, event->time_ns, &slot);
	if (error || !slot)
		return error;
#define X(field, v2, v1) slot->cgroup.stat.field##_bytes = bytes__normal(stat->stat.field##_bytes);
	MEMCG_STATS(X)
#undef X
	slot->cgroup.stat_ns = event->time_ns ? event->time_ns : 1;
	incident__note_stat(model, &slot->cgroup);
	return 0;
}

void cgroup__free_all(struct model *model)
{
	struct cgroup_table *table = &model->cgroups;

	HASH_CLEAR(hh, table->by_id);
	for (uint32_t i = 0; i < table->count; i++)
		cgroup_slot__free(table->slots[i]);
	free(table->slots);
}
