/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "recording/reader.h"
#include "source/live_internal.h"
#include "source/observe.h"

#define PASS_NS      (100 * NS_PER_MS) /* between walks while something moves by less than a step */
#define IDLE_PASS_NS (1 * NS_PER_S)    /* and when nothing does: cgroups grow without processes */
#define PASS_SHARE   400               /* a walk may take 1/400 of the time: 0.25% of one CPU */
#define IDLE_SHARE   1000              /* and 0.1% when nothing moves */
#define PACE_NS      (1 * NS_PER_S)    /* how long one portion of a walk may wait for the sink */

/*
 * Where every task is told at once the sink gets it in portions: the rings are emptied meanwhile,
 * and a sink that never catches up is not waited for.
 */
static int pace(struct live *live)
{
	uint64_t now_ns = observe__now_ns(), until_ns = now_ns + PACE_NS;
	int error = live__release(live, now_ns - HOLD_NS);

	while (!error && live->options.busy && live->options.busy(live->options.context) &&
	       now_ns < until_ns) {
		poll(NULL, 0, 1);
		live__drain(live);
		now_ns = observe__now_ns();
	}
	return error;
}

int walk__open(struct walk *walk, const struct probe *probe, enum probe_walk which)
{
	walk->fd = probe__walk(probe, which);
	walk->at = walk->end = 0;
	return walk->fd < 0 ? walk->fd : 0;
}

void walk__close(struct walk *walk)
{
	closep(&walk->fd);
	walk->fd = -1;
}

int walk__fill(struct walk *walk)
{
	ssize_t length;

	walk->end -= walk->at;
	memmove(walk->buffer, walk->buffer + walk->at, walk->end);
	walk->at = 0;
	do {
		length = read(walk->fd, walk->buffer + walk->end, sizeof(walk->buffer) - walk->end);
	} while (length < 0 && (errno == EAGAIN || errno == EINTR));
	if (length < 0)
		return -errno;
	walk->end += length;
	return length > 0;
}

bool walk__pass_on(struct live *live, struct walk *walk)
{
	const struct event_header *event = (const void *)(walk->buffer + walk->at);
	size_t length = walk->end - walk->at;

	if (length < sizeof(*event) ||
	    (event->size_bytes <= EVENT_MAX_BYTES && event->size_bytes > length))
		return false;
	if (event__check(event, length)) {
		live->malformed++;
		walk->at = walk->end;
		return false;
	}
	walk->at += event->size_bytes;
	live__push(live, event);
	if (event->kind == EVENT_PROCESS)
		live__observe_argv(live, &((const struct event_process *)event)->process.task);
	return true;
}

static void walk__closep(struct walk *walk)
{
	walk__close(walk);
}

/* Reads a walk to its end. -ENOTSUP: there is no such walk. */
int live__walk(struct live *live, enum probe_walk which)
{
	_cleanup_(walk__closep) struct walk walk;
	int more, error = walk__open(&walk, live->probe, which);

	if (error)
		return error;
	while ((more = walk__fill(&walk)) > 0) {
		while (walk__pass_on(live, &walk))
			;
		live__drain(live);
		error = which == PROBE_WALK_PROCESSES ? pace(live) : 0;
		if (error)
			return error;
	}
	return more;
}

static uint64_t at_least(uint64_t ns, uint64_t least_ns)
{
	return ns < least_ns ? least_ns : ns;
}

void live__pass(struct live *live, uint64_t now_ns)
{
	bool idle_due = now_ns >= live->next_idle_pass_ns;
	uint64_t took_ns;
	int error;

	if (!probe__movers(live->probe) && !idle_due)
		return;
	error = live__walk(live, PROBE_WALK_MOVERS);
	if (error && error != -ENOTSUP)
		live->unread++;
	took_ns = observe__now_ns() - now_ns;
	live->next_pass_ns = now_ns + at_least(took_ns * PASS_SHARE, PASS_NS);
	live->next_idle_pass_ns = now_ns + at_least(took_ns * IDLE_SHARE, IDLE_PASS_NS);
}
