/* SPDX-License-Identifier: GPL-2.0-only */
#include <bpf/libbpf.h>
#include <errno.h>
#include <sys/epoll.h>

#include "recording/reader.h"
#include "source/live_internal.h"
#include "source/observe.h"

void live__observe_argv(struct live *live, const struct task_ref *task)
{
	union {
		struct event_argv event;
		char room[sizeof(struct event_argv) + EVENT_ARGV_BYTES + 8];
	} argv;

	/* Gone, or a zombie: nothing is lost that anybody could still have. */
	if (observe__argv(&argv.event, task) == 0)
		live__push(live, &argv.event.header);
}

/* What an event asks of us, besides being passed on. */
static void inspect(struct live *live, const struct event_header *event)
{
	switch (event->kind) {
	case EVENT_PROCESS: /* came into the cgroup that is followed */
		live__observe_argv(live, &((const struct event_process *)event)->process.task);
		break;
	case EVENT_CGROUP: {
		const struct event_cgroup *cgroup = (const void *)event;

		tracked__add(live->tracked, cgroup->cgroup_id, cgroup->parent_id);
		/* One that is new starts from zero; what an old one did before does not count. */
		if (live->opened_ns && cgroup->counters.watermark_bytes)
			live__look_at_limits(live, cgroup->cgroup_id);
		break;
	}
	case EVENT_CGROUP_GONE:
		tracked__end(live->tracked, ((const struct event_cgroup_gone *)event)->cgroup_id,
			     observe__now_ns());
		break;
	case EVENT_RECLAIM: {
		const struct event_reclaim *reclaim = (const void *)event;

		if (tracked__pressed(live->tracked, reclaim->cgroup_id, event->time_ns, CALM_NS)) {
			live__observe_memcg(live, reclaim->cgroup_id);
			live__observe_pressure(live);
		}
		if (reclaim->flags & RECLAIM_MEMCG)
			tracked__watch(live->tracked, reclaim->cgroup_id, observe__now_ns(),
				       CALM_NS);
		break;
	}
	case EVENT_OOM_KILL: {
		const struct event_oom_kill *kill = (const void *)event;

		uint64_t domain =
			kill->domain_cgroup_id ? kill->domain_cgroup_id : kill->victim.cgroup_id;

		/* Two levels full at once; the members of one oom_group are one look. */
		if (live->killed && live->killed_domain != domain)
			live__observe_memcg(live, live->killed_domain);
		live->killed = true;
		live->killed_domain = domain;
		live->urgent_ns = observe__now_ns();
		live->killed_ns = live->urgent_ns;
		break;
	}
	default:
		break;
	}
}

static int on_event(void *context, void *data, size_t size)
{
	struct ring *ring = context;
	struct live *live = ring->live;
	const struct event_header *event = data;

	if (event__check(event, size)) {
		live->malformed++;
	} else {
		live__push(live, event);
		inspect(live, event);
	}
	ring->taken_bytes += size;
	return ring->taken_bytes < ring->size_bytes ? 0 : -EAGAIN;
}

/*
 * Takes at least what was there at the beginning and at most one ring's worth: whoever writes
 * faster than we read would keep us here for ever. True: there may be more.
 */
static bool drain_ring(struct ring *ring)
{
	ring->taken_bytes = 0;
	return ring_buffer__consume(ring->buffer) == -EAGAIN;
}

bool live__drain(struct live *live)
{
	bool more = false;

	for (int i = 0; i < RINGS; i++)
		more |= drain_ring(&live->rings[i]);
	if (!live->killed)
		return more;
	live->killed = false;
	live__observe_memcg(live, live->killed_domain);
	live__observe_counters(live);
	if (live->options.account_every_ns)
		live__tell_account(live, false);
	return more;
}

static int open_ring(struct live *live, int index, int map_fd, size_t size_bytes)
{
	struct ring *ring = &live->rings[index];
	struct epoll_event readable = {.events = EPOLLIN};

	ring->live = live;
	ring->size_bytes = size_bytes;
	ring->buffer = ring_buffer__new(map_fd, on_event, ring, NULL);
	if (!ring->buffer)
		return -errno;
	return epoll_ctl(live->epoll_fd, EPOLL_CTL_ADD, map_fd, &readable) ? -errno : 0;
}

int live__open_rings(struct live *live)
{
	int error;

	live->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (live->epoll_fd < 0)
		return -errno;
	if (live->options.stacks) {
		struct epoll_event readable = {.events = EPOLLIN};

		if (epoll_ctl(live->epoll_fd, EPOLL_CTL_ADD, stack_worker__fd(live->options.stacks),
			      &readable))
			return -errno;
	}
	error = open_ring(live, CRITICAL, probe__critical_ring(live->probe),
			  probe__critical_ring_bytes(live->probe));
	if (error)
		return error;
	return open_ring(live, BULK, probe__bulk_ring(live->probe),
			 probe__bulk_ring_bytes(live->probe));
}
