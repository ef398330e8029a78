/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "model/model_internal.h"
#include "model/shared_bytes.h"

/* The chain from the cgroup up to the root, the root left out. `whole` tells whether the root was
 * reached: no ancestor missing, not too deep and no cycle. */
static size_t cgroup__chain(const struct model *model, uint64_t id,
			    const struct cgroup_slot *chain[CGROUP_DEPTH_MAX], bool *whole)
{
	const struct cgroup_slot *slot = cgroup__find(model, id);
	size_t count = 0;

	*whole = false;
	while (slot && slot->named) {
		if (!slot->cgroup.parent_id) {
			*whole = true;
			break;
		}
		if (count == CGROUP_DEPTH_MAX)
			break;
		chain[count++] = slot;
		slot = cgroup__find(model, slot->cgroup.parent_id);
	}
	return count;
}

size_t cgroup__names(const struct model *model, uint64_t id, const char *names[CGROUP_DEPTH_MAX])
{
	const struct cgroup_slot *chain[CGROUP_DEPTH_MAX];
	bool whole;
	size_t count = cgroup__chain(model, id, chain, &whole);

	for (size_t i = 0; i < count; i++)
		names[i] = chain[i]->cgroup.name;
	return count;
}

char *model__cgroup_path(const struct model *model, uint64_t id)
{
	const struct cgroup_slot *chain[CGROUP_DEPTH_MAX];
	struct text text = {0};
	bool whole;
	size_t count = cgroup__chain(model, id, chain, &whole);

	if (!whole)
		text__string(&text, "(unknown)");
	else if (!count)
		text__string(&text, "/");
	while (count--) {
		text__string(&text, "/");
		text__string(&text, chain[count]->cgroup.name);
	}
	if (text__ok(&text))
		return text.data;
	text__free(&text);
	return NULL;
}

char *cgroup__shared_path(struct model *model, uint64_t id)
{
	struct cgroup_slot *slot = cgroup__find(model, id);
	char *path, *shared;

	if (slot && slot->path && slot->path_version == model->cgroups.version)
		return shared_bytes__get(slot->path);
	path = model__cgroup_path(model, id);
	shared = path ? shared_bytes__new(path, strlen(path)) : NULL;
	free(path);
	if (!slot || !shared)
		return shared;
	shared_bytes__put(slot->path);
	slot->path = shared_bytes__get(shared);
	slot->path_version = model->cgroups.version;
	return shared;
}

bool model__cgroup_within(const struct model *model, uint64_t id, uint64_t ancestor)
{
	if (!ancestor)
		return true;
	for (unsigned int depth = 0; id && depth <= CGROUP_DEPTH_MAX; depth++) {
		const struct cgroup_slot *slot;

		if (id == ancestor)
			return true;
		slot = cgroup__find(model, id);
		id = slot ? slot->cgroup.parent_id : 0;
	}
	return false;
}

bool cgroup__within(struct model *model, uint64_t id, uint64_t ancestor)
{
	struct cgroup_slot *slot;

	if (!ancestor || id == ancestor)
		return true;
	slot = cgroup__find(model, id);
	if (!slot)
		return false;
	if (slot->within_version != model->cgroups.version || slot->within_id != ancestor) {
		slot->within = model__cgroup_within(model, id, ancestor);
		slot->within_id = ancestor;
		slot->within_version = model->cgroups.version;
	}
	return slot->within;
}

/* --- direct reclaim, by the cgroup of the reclaiming tasks ---------------------------------- */

static int reclaim_history__of(struct model *model, uint64_t cgroup_id, uint64_t time_ns,
			       struct reclaim_history **out)
{
	struct cgroup_slot *slot;
	int error;

	*out = &model->reclaim;
	error = cgroup__reach(model, cgroup_id, time_ns, &slot);
	if (error || !slot)
		return error;
	if (!slot->reclaim) {
		slot->reclaim = calloc(1, sizeof(*slot->reclaim));
		if (!slot->reclaim)
			return -ENOMEM;
	}
	*out = slot->reclaim;
	return 0;
}

int cgroup__on_reclaim(struct model *model, const struct event_header *event)
{
	const struct event_reclaim *reclaim = (const struct event_reclaim *)event;
	struct reclaim_history *history;
	struct reclaim_episode *episode;
	uint64_t first_ns = reclaim->first_ns < event->time_ns ? reclaim->first_ns : event->time_ns;
	int error;

	error = reclaim_history__of(model, reclaim->cgroup_id, event->time_ns, &history);
	if (error)
		return error;
	episode = history->count ? &history->episodes[history->count - 1] : NULL;
	if (!episode ||
	    (first_ns > episode->last_ns && first_ns - episode->last_ns >= RECLAIM_PAUSE_NS)) {
		if (history->count == RECLAIM_EPISODES) {
			memmove(history->episodes, history->episodes + 1,
				(RECLAIM_EPISODES - 1) * sizeof(*episode));
			history->count--;
		}
		episode = &history->episodes[history->count++];
		*episode = (struct reclaim_episode){.first_ns = first_ns};
	}
	if (first_ns < episode->first_ns)
		episode->first_ns = first_ns;
	if (event->time_ns > episode->last_ns)
		episode->last_ns = event->time_ns;
	episode->stall_ns += reclaim->stall_ns;
	episode->reclaimed_bytes += reclaim->reclaimed_bytes;
	episode->runs += reclaim->runs;
	return 0;
}

/* --- what model.h offers -------------------------------------------------------------------- */

size_t model__cgroup_count(const struct model *model)
{
	return model->cgroups.count;
}

const struct cgroup *model__cgroup(const struct model *model, size_t index)
{
	return &model->cgroups.slots[index]->cgroup;
}

const struct cgroup *model__cgroup_by_id(const struct model *model, uint64_t id)
{
	struct cgroup_slot *slot = cgroup__find(model, id);

	return slot ? &slot->cgroup : NULL;
}
