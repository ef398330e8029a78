/* SPDX-License-Identifier: GPL-2.0-only */
#include "stacks/patience.h"

#include <time.h>

#include "base/units.h"

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return (uint64_t)time.tv_sec * NS_PER_S + (uint64_t)time.tv_nsec;
}

static struct patience_time now(const struct patience *patience)
{
	if (patience->clock)
		return patience->clock();
	return (struct patience_time){.cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID),
				      .wall_ns = clock_ns(CLOCK_MONOTONIC)};
}

static bool is_used_up(const struct patience *patience, const struct patience_time *now)
{
	return now->cpu_ns - patience->begin.cpu_ns >= PATIENCE_CPU_NS ||
	       now->wall_ns - patience->begin.wall_ns >= PATIENCE_WALL_NS;
}

static struct patience_rest *place(struct patience *patience, uint32_t pid)
{
	return &patience->rests[pid & (PATIENCE_PROCESSES - 1)];
}

void patience__begin(struct patience *patience, uint32_t pid, uint64_t start_ns)
{
	const struct patience_rest *rest = place(patience, pid);

	patience->working = true;
	patience->begin = now(patience);
	patience->resting = rest->pid == pid && rest->start_ns == start_ns &&
			    patience->begin.wall_ns < rest->until_ns;
}

bool patience__allows(struct patience *patience)
{
	struct patience_time at;

	if (!patience->working)
		return true;
	at = now(patience);
	if (!patience->resting && !is_used_up(patience, &at))
		return true;
	patience->refused = true;
	return false;
}

void patience__end(struct patience *patience, uint32_t pid, uint64_t start_ns)
{
	const struct patience_time end = now(patience);

	if (is_used_up(patience, &end))
		*place(patience, pid) = (struct patience_rest){
			.pid = pid,
			.start_ns = start_ns,
			.until_ns = end.wall_ns +
				    PATIENCE_REST * (end.wall_ns - patience->begin.wall_ns),
		};
	patience->samples += patience->refused;
	patience->working = patience->refused = false;
}
