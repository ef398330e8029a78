/* SPDX-License-Identifier: GPL-2.0-only */
#include "source/live_internal.h"
#include "source/observe.h"

/*
 * What the limits of cgroups do without killing anybody: memory.high that slows down, and a full
 * cgroup of v1 whose OOM killer is switched off, in which tasks wait for ever. No event tells of
 * that, so files are read: when reclaim has begun, and again while it lasts or tasks wait.
 */

#define LOOKS_A_TURN 16

/* A look that the sink has refused is to be told again. */
static uint64_t refused_looks(const struct live *live)
{
	const struct live_options *options = &live->options;

	return options->refused ? options->refused(options->context, EVENT_MEMCG_EVENTS) : 0;
}

/* True: tasks wait there, and nothing else will tell when they no longer do. */
static bool look(struct live *live, uint64_t cgroup_id)
{
	const struct cgroupfs *cgroupfs = &live->options.facts->cgroupfs;
	struct event_memcg_events look;
	int error = observe__memcg_events(&look, cgroupfs, cgroup_id);

	if (error || tracked__is_news(live->tracked, &look, refused_looks(live)))
		live__push_observed(live, error, &look.header);
	return !error && look.events.under_oom > 0;
}

void live__look_at_limits(struct live *live, uint64_t cgroup_id)
{
	if (live->options.facts->cgroupfs.version && look(live, cgroup_id))
		tracked__watch(live->tracked, cgroup_id, observe__now_ns(), CALM_NS);
}

void live__look_at_pressed(struct live *live, uint64_t now_ns)
{
	uint64_t cgroup_id;

	/* A kill goes before. */
	for (int i = 0; i < LOOKS_A_TURN && !live->urgent_ns; i++) {
		if (!tracked__due(live->tracked, now_ns, &cgroup_id))
			break;
		live__look_at_limits(live, cgroup_id);
	}
}

void live__look_last(struct live *live)
{
	uint64_t cgroup_id;

	while (tracked__due(live->tracked, UINT64_MAX, &cgroup_id)) {
		if (live->options.facts->cgroupfs.version)
			look(live, cgroup_id);
	}
}
