/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/units.h"
#include "source/live.h"
#include "source/tracked.h"

/*
 * What the live source's files share: live.c (life, what is due when), live_rings.c (the rings and
 * what their events ask for), live_walk.c (walks over all tasks),
 * live_again.c (when they are due once more), live_limits.c (cgroups that are short of memory),
 * live_tell.c (what the recorder says of the host and of itself).
 */

/*
 * An event's time is taken before it is put into its ring: one taken now may become readable a
 * little later. Waiting this long before passing on makes late events an exception.
 */
#define HOLD_NS (5 * NS_PER_MS)

#define CALM_NS (10 * NS_PER_S) /* without reclaim for so long: the next one begins anew */

enum { CRITICAL, BULK, RINGS };

struct ring {
	struct live *live;
	struct ring_buffer *buffer;
	size_t size_bytes;
	size_t taken_bytes; /* in this drain */
};

/* A walk's events as they are read. The kernel's buffer holds whole ones, 8 pages of them: where
 * pages are larger than 4 KiB, a read ends inside one. */
struct walk {
	int fd;
	size_t at; /* up to here they have been passed on */
	size_t end;
	_Alignas(8) char buffer[32768];
};

enum again_stage {
	AGAIN_NOT,       /* no walk is going on */
	AGAIN_PROCESSES, /* it is reading the processes */
	AGAIN_CGROUPS,   /* and looking for the cgroups */
	AGAIN_CLOSING,   /* it is complete once all of it has been passed on */
	AGAIN_CLOSED     /* and over once that has been, too */
};

/* Walking all processes again after births or deaths were lost (live_again.c). */
struct again {
	enum again_stage stage;
	bool possible;
	uint64_t lost;           /* as last looked at */
	uint64_t lost_before;    /* when the last walk began that was completed */
	uint64_t lost_at_begin;  /* of the one that is going on */
	uint64_t refused_before; /* likewise */
	uint64_t gone_refused;   /* ends of cgroups, when the last complete one began */
	uint64_t gone_refused_at_begin;
	uint64_t grown_ns; /* when more had been lost */
	uint64_t
		behind_ns; /* since when something is lost that no walk has made good; 0: nothing */
	uint64_t look_ns;  /* the next times */
	uint64_t next_ns;
	uint64_t begin_ns;
	uint64_t stage_ns;
	uint32_t round; /* of looks at the cgroups */
	struct walk walk;
};

#define AGAIN_LULL_NS  (3 * NS_PER_S)  /* without further losses, and without a kill */
#define AGAIN_EVERY_NS (30 * NS_PER_S) /* from begin to begin; and without a lull */

/* Of what was lost, is it time to walk? What is lost meanwhile is left for the next one. */
static inline bool again__is_due(const struct again *again, uint64_t now_ns)
{
	return again->behind_ns && now_ns >= again->next_ns &&
	       (now_ns - again->grown_ns >= AGAIN_LULL_NS ||
		now_ns - again->behind_ns >= AGAIN_EVERY_NS);
}

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
	uint64_t killed_ns;   /* when the latest one came in; 0: none has */
	uint64_t released_ns; /* everything up to then has been passed on */
	struct again again;
	uint64_t stacks_until_ns; /* at the end: they are waited for */
	int error;                /* first one inside a callback */
};

/* --- live.c --------------------------------------------------------------------------------- */

void live__push(struct live *live, const struct event_header *event);
/* Growth whose stacks have been named. */
void live__drain_stacks(struct live *live);
int live__release(struct live *live, uint64_t until_ns);

/* --- live_rings.c --------------------------------------------------------------------------- */

int live__open_rings(struct live *live);
/* True: there may be more. */
bool live__drain(struct live *live);
void live__observe_argv(struct live *live, const struct task_ref *task);

/* --- live_walk.c ---------------------------------------------------------------------------- */

/* 0 or -errno; -ENOTSUP: there is no such walk. */
int walk__open(struct walk *walk, const struct probe *probe, enum probe_walk which);
void walk__close(struct walk *walk);
/* Reads on. 1, or 0 at its end, or -errno. */
int walk__fill(struct walk *walk);
/* One event of what has been read; false: none is left. */
bool walk__pass_on(struct live *live, struct walk *walk);
/* -ENOTSUP: there is no such walk. */
int live__walk(struct live *live, enum probe_walk which);
/* Sums the movers exactly, when it is time. */
void live__pass(struct live *live, uint64_t now_ns);

/* --- live_again.c --------------------------------------------------------------------------- */

/* The opening walk begins; what was lost before is no matter to it. */
void live__prepare_again(struct live *live);
/* A little of what is to be walked again, if anything is. */
void live__go_again(struct live *live, uint64_t now_ns);
/* Is it to go on at once? */
bool live__is_walking_again(const struct live *live, uint64_t now_ns);

/* --- live_limits.c --------------------------------------------------------------------------- */

/* What a cgroup's limits have done so far: what is counted from, and who waits already. */
void live__look_at_limits(struct live *live, uint64_t cgroup_id);
/* The cgroups short of memory whose turn has come. */
void live__look_at_pressed(struct live *live, uint64_t now_ns);
/* All of them, once more. */
void live__look_last(struct live *live);

/* --- live_tell.c ---------------------------------------------------------------------------- */

int live__tell_host(struct live *live);
/* An observation that failed is a loss, unless this host never had what it looks for. */
void live__push_observed(struct live *live, int result, const struct event_header *event);
void live__observe_memcg(struct live *live, uint64_t cgroup_id);
void live__observe_pressure(struct live *live);
void live__observe_counters(struct live *live);
void live__tell_losses(struct live *live);
/* At once: what comes next may lack its stacks. */
void live__tell_stack_losses(struct live *live);
void live__tell_account(struct live *live, bool closing);
void live__check_clock(struct live *live);
/* The programs are timed for a while after attaching, and then what they cost is told. */
void live__start_measuring(struct live *live);
void live__measure(struct live *live, uint64_t now_ns);
void live__stop_measuring(struct live *live);
