/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>

#include "base/cleanup.h"
#include "source/live_internal.h"
#include "source/observe.h"

/*
 * What was lost of births and deaths leaves ghosts: processes and cgroups that are thought to be
 * there. Once the rings have calmed down, or half a minute later where they do not, everything is
 * walked again, and whoever is not met is taken for gone (bpf/events.h, event_opened).
 *
 * Only where all processes are followed: whom a walk over some does not tell may have left those.
 *
 * It goes on by little steps between everything else and waits while there was a kill.
 */

#define LOOK_NS       (1 * NS_PER_S)
#define STEP_EVENTS   32
#define STEP_CGROUPS  32
#define GONE_KNOWN_NS (1 * NS_PER_S) /* more than enough for the queue to have had its say */

static const enum event_kind lives[] = {EVENT_FORK,    EVENT_EXEC,   EVENT_EXIT,
					EVENT_PROCESS, EVENT_CGROUP, EVENT_CGROUP_GONE};

static uint64_t refused(const struct live *live, enum event_kind kind)
{
	const struct live_options *options = &live->options;

	return options->refused ? options->refused(options->context, kind) : 0;
}

static uint64_t lost_lives(const struct live *live)
{
	uint64_t lost = 0;

	for (size_t i = 0; i < sizeof(lives) / sizeof(lives[0]); i++)
		lost += probe__ring_losses(live->probe, lives[i]) + refused(live, lives[i]) +
			probe__recursion_misses(live->probe, lives[i]);
	return lost;
}

/* Without all of these a walk says less than it seems to. */
static uint64_t refused_of_walk(const struct live *live)
{
	return refused(live, EVENT_PROCESS) + refused(live, EVENT_OPENED);
}

/* The sink has enough to do, or a kill goes before. */
static bool must_wait(const struct live *live, uint64_t now_ns)
{
	const struct live_options *options = &live->options;

	if (live->killed_ns && now_ns - live->killed_ns < AGAIN_LULL_NS)
		return true;
	return options->busy && options->busy(options->context);
}

static void enter(struct again *again, enum again_stage stage, uint64_t now_ns)
{
	again->stage = stage;
	again->stage_ns = now_ns;
}

/* It is tried again when the next one is due. */
static void give_up(struct again *again)
{
	walk__close(&again->walk);
	again->stage = AGAIN_NOT;
}

static uint64_t tell_opened(struct live *live, bool begins)
{
	struct event_opened event;

	observe__header(&event.header, EVENT_OPENED, sizeof(event));
	event.walk_ns = begins ? event.header.time_ns : live->again.begin_ns;
	live__push(live, &event.header);
	return event.header.time_ns;
}

static void begin(struct live *live, uint64_t now_ns)
{
	struct again *again = &live->again;

	again->next_ns = now_ns + AGAIN_EVERY_NS;
	if (walk__open(&again->walk, live->probe, PROBE_WALK_PROCESSES)) {
		live->unread++;
		return;
	}
	again->lost_at_begin = again->lost;
	again->refused_before = refused_of_walk(live);
	again->gone_refused_at_begin = refused(live, EVENT_CGROUP_GONE);
	again->round++;
	live__tell_losses(live);
	again->begin_ns = tell_opened(live, true);
	enter(again, AGAIN_PROCESSES, now_ns);
}

static void look(struct live *live, uint64_t now_ns)
{
	struct again *again = &live->again;
	uint64_t lost;

	if (now_ns < again->look_ns)
		return;
	again->look_ns = now_ns + LOOK_NS;
	lost = lost_lives(live);
	if (lost != again->lost)
		again->grown_ns = now_ns;
	again->lost = lost;
	if (lost == again->lost_before) {
		again->behind_ns = 0;
		tracked__forget_gone(live->tracked, now_ns - GONE_KNOWN_NS);
		return;
	}
	if (!again->behind_ns)
		again->behind_ns = now_ns;
	if (again__is_due(again, now_ns) && !must_wait(live, now_ns))
		begin(live, now_ns);
}

static void walk_processes(struct live *live, uint64_t now_ns)
{
	struct again *again = &live->again;
	uint64_t malformed = live->malformed;

	for (int i = 0; i < STEP_EVENTS; i++) {
		int more;

		if (walk__pass_on(live, &again->walk))
			continue;
		more = walk__fill(&again->walk);
		if (more < 0 || live->malformed != malformed) {
			live->unread += more < 0;
			give_up(again);
			return;
		}
		if (!more) {
			walk__close(&again->walk);
			enter(again, AGAIN_CGROUPS, now_ns);
			return;
		}
	}
}

static void look_at_cgroup(struct live *live, uint64_t cgroup_id, bool gone)
{
	_cleanup_(closep) int folder = cgroupfs__open_id(&live->options.facts->cgroupfs, cgroup_id);
	struct event_cgroup_gone event = {.cgroup_id = cgroup_id};

	if (folder != -ESTALE)
		return;
	/* That one has gone may have been told already. */
	if (!gone || refused(live, EVENT_CGROUP_GONE) != live->again.gone_refused) {
		observe__header(&event.header, EVENT_CGROUP_GONE, sizeof(event));
		live__push(live, &event.header);
	}
	tracked__end(live->tracked, cgroup_id, event.header.time_ns);
}

static void walk_cgroups(struct live *live)
{
	struct again *again = &live->again;
	uint64_t cgroup_id;
	bool gone;

	for (int i = 0; i < STEP_CGROUPS; i++) {
		if (!tracked__next(live->tracked, again->round, &cgroup_id, &gone)) {
			enter(again, AGAIN_CLOSING, observe__now_ns());
			return;
		}
		look_at_cgroup(live, cgroup_id, gone);
	}
}

/* All of the walk has been passed on. */
static void close_walk(struct live *live)
{
	struct again *again = &live->again;

	if (refused_of_walk(live) != again->refused_before)
		give_up(again);
	else
		enter(again, AGAIN_CLOSED, tell_opened(live, false));
}

static void finish(struct live *live)
{
	struct again *again = &live->again;

	again->stage = AGAIN_NOT;
	if (refused_of_walk(live) != again->refused_before)
		return;
	again->lost_before = again->lost_at_begin;
	again->behind_ns = 0;
	again->gone_refused = again->gone_refused_at_begin;
}

void live__prepare_again(struct live *live)
{
	struct again *again = &live->again;

	again->lost_before = again->lost = lost_lives(live);
}

void live__go_again(struct live *live, uint64_t now_ns)
{
	const struct again *again = &live->again;

	if (!again->possible)
		return;
	switch (again->stage) {
	case AGAIN_NOT:
		look(live, now_ns);
		break;
	case AGAIN_PROCESSES:
		if (!must_wait(live, now_ns))
			walk_processes(live, now_ns);
		break;
	case AGAIN_CGROUPS:
		if (!must_wait(live, now_ns))
			walk_cgroups(live);
		break;
	case AGAIN_CLOSING:
		if (live->released_ns >= again->stage_ns)
			close_walk(live);
		break;
	case AGAIN_CLOSED:
		if (live->released_ns >= again->stage_ns)
			finish(live);
		break;
	}
}

bool live__is_walking_again(const struct live *live, uint64_t now_ns)
{
	return live->again.stage != AGAIN_NOT && !must_wait(live, now_ns);
}
