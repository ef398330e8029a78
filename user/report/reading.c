/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "report/reading.h"

bool task_ref__same(const struct task_ref *a, const struct task_ref *b)
{
	return a->pid != 0 && a->pid == b->pid && a->start_ns == b->start_ns;
}

static bool is_limit(int64_t bytes)
{
	return bytes != EVENT_UNKNOWN && bytes != EVENT_NO_LIMIT;
}

enum full_counter incident__full_counter(const struct model *model, const struct incident *incident)
{
	const struct memcg_counters *counters = &incident->counters;
	const struct event_host *host = model__host(model);
	int64_t memory_room, memsw_room;

	if (!incident->domain_known || incident->domain_id == 0)
		return FULL_NOT_KNOWN;
	if (!host || host->cgroup_version != 1)
		return is_limit(counters->max_bytes) ? FULL_MEMORY : FULL_NOT_KNOWN;
	if (!is_limit(counters->swap_max_bytes) || counters->swap_usage_bytes < 0)
		return is_limit(counters->max_bytes) ? FULL_MEMORY : FULL_NOT_KNOWN;
	if (!is_limit(counters->max_bytes) || counters->usage_bytes < 0)
		return FULL_MEMSW;
	if (__builtin_sub_overflow(counters->max_bytes, counters->usage_bytes, &memory_room) ||
	    __builtin_sub_overflow(counters->swap_max_bytes, counters->swap_usage_bytes,
				   &memsw_room))
		return FULL_NOT_KNOWN;
	return memsw_room < memory_room ? FULL_MEMSW : FULL_MEMORY;
}

bool incident__by_hand(const struct incident *incident)
{
	return incident->way != OOM_WAY_NONE && incident->order == -1;
}

uint64_t incident__window_ns(const struct incident *incident)
{
	return incident->time_ns > incident->from_ns ? incident->time_ns - incident->from_ns : 0;
}

struct share incident__culprit_share(const struct incident *incident)
{
	const int64_t part = incident->culprit.grew_bytes;
	struct share share = {.part = part};

	if (incident->culprit.task.pid == 0 || part <= 0)
		return share;
	if (incident->domain_grew_bytes >= part) {
		share.whole = incident->domain_grew_bytes;
		share.of_domain = true;
	} else if (incident->processes_grew_bytes >= part) {
		share.whole = incident->processes_grew_bytes;
	}
	return share;
}

static int64_t add(int64_t a, int64_t b)
{
	int64_t sum;

	if (a == EVENT_UNKNOWN)
		return b;
	if (b == EVENT_UNKNOWN)
		return a;
	return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

static int64_t subtract(int64_t a, int64_t b)
{
	int64_t difference;

	if (a == EVENT_UNKNOWN || b == EVENT_UNKNOWN)
		return EVENT_UNKNOWN;
	return __builtin_sub_overflow(a, b, &difference) ? INT64_MAX : difference;
}

static int64_t memory__held(const struct memory *memory)
{
	return add(memory__resident(memory), memory->swap_bytes);
}

static int64_t values__held(const int64_t *values)
{
	return add(add(values[MEMORY_ANON], values[MEMORY_FILE]),
		   add(values[MEMORY_SHMEM], values[MEMORY_SWAP]));
}

/* The teardown at the exit. */
static bool is_end(const struct process *process, size_t index)
{
	return process->exit_ns != 0 && values__held(series__values(process->series, index)) == 0 &&
	       index + 1 == series__count(process->series);
}

struct process_span process__span(const struct process *process)
{
	const size_t points = series__count(process->series);
	int64_t least_bytes = memory__held(&process->first);
	struct process_span span = {
		.first_bytes = memory__held(&process->first),
		.last_bytes = memory__held(&process->now),
		.peak_bytes = process->peak_rss_bytes,
	};

	/* A process that has left holds nothing; what it held last is the news. */
	if (process->exit_ns != 0 && span.last_bytes <= 0) {
		span.last_bytes = span.first_bytes;
		for (size_t i = points; i-- > 0;) {
			const int64_t held = values__held(series__values(process->series, i));

			if (held > 0) {
				span.last_bytes = held;
				break;
			}
		}
	}
	for (size_t i = 0; i < points; i++) {
		const int64_t held = values__held(series__values(process->series, i));

		span.peak_bytes = held > span.peak_bytes ? held : span.peak_bytes;
		if (held != EVENT_UNKNOWN && held < least_bytes && !is_end(process, i))
			least_bytes = held;
	}
	if (span.first_bytes > span.peak_bytes)
		span.peak_bytes = span.first_bytes;
	if (span.last_bytes > span.peak_bytes)
		span.peak_bytes = span.last_bytes;
	/* A fork begins with its parent's memory and sheds it at exec: that is no shrinking. */
	span.grew_bytes =
		subtract(span.last_bytes, process->born_here ? least_bytes : span.first_bytes);
	return span;
}

int64_t cgroup__grew_bytes(const struct cgroup *cgroup)
{
	return subtract(cgroup->now.usage_bytes, cgroup->first.usage_bytes);
}

/* Something to sort by growth; `index` is unique, so the order is too. */
struct grown {
	int64_t bytes;
	size_t index;
};

static int grown__compare(const void *left, const void *right)
{
	const struct grown *a = left, *b = right;

	if (a->bytes != b->bytes)
		return a->bytes > b->bytes ? -1 : 1;
	return a->index < b->index ? -1 : a->index > b->index;
}

static struct grown *grown__new(size_t count)
{
	return calloc(count ? count : 1, sizeof(struct grown));
}

static int64_t known_or_lowest(int64_t bytes)
{
	return bytes == EVENT_UNKNOWN ? INT64_MIN : bytes;
}

int model__processes_by_growth(const struct model *model, const struct process ***out)
{
	const size_t count = model__process_count(model);
	_cleanup_(freep) struct grown *grown = grown__new(count);
	const struct process **sorted = calloc(count ? count : 1, sizeof(struct process *));

	if (!grown || !sorted) {
		free(sorted);
		return -ENOMEM;
	}
	for (size_t i = 0; i < count; i++) {
		grown[i].bytes =
			known_or_lowest(process__span(model__process(model, i)).grew_bytes);
		grown[i].index = i;
	}
	qsort(grown, count, sizeof(*grown), grown__compare);
	for (size_t i = 0; i < count; i++)
		sorted[i] = model__process(model, grown[i].index);
	*out = sorted;
	return 0;
}

int model__cgroups_by_growth(const struct model *model, const struct cgroup ***out)
{
	const size_t count = model__cgroup_count(model);
	_cleanup_(freep) struct grown *grown = grown__new(count);
	const struct cgroup **sorted = calloc(count ? count : 1, sizeof(struct cgroup *));

	if (!grown || !sorted) {
		free(sorted);
		return -ENOMEM;
	}
	for (size_t i = 0; i < count; i++) {
		grown[i].bytes = known_or_lowest(cgroup__grew_bytes(model__cgroup(model, i)));
		grown[i].index = i;
	}
	qsort(grown, count, sizeof(*grown), grown__compare);
	for (size_t i = 0; i < count; i++)
		sorted[i] = model__cgroup(model, grown[i].index);
	*out = sorted;
	return 0;
}
