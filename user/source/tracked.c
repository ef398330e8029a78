/* SPDX-License-Identifier: GPL-2.0-only */
#include "source/tracked.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <uthash.h>
#include <utlist.h>

#include "base/units.h"

#define LEVELS_MAX    20 /* upwards from a cgroup */
/* A hang begins just after the reclaim that did not help. */
#define LOOK_FIRST_NS (20 * NS_PER_MS)
#define LOOK_EVERY_NS (1 * NS_PER_S)

struct tracked_cgroup {
	uint64_t id;
	uint64_t parent_id;
	uint64_t pressed_ns;
	uint64_t watched_until_ns;
	uint64_t look_ns; /* 0: it is not in `watched` */
	struct tracked_cgroup *prev, *next;
	struct event_memcg_events told; /* the last look; no size: none was told */
	uint64_t told_mark;
	uint64_t gone_ns; /* 0: it is there */
	uint32_t round;   /* in which it was looked at last */
	bool was_pressed;
	UT_hash_handle hh;
};

struct tracked {
	struct tracked_cgroup *by_id;
	unsigned int gone;              /* of them */
	struct tracked_cgroup *watched; /* by look_ns */
};

int tracked__new(struct tracked **out)
{
	struct tracked *tracked = calloc(1, sizeof(*tracked));

	if (!tracked)
		return -ENOMEM;
	*out = tracked;
	return 0;
}

static struct tracked_cgroup *find(const struct tracked *tracked, uint64_t id)
{
	struct tracked_cgroup *cgroup;

	HASH_FIND(hh, tracked->by_id, &id, sizeof(id), cgroup);
	return cgroup;
}

void tracked__add(struct tracked *tracked, uint64_t cgroup_id, uint64_t parent_id)
{
	struct tracked_cgroup *cgroup = find(tracked, cgroup_id);

	if (cgroup) {
		cgroup->parent_id = parent_id ? parent_id : cgroup->parent_id;
		return;
	}
	if (HASH_COUNT(tracked->by_id) >= TRACKED_MAX)
		tracked__forget_gone(tracked, UINT64_MAX);
	if (HASH_COUNT(tracked->by_id) >= TRACKED_MAX)
		return;
	cgroup = calloc(1, sizeof(*cgroup));
	if (!cgroup)
		return;
	cgroup->id = cgroup_id;
	cgroup->parent_id = parent_id;
	HASH_ADD(hh, tracked->by_id, id, sizeof(cgroup->id), cgroup);
}

static void unwatch(struct tracked *tracked, struct tracked_cgroup *cgroup)
{
	if (cgroup->look_ns)
		DL_DELETE(tracked->watched, cgroup);
	cgroup->look_ns = 0;
}

static void forget(struct tracked *tracked, struct tracked_cgroup *cgroup)
{
	if (cgroup->gone_ns)
		tracked->gone--;
	unwatch(tracked, cgroup);
	HASH_DELETE(hh, tracked->by_id, cgroup);
	free(cgroup);
}

void tracked__end(struct tracked *tracked, uint64_t cgroup_id, uint64_t now_ns)
{
	struct tracked_cgroup *cgroup = find(tracked, cgroup_id);

	if (!cgroup || cgroup->gone_ns)
		return;
	cgroup->gone_ns = now_ns;
	unwatch(tracked, cgroup);
	tracked->gone++;
}

void tracked__forget(struct tracked *tracked, uint64_t cgroup_id)
{
	struct tracked_cgroup *cgroup = find(tracked, cgroup_id);

	if (cgroup)
		forget(tracked, cgroup);
}

void tracked__forget_gone(struct tracked *tracked, uint64_t until_ns)
{
	struct tracked_cgroup *cgroup, *next;

	if (!tracked->gone)
		return;
	HASH_ITER (hh, tracked->by_id, cgroup, next) {
		if (cgroup->gone_ns && cgroup->gone_ns <= until_ns)
			forget(tracked, cgroup);
	}
}

bool tracked__next(struct tracked *tracked, uint32_t round, uint64_t *cgroup_id, bool *gone)
{
	struct tracked_cgroup *cgroup, *next;

	HASH_ITER (hh, tracked->by_id, cgroup, next) {
		if (cgroup->round == round)
			continue;
		cgroup->round = round;
		*cgroup_id = cgroup->id;
		*gone = cgroup->gone_ns != 0;
		return true;
	}
	return false;
}

bool tracked__pressed(struct tracked *tracked, uint64_t cgroup_id, uint64_t now_ns,
		      uint64_t calm_ns)
{
	struct tracked_cgroup *cgroup;
	bool begins;

	tracked__add(tracked, cgroup_id, 0);
	cgroup = find(tracked, cgroup_id);
	if (!cgroup)
		return false;
	begins = !cgroup->was_pressed || now_ns > cgroup->pressed_ns + calm_ns;
	cgroup->was_pressed = true;
	cgroup->pressed_ns = now_ns;
	return begins;
}

static void watch(struct tracked *tracked, struct tracked_cgroup *cgroup, uint64_t now_ns,
		  uint64_t calm_ns)
{
	if (cgroup->gone_ns)
		return;
	cgroup->watched_until_ns = now_ns + calm_ns;
	if (cgroup->look_ns)
		return;
	/* Whoever has been looked at before comes a second later. */
	cgroup->look_ns = now_ns + LOOK_FIRST_NS;
	DL_PREPEND(tracked->watched, cgroup);
}

void tracked__watch(struct tracked *tracked, uint64_t cgroup_id, uint64_t now_ns, uint64_t calm_ns)
{
	struct tracked_cgroup *cgroup = find(tracked, cgroup_id);

	for (int level = 0; level < LEVELS_MAX && cgroup; level++) {
		watch(tracked, cgroup, now_ns, calm_ns);
		cgroup = find(tracked, cgroup->parent_id);
	}
}

bool tracked__due(struct tracked *tracked, uint64_t now_ns, uint64_t *cgroup_id)
{
	struct tracked_cgroup *cgroup = tracked->watched;

	if (!cgroup || cgroup->look_ns > now_ns)
		return false;
	*cgroup_id = cgroup->id;
	unwatch(tracked, cgroup);
	if (now_ns <= cgroup->watched_until_ns) {
		cgroup->look_ns = now_ns + LOOK_EVERY_NS;
		DL_APPEND(tracked->watched, cgroup);
	}
	return true;
}

bool tracked__is_news(struct tracked *tracked, const struct event_memcg_events *look, uint64_t mark)
{
	struct tracked_cgroup *cgroup = find(tracked, look->cgroup_id);
	const struct event_memcg_events *told;

	if (!cgroup)
		return true;
	told = &cgroup->told;
	if (told->header.size_bytes && cgroup->told_mark == mark &&
	    !memcmp(&told->events, &look->events, sizeof(told->events)) &&
	    told->max_bytes == look->max_bytes && told->high_bytes == look->high_bytes)
		return false;
	cgroup->told = *look;
	cgroup->told_mark = mark;
	return true;
}

void tracked__each(const struct tracked *tracked, void (*visit)(void *context, uint64_t cgroup_id),
		   void *context)
{
	struct tracked_cgroup *cgroup, *next;

	HASH_ITER (hh, tracked->by_id, cgroup, next) {
		if (!cgroup->gone_ns)
			visit(context, cgroup->id);
	}
}

void tracked__free(struct tracked *tracked)
{
	struct tracked_cgroup *cgroup, *next;

	if (!tracked)
		return;
	HASH_ITER (hh, tracked->by_id, cgroup, next) {
		HASH_DELETE(hh, tracked->by_id, cgroup);
		free(cgroup);
	}
	free(tracked);
}
