/* SPDX-License-Identifier: GPL-2.0-only */
#include "source/live.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "recording/reader.h"
#include "source/observe.h"
#include "source/tracked.h"

/*
 * An event's time is taken before it is put into its ring: one taken now may become readable a
 * little later. Waiting this long before passing on makes late events an exception.
 */
#define HOLD_NS      (5 * NS_PER_MS)

#define PASS_NS      (100 * NS_PER_MS) /* between walks while something moves by less than a step */
#define IDLE_PASS_NS (1 * NS_PER_S)    /* and when nothing does: cgroups grow without processes */
#define CLOCK_NS     (10 * NS_PER_S)
#define PASS_SHARE   200 /* a walk may take 1/200 of the time: 0.5% of one CPU */
#define CLOCK_STEP_NS                                                                       \
	(1 * NS_PER_MS)         /* a smaller move of the wall clock is drift of the reading \
				 */
#define PACE_NS (1 * NS_PER_S)  /* how long one portion of a walk may wait for the sink */
#define CALM_NS (10 * NS_PER_S) /* without reclaim for so long: the next one begins anew */

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
	uint64_t next_pass_ns;
	uint64_t next_idle_pass_ns;
	uint64_t next_clock_ns;
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

static int pass_on(struct live *live, uint64_t until_ns)
{
	return order__release(live->order, until_ns, live->options.sink, live->options.context);
}

/* Without memory to hold it, an event goes on at once, behind everything that is held. */
static void push(struct live *live, const struct event_header *event)
{
	int error = order__push(live->order, event);

	if (error == -ENOMEM)
		error = pass_on(live, UINT64_MAX);
	else
		return;
	if (!error)
		error = live->options.sink(live->options.context, event);
	if (error < 0 && !live->error)
		live->error = error;
}

/* An observation that failed is a loss, unless this host never had what it looks for. */
static void push_observed(struct live *live, int result, const struct event_header *event)
{
	if (result == 0)
		push(live, event);
	else if (result != -ENOENT && result != -EOPNOTSUPP && result != -ESTALE)
		live->unread++;
}

static void observe_memcg(struct live *live, uint64_t cgroup_id)
{
	struct event_memcg_stat stat;

	if (cgroup_id && live->options.facts->cgroupfs.version)
		push_observed(live,
			      observe__memcg_stat(&stat, &live->options.facts->cgroupfs, cgroup_id),
			      &stat.header);
}

static void observe_pressure(struct live *live)
{
	struct event_psi psi;

	push_observed(live, observe__psi(&psi), &psi.header);
}

static void observe_counters(struct live *live)
{
	struct event_meminfo meminfo;
	struct event_oom_counter counter;

	push_observed(live, observe__meminfo(&meminfo), &meminfo.header);
	push_observed(live, observe__oom_counter(&counter), &counter.header);
	observe_pressure(live);
}

/* --- the rings ------------------------------------------------------------------------------ */

static void observe_argv(struct live *live, const struct task_ref *task)
{
	union {
		struct event_argv event;
		char room[sizeof(struct event_argv) + EVENT_ARGV_BYTES + 8];
	} argv;

	/* Gone, or a zombie: nothing is lost that anybody could still have. */
	if (observe__argv(&argv.event, task) == 0)
		push(live, &argv.event.header);
}

/* What an event asks of us, besides being passed on. */
static void inspect(struct live *live, const struct event_header *event)
{
	switch (event->kind) {
	case EVENT_PROCESS: /* came into the cgroup that is followed */
		observe_argv(live, &((const struct event_process *)event)->process.task);
		break;
	case EVENT_CGROUP:
		tracked__add(live->tracked, ((const struct event_cgroup *)event)->cgroup_id);
		break;
	case EVENT_CGROUP_GONE:
		tracked__remove(live->tracked,
				((const struct event_cgroup_gone *)event)->cgroup_id);
		break;
	case EVENT_RECLAIM: {
		const struct event_reclaim *reclaim = (const void *)event;

		if (tracked__pressed(live->tracked, reclaim->cgroup_id, event->time_ns, CALM_NS)) {
			observe_memcg(live, reclaim->cgroup_id);
			observe_pressure(live);
		}
		break;
	}
	case EVENT_OOM_KILL: {
		const struct event_oom_kill *kill = (const void *)event;

		uint64_t domain =
			kill->domain_cgroup_id ? kill->domain_cgroup_id : kill->victim.cgroup_id;

		/* Two levels full at once; the members of one oom_group are one look. */
		if (live->killed && live->killed_domain != domain)
			observe_memcg(live, live->killed_domain);
		live->killed = true;
		live->killed_domain = domain;
		live->urgent_ns = observe__now_ns();
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
		push(live, event);
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

static bool drain(struct live *live)
{
	bool more = false;

	for (int i = 0; i < RINGS; i++)
		more |= drain_ring(&live->rings[i]);
	if (!live->killed)
		return more;
	live->killed = false;
	observe_memcg(live, live->killed_domain);
	observe_counters(live);
	return more;
}

static int release(struct live *live, uint64_t until_ns)
{
	int error = live->error;

	live->error = 0;
	if (live->urgent_ns && live->urgent_ns <= until_ns)
		live->urgent_ns = 0;
	return error ? error : pass_on(live, until_ns);
}

/* --- walks over all tasks ------------------------------------------------------------------- */

/*
 * Where every task is told at once the sink gets it in portions: the rings are emptied meanwhile,
 * and a sink that never catches up is not waited for.
 */
static int pace(struct live *live)
{
	uint64_t now_ns = observe__now_ns(), until_ns = now_ns + PACE_NS;
	int error = release(live, now_ns - HOLD_NS);

	while (!error && live->options.busy && live->options.busy(live->options.context) &&
	       now_ns < until_ns) {
		poll(NULL, 0, 1);
		drain(live);
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
		push(live, event);
		if (event->kind == EVENT_PROCESS)
			observe_argv(live, &((const struct event_process *)event)->process.task);
		at += event->size_bytes;
	}
	return at;
}

/* Reads a walk to its end. The kernel's buffer holds whole events, 8 pages of them: where pages
 * are larger than 4 KiB, a read ends inside one. -ENOTSUP: there is no such walk. */
static int walk(struct live *live, enum probe_walk which)
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
		drain(live);
		if (which == PROBE_WALK_PROCESSES) {
			int error = pace(live);

			if (error)
				return error;
		}
	}
	return 0;
}

static void pass(struct live *live, uint64_t now_ns)
{
	bool idle_due = now_ns >= live->next_idle_pass_ns;
	uint64_t took_ns;
	int error;

	if (!probe__movers(live->probe) && !idle_due)
		return;
	error = walk(live, PROBE_WALK_MOVERS);
	if (error && error != -ENOTSUP)
		live->unread++;
	took_ns = observe__now_ns() - now_ns;
	live->next_pass_ns =
		now_ns + (took_ns * PASS_SHARE > PASS_NS ? took_ns * PASS_SHARE : PASS_NS);
	live->next_idle_pass_ns = now_ns + IDLE_PASS_NS;
}

/* --- what is due now and then --------------------------------------------------------------- */

static void tell_loss(struct live *live, enum loss_reason reason, uint32_t kind, uint64_t count)
{
	struct event_loss event = {.reason = reason, .kind = kind, .count = count};

	if (count == live->told_losses[reason][kind])
		return;
	live->told_losses[reason][kind] = count;
	observe__header(&event.header, EVENT_LOSS, sizeof(event));
	push(live, &event.header);
}

static void tell_losses(struct live *live)
{
	const struct live_options *options = &live->options;

	for (uint32_t kind = 0; kind < EVENT_KIND_END; kind++) {
		tell_loss(live, LOSS_RING_FULL, kind, probe__ring_losses(live->probe, kind));
		if (options->refused)
			tell_loss(live, LOSS_QUEUE_FULL, kind,
				  options->refused(options->context, kind));
	}
	for (uint32_t reason = LOSS_MM_TABLE_FULL; reason <= LOSS_FOLLOWED_TABLE_FULL; reason++)
		tell_loss(live, reason, 0, probe__table_losses(live->probe, reason));
	tell_loss(live, LOSS_RECURSION, 0, probe__recursion_misses(live->probe));
	tell_loss(live, LOSS_MALFORMED, 0, live->malformed);
	tell_loss(live, LOSS_OBSERVATION, 0, live->unread);
}

static void check_clock(struct live *live)
{
	struct event_clock event;

	observe__clock(&event);
	if (llabs(event.realtime_offset_ns - live->realtime_offset_ns) < (int64_t)CLOCK_STEP_NS)
		return;
	live->realtime_offset_ns = event.realtime_offset_ns;
	push(live, &event.header);
}

static void tell_account(struct live *live)
{
	const struct live_account *account = &live->options.account;
	struct event_recorder recorder;

	observe__recorder(&recorder, live->opened_ns, live->start_cpu_ns);
	recorder.kernel_bytes = probe__kernel_bytes(live->probe);
	recorder.events = account->events(account->context);
	recorder.written_bytes = account->written_bytes(account->context);
	push(live, &recorder.header);
}

int live__run(struct live *live)
{
	uint64_t now_ns = observe__now_ns();

	drain(live);
	if (now_ns >= live->next_pass_ns)
		pass(live, now_ns);
	if (now_ns >= live->next_clock_ns) {
		check_clock(live);
		tell_losses(live);
		live->next_clock_ns = now_ns + CLOCK_NS;
	}
	if (live->options.account_every_ns && now_ns >= live->next_account_ns) {
		tell_account(live);
		live->next_account_ns = now_ns + live->options.account_every_ns;
	}
	return release(live, now_ns > HOLD_NS ? now_ns - HOLD_NS : 0);
}

/* --- life ----------------------------------------------------------------------------------- */

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

static int open_rings(struct live *live)
{
	int error;

	live->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (live->epoll_fd < 0)
		return -errno;
	error = open_ring(live, CRITICAL, probe__critical_ring(live->probe),
			  probe__critical_ring_bytes(live->probe));
	if (error)
		return error;
	return open_ring(live, BULK, probe__bulk_ring(live->probe),
			 probe__bulk_ring_bytes(live->probe));
}

int live__new(struct live **out, struct probe *probe, const struct live_options *options)
{
	struct live *live = calloc(1, sizeof(*live));
	int error = -ENOMEM;

	if (!live)
		return error;
	live->probe = probe;
	live->options = *options;
	live->epoll_fd = -1;
	error = order__new(&live->order);
	if (!error)
		error = tracked__new(&live->tracked);
	if (!error)
		error = open_rings(live);
	if (error) {
		live__free(live);
		return error;
	}
	*out = live;
	return 0;
}

static int tell_host(struct live *live)
{
	const struct live_options *options = &live->options;
	struct event_host host;
	struct event_probe probe;
	int error = observe__host(&host, options->facts, options->scope, options->followed,
				  options->step_bytes);

	if (error)
		return error;
	live->realtime_offset_ns = host.realtime_offset_ns;
	push(live, &host.header);
	for (int capability = 0; capability < CAPABILITY_COUNT; capability++) {
		observe__probe(&probe, capability, &options->plan->ways[capability]);
		push(live, &probe.header);
	}
	observe_counters(live);
	return 0;
}

static void observe_one_memcg(void *context, uint64_t cgroup_id)
{
	observe_memcg(context, cgroup_id);
}

int live__attach(struct live *live, char *why, size_t why_size)
{
	int error = tell_host(live);

	if (error) {
		snprintf(why, why_size, "reading /proc/meminfo: %s", strerror(-error));
		return error;
	}
	return probe__attach(live->probe, why, why_size);
}

int live__open(struct live *live, char *why, size_t why_size)
{
	struct event_opened opened;
	int error = walk(live, PROBE_WALK_PROCESSES);

	if (error && error != -ENOTSUP) {
		probe__detach(live->probe);
		snprintf(why, why_size, "walking the processes: %s", strerror(-error));
		return error;
	}
	drain(live);
	tracked__each(live->tracked, observe_one_memcg, live);
	if (!error) {
		observe__header(&opened.header, EVENT_OPENED, sizeof(opened));
		push(live, &opened.header);
	}
	live->opened_ns = observe__now_ns();
	live->start_cpu_ns = observe__cpu_ns();
	live->next_clock_ns = live->opened_ns + CLOCK_NS;
	live->next_account_ns = live->opened_ns + live->options.account_every_ns;
	return live__run(live);
}

int live__fd(const struct live *live)
{
	return live->epoll_fd;
}

int live__timeout_ms(const struct live *live)
{
	return (live->urgent_ns ? HOLD_NS : PASS_NS) / NS_PER_MS;
}

static void collect(void *context, const struct event_header *event)
{
	push(context, event);
}

int live__close(struct live *live)
{
	int error;

	walk(live, PROBE_WALK_MOVERS);
	probe__detach(live->probe);
	while (drain(live))
		;
	probe__collect_reclaim(live->probe, collect, live);
	observe_counters(live);
	check_clock(live);
	tell_losses(live);
	error = release(live, UINT64_MAX);
	if (error)
		return error;
	tell_account(live);
	return release(live, UINT64_MAX);
}

void live__free(struct live *live)
{
	if (!live)
		return;
	for (int i = 0; i < RINGS; i++)
		ring_buffer__free(live->rings[i].buffer);
	closep(&live->epoll_fd);
	order__free(live->order);
	tracked__free(live->tracked);
	free(live);
}
