/* SPDX-License-Identifier: GPL-2.0-only */
#include "source/live.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "source/live_internal.h"
#include "source/observe.h"

#define STACKS_WAIT_NS (30 * NS_PER_S)   /* what is left is named by then, symbols read from disk */
#define TURN_NS        (100 * NS_PER_MS) /* at most between two looks at what is due */
#define CLOCK_NS       (10 * NS_PER_S)

static int pass_on(struct live *live, uint64_t until_ns)
{
	return order__release(live->order, until_ns, live->options.sink, live->options.context);
}

/* Without memory to hold it, an event goes on at once, behind everything that is held. */
void live__push(struct live *live, const struct event_header *event)
{
	int error;

	if (!order__push(live->order, event))
		return;
	error = pass_on(live, UINT64_MAX);
	if (!error)
		error = live->options.sink(live->options.context, event);
	if (error < 0 && !live->error)
		live->error = error;
}

int live__release(struct live *live, uint64_t until_ns)
{
	int error = live->error;

	live->error = 0;
	if (until_ns > live->released_ns)
		live->released_ns = until_ns;
	if (live->urgent_ns && live->urgent_ns <= until_ns)
		live->urgent_ns = 0;
	return error ? error : pass_on(live, until_ns);
}

int live__run(struct live *live)
{
	uint64_t now_ns = observe__now_ns();

	live__drain(live);
	live__drain_stacks(live);
	live__measure(live, now_ns);
	if (now_ns >= live->next_pass_ns)
		live__pass(live, now_ns);
	live__look_at_pressed(live, now_ns);
	live__go_again(live, now_ns);
	if (now_ns >= live->next_clock_ns) {
		live__check_clock(live);
		live__tell_losses(live);
		live->next_clock_ns = now_ns + CLOCK_NS;
	}
	if (live->options.account_every_ns && now_ns >= live->next_account_ns) {
		live__tell_account(live, false);
		live->next_account_ns = now_ns + live->options.account_every_ns;
	}
	return live__release(live, now_ns > HOLD_NS ? now_ns - HOLD_NS : 0);
}

/* --- life ----------------------------------------------------------------------------------- */

int live__new(struct live **out, struct probe *probe, const struct live_options *options)
{
	struct live *live = calloc(1, sizeof(*live));
	int error = -ENOMEM;

	if (!live)
		return error;
	live->probe = probe;
	live->options = *options;
	live->epoll_fd = -1;
	live->again.walk.fd = -1;
	error = order__new(&live->order);
	if (!error)
		error = tracked__new(&live->tracked);
	if (!error)
		error = live__open_rings(live);
	if (error) {
		live__free(live);
		return error;
	}
	*out = live;
	return 0;
}

static void observe_one_memcg(void *context, uint64_t cgroup_id)
{
	live__observe_memcg(context, cgroup_id);
	live__look_at_limits(context, cgroup_id);
}

int live__attach(struct live *live, char *why, size_t why_size)
{
	int error = live__tell_host(live);

	if (error) {
		snprintf(why, why_size, "reading /proc/meminfo: %s", strerror(-error));
		return error;
	}
	error = probe__attach(live->probe, why, why_size);
	if (!error)
		live__start_measuring(live);
	return error;
}

int live__open(struct live *live, char *why, size_t why_size)
{
	struct event_opened opened = {.walk_ns = 0};
	int error;

	live__prepare_again(live);
	error = live__walk(live, PROBE_WALK_PROCESSES);
	if (error && error != -ENOTSUP) {
		probe__detach(live->probe);
		snprintf(why, why_size, "walking the processes: %s", strerror(-error));
		return error;
	}
	live__drain(live);
	tracked__each(live->tracked, observe_one_memcg, live);
	if (!error) {
		observe__header(&opened.header, EVENT_OPENED, sizeof(opened));
		live__push(live, &opened.header);
		live->again.possible = live->options.scope == FOLLOW_ALL;
	}
	live->kernel_bytes = probe__kernel_bytes(live->probe);
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
	if (live__is_walking_again(live, observe__now_ns()))
		return 1;
	return (live->urgent_ns ? HOLD_NS : TURN_NS) / NS_PER_MS;
}

static int push(void *context, const struct event_header *event)
{
	live__push(context, event);
	return 0;
}

void live__drain_stacks(struct live *live)
{
	if (live->options.stacks)
		stack_worker__drain(live->options.stacks, push, live);
	live__tell_stack_losses(live);
}

static bool is_worth_waiting(void *context)
{
	const struct live *live = context;
	const struct live_patience *patience = &live->options.patience;

	return observe__now_ns() < live->stacks_until_ns && patience->wait(patience->context);
}

static void finish_stacks(struct live *live)
{
	if (!live->options.stacks)
		return;
	live->stacks_until_ns = observe__now_ns() + STACKS_WAIT_NS;
	stack_worker__finish(live->options.stacks, push, live, is_worth_waiting, live);
}

static void collect(void *context, const struct event_header *event)
{
	live__push(context, event);
}

int live__close(struct live *live)
{
	int error;

	live__walk(live, PROBE_WALK_MOVERS);
	live__look_last(live);
	live__stop_measuring(live);
	probe__detach(live->probe);
	while (live__drain(live))
		;
	probe__collect_reclaim(live->probe, collect, live);
	finish_stacks(live);
	live__observe_counters(live);
	live__check_clock(live);
	live__tell_losses(live);
	error = live__release(live, UINT64_MAX);
	if (error)
		return error;
	live__tell_account(live, true);
	return live__release(live, UINT64_MAX);
}

void live__free(struct live *live)
{
	if (!live)
		return;
	for (int i = 0; i < RINGS; i++)
		ring_buffer__free(live->rings[i].buffer);
	closep(&live->epoll_fd);
	walk__close(&live->again.walk);
	order__free(live->order);
	tracked__free(live->tracked);
	free(live);
}
