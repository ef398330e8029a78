/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/units.h"
#include "source/live.h"
#include "source/tracked.h"

/*
 * What the live source's files share: live.c (life, what is due when), live_rings.c (the rings and
 * what their events ask for), live_walk.c (walks over all tasks), live_tell.c (what the recorder
 * says of the host and of itself).
 */

/*
 * An event's time is taken before it is put into its ring: one taken now may become readable a
 * little later. Waiting this long before passing on makes late events an exception.
 */
#define HOLD_NS (5 * NS_PER_MS)

enum { CRITICAL, BULK, RINGS };

struct ring {
	struct live *live;
	struct ring_buffer *buffer;
	size_t size_bytes;
	size_t taken_bytes; /* in this drain */
};

struct live {
	struct probe *probe;
	struct live_options options;
	struct order *order;
	struct ring rings[RINGS];
	int epoll_fd;            /* readable when one of the rings is */
	struct tracked *tracked; /* cgroups: which exist, when last under pressure */
	uint64_t opened_ns; /* the opening snapshot was complete, and what it had cost by then */
	uint64_t start_cpu_ns;
	uint64_t kernel_bytes; /* rings and maps: all of it taken when they are loaded */
	uint64_t next_pass_ns;
	uint64_t next_idle_pass_ns;
	uint64_t next_clock_ns;
	bool measuring;
	uint64_t measured_until_ns;
	uint64_t next_account_ns;
	uint64_t urgent_ns; /* a kill is held until HOLD_NS behind this; 0: none is */
	int64_t realtime_offset_ns;
	uint64_t malformed;
	uint64_t unread; /* observations that failed */
	uint64_t told_losses[LOSS_END][EVENT_KIND_END];
	bool killed; /* an OOM kill came in: look at the files now */
	uint64_t killed_domain;
	int error; /* first one inside a callback */
};

/* --- live.c --------------------------------------------------------------------------------- */

void live__push(struct live *live, const struct event_header *event);
int live__release(struct live *live, uint64_t until_ns);

/* --- live_rings.c --------------------------------------------------------------------------- */

int live__open_rings(struct live *live);
/* True: there may be more. */
bool live__drain(struct live *live);
void live__observe_argv(struct live *live, const struct task_ref *task);

/* --- live_walk.c ---------------------------------------------------------------------------- */

/* -ENOTSUP: there is no such walk. */
int live__walk(struct live *live, enum probe_walk which);
/* Sums the movers exactly, when it is time. */
void live__pass(struct live *live, uint64_t now_ns);

/* --- live_tell.c ---------------------------------------------------------------------------- */

int live__tell_host(struct live *live);
void live__observe_memcg(struct live *live, uint64_t cgroup_id);
void live__observe_pressure(struct live *live);
void live__observe_counters(struct live *live);
void live__tell_losses(struct live *live);
void live__tell_account(struct live *live, bool closing);
void live__check_clock(struct live *live);
/* The programs are timed for a while after attaching, and then what they cost is told. */
void live__start_measuring(struct live *live);
void live__measure(struct live *live, uint64_t now_ns);
void live__stop_measuring(struct live *live);
