/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* The cgroups the live source has been told of, to know which files are worth a look and when. */
struct tracked;

#define TRACKED_MAX 4096 /* beyond it cgroups are followed all the same, but not looked at */

int tracked__new(struct tracked **out);

void tracked__add(struct tracked *tracked, uint64_t cgroup_id);
void tracked__remove(struct tracked *tracked, uint64_t cgroup_id);

/* Reclaim happened for this cgroup: true when it begins, after calm_ns without. */
bool tracked__pressed(struct tracked *tracked, uint64_t cgroup_id, uint64_t now_ns,
		      uint64_t calm_ns);

void tracked__each(const struct tracked *tracked, void (*visit)(void *context, uint64_t cgroup_id),
		   void *context);

void tracked__free(struct tracked *tracked);
