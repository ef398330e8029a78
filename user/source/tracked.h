/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "bpf/events.h"

/*
 * The cgroups the live source has been told of, to know which files are worth a look and when,
 * and whose end may have gone unseen.
 */
struct tracked;

#define TRACKED_MAX 4096 /* beyond it cgroups are followed all the same, but not looked at */

int tracked__new(struct tracked **out);

/* parent_id 0: it has none, or it is not known. */
void tracked__add(struct tracked *tracked, uint64_t cgroup_id, uint64_t parent_id);
/* Gone; still known until it is forgotten, in case nobody heard of it. */
void tracked__end(struct tracked *tracked, uint64_t cgroup_id, uint64_t now_ns);
void tracked__forget(struct tracked *tracked, uint64_t cgroup_id);
/* Those that had gone by then. */
void tracked__forget_gone(struct tracked *tracked, uint64_t until_ns);

/* Reclaim happened for this cgroup: true when it begins, after calm_ns without. */
bool tracked__pressed(struct tracked *tracked, uint64_t cgroup_id, uint64_t now_ns,
		      uint64_t calm_ns);

/*
 * The limits of this cgroup and of those above it are to be looked at, soon and then every second
 * until calm_ns from now. A cgroup whose tasks wait at a limit is silent, so what follows the last
 * reclaim is found by looking only.
 */
void tracked__watch(struct tracked *tracked, uint64_t cgroup_id, uint64_t now_ns, uint64_t calm_ns);
/* The next one whose turn has come; false: no more. UINT64_MAX: each that is watched, for the last
 * time. */
bool tracked__due(struct tracked *tracked, uint64_t now_ns, uint64_t *cgroup_id);

/* Does the look say something that has not been told? `mark` other than at the last telling: that
 * may have got lost. The usage alone is no news. */
bool tracked__is_news(struct tracked *tracked, const struct event_memcg_events *look,
		      uint64_t mark);

/* One that has not been looked at in this round, gone or not; false: none is left. */
bool tracked__next(struct tracked *tracked, uint32_t round, uint64_t *cgroup_id, bool *gone);

/* Those that are there. */
void tracked__each(const struct tracked *tracked, void (*visit)(void *context, uint64_t cgroup_id),
		   void *context);

void tracked__free(struct tracked *tracked);
