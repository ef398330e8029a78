/* SPDX-License-Identifier: GPL-2.0-only */
#include <string.h>

#include "base/units.h"
#include "model/model_internal.h"

/* Reclaim before a kill: episodes of all cgroups of the domain, those that overlap or follow each
 * other closely told as one. */

#define EPISODES_TOLD 4

struct episodes {
	struct reclaim_episode list[EPISODES_TOLD]; /* disjoint, by time; the latest ones */
	size_t count;
};

static uint64_t sum(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static bool is_close(const struct reclaim_episode *a, const struct reclaim_episode *b)
{
	return sum(a->last_ns, RECLAIM_PAUSE_NS) > b->first_ns &&
	       sum(b->last_ns, RECLAIM_PAUSE_NS) > a->first_ns;
}

static void episode__merge(struct reclaim_episode *into, const struct reclaim_episode *other)
{
	if (other->first_ns < into->first_ns)
		into->first_ns = other->first_ns;
	if (other->last_ns > into->last_ns)
		into->last_ns = other->last_ns;
	into->stall_ns = sum(into->stall_ns, other->stall_ns);
	into->reclaimed_bytes = sum(into->reclaimed_bytes, other->reclaimed_bytes);
	into->runs = sum(into->runs, other->runs);
}

static void episodes__remove(struct episodes *episodes, size_t index)
{
	episodes->count--;
	memmove(&episodes->list[index], &episodes->list[index + 1],
		(episodes->count - index) * sizeof(episodes->list[0]));
}

static void episodes__add(struct episodes *episodes, struct reclaim_episode episode)
{
	size_t i = 0;

	/* One that is taken in may have made it reach another: start over. */
	while (i < episodes->count) {
		if (!is_close(&episodes->list[i], &episode)) {
			i++;
			continue;
		}
		episode__merge(&episode, &episodes->list[i]);
		episodes__remove(episodes, i);
		i = 0;
	}
	if (episodes->count == EPISODES_TOLD) {
		if (episode.first_ns < episodes->list[0].first_ns)
			return;
		episodes__remove(episodes, 0);
	}
	for (i = episodes->count++; i && episodes->list[i - 1].first_ns > episode.first_ns; i--)
		episodes->list[i] = episodes->list[i - 1];
	episodes->list[i] = episode;
}

static void episodes__gather(struct episodes *episodes, const struct incident *incident,
			     const struct reclaim_history *history)
{
	for (size_t i = 0; history && i < history->count; i++) {
		if (history->episodes[i].last_ns >= incident->from_ns)
			episodes__add(episodes, history->episodes[i]);
	}
}

static int timeline__add_episode(struct incident *incident, const struct reclaim_episode *episode)
{
	bool earlier = episode->first_ns < incident->from_ns;
	char bytes[UNITS_MAX], stall[UNITS_MAX], runs[UNITS_MAX], before[UNITS_MAX];
	struct text text = {0};

	if (earlier)
		text__printf(&text, "reclaim under way since %s before the kill",
			     units__duration(before, incident->time_ns - episode->first_ns));
	else
		text__string(&text, "reclaim begins");
	text__printf(&text, "; until the kill %s taken back in %s %s, %s of stalls",
		     units__bytes(bytes, episode->reclaimed_bytes > INT64_MAX
						 ? INT64_MAX
						 : (int64_t)episode->reclaimed_bytes),
		     units__count(runs, episode->runs), episode->runs == 1 ? "run" : "runs",
		     units__duration(stall, episode->stall_ns));
	return timeline__add(incident, earlier ? incident->from_ns : episode->first_ns, &text);
}

int timeline__add_reclaim(struct model *model, struct incident_slot *slot)
{
	struct incident *incident = &slot->incident;
	struct episodes episodes = {0};
	int error = 0;

	if (incident->domain_known && !incident->domain_id)
		episodes__gather(&episodes, incident, &model->reclaim);
	for (uint32_t i = 0; i < model->cgroups.count; i++) {
		const struct cgroup_slot *cgroup = model->cgroups.slots[i];

		if (cgroup->reclaim && incident__holds(model, slot, cgroup->cgroup.id))
			episodes__gather(&episodes, incident, cgroup->reclaim);
	}
	for (size_t i = 0; i < episodes.count && !error; i++)
		error = timeline__add_episode(incident, &episodes.list[i]);
	return error;
}
