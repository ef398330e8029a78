/* SPDX-License-Identifier: GPL-2.0-only */
#include "report/held.h"

#include <errno.h>
#include <stdlib.h>

#define LEVELS_MAX 64

static uint64_t full_ended_ns(const struct cgroup *cgroup)
{
	const struct hold *hold = &cgroup->held->full;

	/* Nobody waits in what has been removed. */
	return hold->ended_ns ? hold->ended_ns : cgroup->gone_ns;
}

static bool overlap(const struct cgroup *a, const struct cgroup *b)
{
	const uint64_t a_ended_ns = full_ended_ns(a), b_ended_ns = full_ended_ns(b);

	return (!a_ended_ns || b->held->full.from_ns <= a_ended_ns) &&
	       (!b_ended_ns || a->held->full.from_ns <= b_ended_ns);
}

/* A level above was full meanwhile: its tasks wait here, too. */
static bool waits_for_ancestor(const struct model *model, const struct cgroup *cgroup)
{
	const struct cgroup *above = cgroup;

	for (unsigned int level = 0; level < LEVELS_MAX; level++) {
		above = above->parent_id ? model__cgroup_by_id(model, above->parent_id) : NULL;
		if (!above || above == cgroup)
			break;
		if (above->held && above->held->full.from_ns && overlap(above, cgroup))
			return true;
	}
	return false;
}

static int compare(const void *left, const void *right)
{
	const struct held_back *a = left, *b = right;

	if (a->why != b->why)
		return a->why < b->why ? -1 : 1;
	if (a->why == HELD_FULL && !a->ended_ns != !b->ended_ns)
		return a->ended_ns ? 1 : -1;
	if (a->why == HELD_HIGH && a->hold->times != b->hold->times)
		return a->hold->times > b->hold->times ? -1 : 1;
	return (a->cgroup->id > b->cgroup->id) - (a->cgroup->id < b->cgroup->id);
}

int model__held_back(const struct model *model, struct held_back **out, size_t *count)
{
	const size_t cgroups = model__cgroup_count(model);
	struct held_back *list = calloc(2 * cgroups + 1, sizeof(*list));

	if (!list)
		return -ENOMEM;
	*count = 0;
	for (size_t i = 0; i < cgroups; i++) {
		const struct cgroup *cgroup = model__cgroup(model, i);
		const struct held *held = cgroup->held;

		if (held && held->full.from_ns && !waits_for_ancestor(model, cgroup))
			list[(*count)++] = (struct held_back){cgroup, &held->full, HELD_FULL,
							      full_ended_ns(cgroup)};
		if (held && held->high.from_ns)
			list[(*count)++] = (struct held_back){cgroup, &held->high, HELD_HIGH, 0};
	}
	qsort(list, *count, sizeof(*list), compare);
	*out = list;
	return 0;
}

bool model__looked_at_limits(const struct model *model)
{
	for (size_t i = 0; i < model__cgroup_count(model); i++) {
		if (model__cgroup(model, i)->held)
			return true;
	}
	return false;
}

bool held_back__before(const struct model *model, const struct held_back *held)
{
	const uint64_t opened_ns = model__span(model).opened_ns;

	return held->hold->from_first && opened_ns && held->hold->from_ns <= opened_ns;
}

size_t held_back__processes(const struct model *model, const struct held_back *held,
			    const struct process **out, size_t most)
{
	size_t count = 0;

	for (size_t i = 0; i < model__process_count(model); i++) {
		const struct process *process = model__process(model, i);

		if (process->exit_ns ||
		    !model__cgroup_within(model, process->cgroup_id, held->cgroup->id))
			continue;
		if (count < most)
			out[count] = process;
		count++;
	}
	return count;
}
