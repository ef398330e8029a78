/* SPDX-License-Identifier: GPL-2.0-only */
#include "verdict/outlook.h"

#include "verdict/points.h"

#define HOUR_NS (3600 * 1000000000LL)

/* --- judging ---------------------------------------------------------------------------------- */

/* The larger of a size and a share of the limit. */
static int64_t allowed(const struct outlook_facts *facts, const struct thresholds *thresholds,
		       enum threshold bytes, enum threshold share)
{
	const int64_t fixed = (int64_t)thresholds->values[bytes];
	int64_t part = 0;

	if (facts->limit_bytes > 0)
		part = (int64_t)((__int128)facts->limit_bytes * (int64_t)thresholds->values[share] /
				 100);
	return part > fixed ? part : fixed;
}

static enum outlook_class class_of(const struct outlook_facts *facts,
				   const struct thresholds *thresholds)
{
	const struct trend *trend = &facts->trend;
	const int64_t normal = allowed(facts, thresholds, THRESHOLD_NORMAL, THRESHOLD_NORMAL_SHARE);
	const int64_t hourly = allowed(facts, thresholds, THRESHOLD_HOURLY, THRESHOLD_HOURLY_SHARE);
	const uint64_t from_ns =
		trend->shape == TREND_SAWTOOTH ? trend->highs_from_ns : trend->rise_from_ns;
	const int64_t rose_bytes =
		trend->shape == TREND_SAWTOOTH ? trend->highs_rose_bytes : trend->rose_bytes;

	if (trend->shape == TREND_UNKNOWN)
		return OUTLOOK_UNKNOWN;
	/* Of a sawtooth only highs beyond all that were before are news. */
	if (trend->shape == TREND_SAWTOOTH && trend->rate_lately <= 0)
		return OUTLOOK_NORMAL;
	if (rose_bytes <= normal || (__int128)trend->rate * HOUR_NS / 1000000000 <= hourly)
		return OUTLOOK_NORMAL;
	if (trend->to_ns - from_ns < thresholds->values[THRESHOLD_LASTING])
		return OUTLOOK_WARNING;
	/* It has stopped: what it does with that is its business. */
	return trend->rate_least > 0 ? OUTLOOK_LEAK : OUTLOOK_WARNING;
}

static enum level level_of(const struct outlook_facts *facts, const struct thresholds *thresholds)
{
	__int128 held;

	if (facts->limit_bytes <= 0 || facts->held_bytes <= 0)
		return LEVEL_INFO;
	held = (__int128)facts->held_bytes * 100;
	if (held >= (__int128)facts->limit_bytes * (int64_t)thresholds->values[THRESHOLD_CRITICAL])
		return LEVEL_CRITICAL;
	if (held >= (__int128)facts->limit_bytes * (int64_t)thresholds->values[THRESHOLD_HIGH])
		return LEVEL_WARNING;
	return LEVEL_INFO;
}

struct outlook outlook__judge(const struct outlook_facts *facts,
			      const struct thresholds *thresholds)
{
	struct outlook outlook = {.class = class_of(facts, thresholds),
				  .level = level_of(facts, thresholds)};

	if (facts->limit_bytes > 0 && facts->held_bytes != EVENT_UNKNOWN &&
	    outlook.class > OUTLOOK_NORMAL)
		outlook.forecast =
			trend__forecast(&facts->trend, facts->limit_bytes - facts->held_bytes);
	return outlook;
}

/* --- figures ---------------------------------------------------------------------------------- */

static bool lives(const struct process *process)
{
	return !process->exit_ns && !process->killed;
}

static int64_t at_least_0(int64_t bytes)
{
	return bytes > 0 ? bytes : 0;
}

/* What cannot be given back by writing it to a file. Shared memory each of its users shows: only
 * the one that shows most of it counts, which is too little rather than too much. */
static int64_t held_within(const struct model *model, uint64_t cgroup)
{
	int64_t bytes = 0, shared = 0;

	for (size_t i = 0; i < model__process_count(model); i++) {
		const struct process *process = model__process(model, i);

		if (!lives(process) || !model__cgroup_within(model, process->cgroup_id, cgroup))
			continue;
		bytes += at_least_0(process->now.anon_bytes) +
			 at_least_0(process->now.page_table_bytes);
		if (process->now.shmem_bytes > shared)
			shared = process->now.shmem_bytes;
	}
	return bytes + shared;
}

/* `usage_bytes`: no more than that is held, whoever runs on whose memory; EVENT_UNKNOWN. */
static void consider(struct outlook_facts *facts, const struct model *model, int64_t limit_bytes,
		     int64_t usage_bytes, uint64_t cgroup)
{
	int64_t held;

	if (limit_bytes <= 0 || limit_bytes == EVENT_NO_LIMIT)
		return;
	held = held_within(model, cgroup);
	if (usage_bytes >= 0 && held > usage_bytes)
		held = usage_bytes;
	if (facts->limit_bytes > 0 && facts->limit_bytes - facts->held_bytes <= limit_bytes - held)
		return;
	facts->limit_bytes = limit_bytes;
	facts->held_bytes = held;
	facts->limit_cgroup = cgroup;
}

static void find_limit(struct outlook_facts *facts, const struct model *model,
		       const struct process *process)
{
	const struct event_host *host = model__host(model);
	uint64_t id = process->cgroup_id;

	/* What those hold that are not followed nobody knows. */
	if (!host || host->scope != FOLLOW_ALL)
		return;
	/* As many levels as model__cgroup_path() tells. */
	for (int level = 0; level < 64 && id; level++) {
		const struct cgroup *cgroup = model__cgroup_by_id(model, id);

		if (!cgroup)
			break;
		consider(facts, model, cgroup->now.max_bytes, cgroup->now.usage_bytes, id);
		id = cgroup->parent_id;
	}
	consider(facts, model, (int64_t)host->memory_bytes, (int64_t)host->memory_bytes, 0);
}

int outlook__facts(struct outlook_facts *out, const struct model *model,
		   const struct process *process)
{
	*out = (struct outlook_facts){.limit_bytes = EVENT_UNKNOWN, .held_bytes = EVENT_UNKNOWN};
	find_limit(out, model, process);
	return points__trend(&out->trend, process->series, process->exec_ns,
			     model__span(model).last_ns);
}

const char *outlook_class__word(enum outlook_class class)
{
	static const char *const known[] = {
#define X(name, word, words) word,
		OUTLOOKS(X)
#undef X
	};

	return known[class];
}

const char *outlook_class__words(enum outlook_class class)
{
	static const char *const known[] = {
#define X(name, word, words) words,
		OUTLOOKS(X)
#undef X
	};

	return known[class];
}

const char *level__word(enum level level)
{
	static const char *const words[] = {
#define X(name, word) word,
		LEVELS(X)
#undef X
	};

	return words[level];
}
