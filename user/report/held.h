/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/* Cgroups that were held back at a limit without a kill, as the text and the JSON report both show
 * them. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/model.h"

enum held_why {
	HELD_FULL, /* v1: the OOM killer is switched off, tasks wait */
	HELD_HIGH  /* v2: throttled above memory.high */
};

struct held_back {
	const struct cgroup *cgroup;
	const struct hold *hold;
	enum held_why why;
	uint64_t ended_ns; /* 0: not over when last looked at; throttling has no end of its own */
};

/* Those that wait yet, then those that did, then the throttled, most often first. -ENOMEM; to be
 * freed. */
int model__held_back(const struct model *model, struct held_back **out, size_t *count);

/* Was any cgroup looked at? Otherwise nothing can be told, and that nobody is listed means nothing.
 */
bool model__looked_at_limits(const struct model *model);

/* Did it begin before the recording? */
bool held_back__before(const struct model *model, const struct held_back *held);

/* The living processes in the cgroup and below it, in order of first appearance: at most `most` of
 * them into `out`. Returns how many there are. */
size_t held_back__processes(const struct model *model, const struct held_back *held,
			    const struct process **out, size_t most);
