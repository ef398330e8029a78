/* SPDX-License-Identifier: GPL-2.0-only */
#include "source/tracked.h"

#include <errno.h>
#include <stdlib.h>

#include <uthash.h>

struct tracked_cgroup {
	uint64_t id;
	uint64_t pressed_ns;
	uint64_t gone_ns; /* 0: it is there */
	uint32_t round;   /* in which it was looked at last */
	bool was_pressed;
	UT_hash_handle hh;
};

struct tracked {
	struct tracked_cgroup *by_id;
	unsigned int gone; /* of them */
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

void tracked__add(struct tracked *tracked, uint64_t cgroup_id)
{
	struct tracked_cgroup *cgroup;

	if (find(tracked, cgroup_id))
		return;
	if (HASH_COUNT(tracked->by_id) >= TRACKED_MAX)
		tracked__forget_gone(tracked, UINT64_MAX);
	if (HASH_COUNT(tracked->by_id) >= TRACKED_MAX)
		return;
	cgroup = calloc(1, sizeof(*cgroup));
	if (!cgroup)
		return;
	cgroup->id = cgroup_id;
	HASH_ADD(hh, tracked->by_id, id, sizeof(cgroup->id), cgroup);
}

static void forget(struct tracked *tracked, struct tracked_cgroup *cgroup)
{
	if (cgroup->gone_ns)
		tracked->gone--;
	HASH_DELETE(hh, tracked->by_id, cgroup);
	free(cgroup);
}

void tracked__end(struct tracked *tracked, uint64_t cgroup_id, uint64_t now_ns)
{
	struct tracked_cgroup *cgroup = find(tracked, cgroup_id);

	if (!cgroup || cgroup->gone_ns)
		return;
	cgroup->gone_ns = now_ns;
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

	tracked__add(tracked, cgroup_id);
	cgroup = find(tracked, cgroup_id);
	if (!cgroup)
		return false;
	begins = !cgroup->was_pressed || now_ns > cgroup->pressed_ns + calm_ns;
	cgroup->was_pressed = true;
	cgroup->pressed_ns = now_ns;
	return begins;
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
