/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "source/live_internal.h"
#include "source/observe.h"

/* The programs are timed for so many runs of all of them together, or so long: enough for a mean,
 * too little to be felt. */
#define MEASURE_RUNS 10000
#define MEASURE_NS   (60 * NS_PER_S)

#define CLOCK_STEP_NS                                                               \
	(1 * NS_PER_MS) /* a smaller move of the wall clock is drift of the reading \
			 */

void live__push_observed(struct live *live, int result, const struct event_header *event)
{
	if (result == 0)
		live__push(live, event);
	else if (result != -ENOENT && result != -EOPNOTSUPP && result != -ESTALE &&
		 result != -ENODEV)
		live->unread++;
}

void live__observe_memcg(struct live *live, uint64_t cgroup_id)
{
	struct event_memcg_stat stat;

	if (cgroup_id && live->options.facts->cgroupfs.version)
		live__push_observed(
			live, observe__memcg_stat(&stat, &live->options.facts->cgroupfs, cgroup_id),
			&stat.header);
}

void live__observe_pressure(struct live *live)
{
	struct event_psi psi;

	live__push_observed(live, observe__psi(&psi), &psi.header);
}

void live__observe_counters(struct live *live)
{
	struct event_meminfo meminfo;
	struct event_oom_counter counter;

	live__push_observed(live, observe__meminfo(&meminfo), &meminfo.header);
	live__push_observed(live, observe__oom_counter(&counter), &counter.header);
	live__observe_pressure(live);
}

int live__tell_host(struct live *live)
{
	const struct live_options *options = &live->options;
	struct event_host host;
	struct event_probe probe;
	int error = observe__host(&host, options->facts, options->scope, options->followed,
				  options->step_bytes);

	if (error)
		return error;
	if (options->plan->exact_sums && options->plan->walks)
		host.rest_error_bytes = host.step_bytes / RSS_REST_STEPS;
	live->realtime_offset_ns = host.realtime_offset_ns;
	live__push(live, &host.header);
	for (int capability = 0; capability < CAPABILITY_COUNT; capability++) {
		observe__probe(&probe, capability, &options->plan->ways[capability]);
		live__push(live, &probe.header);
	}
	live__observe_counters(live);
	return 0;
}

static void tell_loss(struct live *live, enum loss_reason reason, uint32_t kind, uint64_t count)
{
	struct event_loss event = {.reason = reason, .kind = kind, .count = count};

	if (count == live->told_losses[reason][kind])
		return;
	live->told_losses[reason][kind] = count;
	observe__header(&event.header, EVENT_LOSS, sizeof(event));
	live__push(live, &event.header);
}

void live__tell_losses(struct live *live)
{
	const struct live_options *options = &live->options;

	for (uint32_t kind = 0; kind < EVENT_KIND_END; kind++) {
		tell_loss(live, LOSS_RING_FULL, kind, probe__ring_losses(live->probe, kind));
		tell_loss(live, LOSS_RECURSION, kind, probe__recursion_misses(live->probe, kind));
		if (options->refused)
			tell_loss(live, LOSS_QUEUE_FULL, kind,
				  options->refused(options->context, kind));
	}
	for (uint32_t reason = LOSS_MM_TABLE_FULL; reason <= LOSS_FOLLOWED_TABLE_FULL; reason++)
		tell_loss(live, reason, 0, probe__table_losses(live->probe, reason));
	tell_loss(live, LOSS_NOTE_TABLE_FULL, EVENT_GROWTH,
		  probe__table_losses(live->probe, LOSS_NOTE_TABLE_FULL));
	tell_loss(live, LOSS_CPU_UNWATCHED, EVENT_GROWTH, probe__unwatched_cpus(live->probe));
	tell_loss(live, LOSS_MALFORMED, 0, live->malformed);
	tell_loss(live, LOSS_OBSERVATION, 0, live->unread);
	live__tell_stack_losses(live);
}

void live__tell_stack_losses(struct live *live)
{
	if (live->options.stacks)
		tell_loss(live, LOSS_STACK_WORKER, EVENT_GROWTH,
			  stack_worker__ends(live->options.stacks));
}

void live__check_clock(struct live *live)
{
	struct event_clock event;

	observe__clock(&event);
	if (llabs(event.realtime_offset_ns - live->realtime_offset_ns) < (int64_t)CLOCK_STEP_NS)
		return;
	live->realtime_offset_ns = event.realtime_offset_ns;
	live__push(live, &event.header);
}

void live__tell_account(struct live *live, bool closing)
{
	const struct live_account *account = &live->options.account;
	struct event_recorder recorder;

	observe__recorder(&recorder, live->opened_ns, live->start_cpu_ns);
	if (live->options.stacks) {
		recorder.cpu_ns += stack_worker__cpu_ns(live->options.stacks);
		recorder.peak_rss_bytes += stack_worker__peak_bytes(live->options.stacks);
	}
	recorder.header.flags |= closing ? EVENT_CLOSING : 0;
	recorder.kernel_bytes = live->kernel_bytes;
	recorder.events = account->events(account->context);
	recorder.written_bytes = account->written_bytes(account->context);
	live__push(live, &recorder.header);
}

/* --- what the programs cost ------------------------------------------------------------------- */

void live__start_measuring(struct live *live)
{
	/* Not permitted: then the cost is not known, and no report says anything of it. */
	live->measuring = !probe__start_measuring(live->probe);
	live->measured_until_ns = observe__now_ns() + MEASURE_NS;
}

static uint64_t runs_so_far(const struct live *live)
{
	struct program_cost cost;
	uint64_t runs = 0;

	for (size_t i = 0; probe__program_cost(live->probe, i, &cost); i++)
		runs += cost.runs;
	return runs;
}

void live__stop_measuring(struct live *live)
{
	struct program_cost cost;

	if (!live->measuring)
		return;
	live->measuring = false;
	probe__stop_measuring(live->probe);
	for (size_t i = 0; probe__program_cost(live->probe, i, &cost); i++) {
		struct event_program event = {.runs = cost.runs, .run_ns = cost.run_ns};

		if (!cost.runs)
			continue;
		observe__header(&event.header, EVENT_PROGRAM, sizeof(event));
		snprintf(event.name, sizeof(event.name), "%s", cost.name);
		live__push(live, &event.header);
	}
}

void live__measure(struct live *live, uint64_t now_ns)
{
	if (live->measuring &&
	    (now_ns >= live->measured_until_ns || runs_so_far(live) >= MEASURE_RUNS))
		live__stop_measuring(live);
}
