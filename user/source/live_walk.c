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

/* Passes on the whole events of a walk's bytes. Returns how many bytes these were. */
static size_t take_walked(struct live *live, const char *buffer, size_t length)
{
	size_t at = 0;

	while (length - at >= sizeof(struct event_header)) {
		const struct event_header *event = (const void *)(buffer + at);

		if (event->size_bytes <= EVENT_MAX_BYTES && event->size_bytes > length - at)
			break;
		if (event__check(event, length - at)) {
			live->malformed++;
			return length;
		}
		live__push(live, event);
		if (event->kind == EVENT_PROCESS)
			live__observe_argv(live,
					   &((const struct event_process *)event)->process.task);
		at += event->size_bytes;
	}
	return at;
}

/* Reads a walk to its end. The kernel's buffer holds whole events, 8 pages of them: where pages
 * are larger than 4 KiB, a read ends inside one. -ENOTSUP: there is no such walk. */
int live__walk(struct live *live, enum probe_walk which)
{
	_cleanup_(closep) int fd = probe__walk(live->probe, which);
	_Alignas(8) char buffer[32768];
	size_t held = 0, taken;
	ssize_t length;

	if (fd < 0)
		return fd;
	while ((length = read(fd, buffer + held, sizeof(buffer) - held)) != 0) {
		if (length < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (length < 0)
			return -errno;
		held += length;
		taken = take_walked(live, buffer, held);
		held -= taken;
		memmove(buffer, buffer + taken, held);
		live__drain(live);
		if (which == PROBE_WALK_PROCESSES) {
			int error = pace(live);

			if (error)
				return error;
		}
	}
	return 0;
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
