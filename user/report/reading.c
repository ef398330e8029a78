/* SPDX-License-Identifier: GPL-2.0-only */

#include "report/reading.h"

#define KILLS_SEARCHED 1024

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

int64_t incident__swap_bytes(const struct model *model, const struct incident *incident)
{
	const struct memcg_counters *counters = &incident->counters;
	const struct event_host *host = model__host(model);

	if (!host || !incident->domain_known || incident->domain_id == 0)
		return EVENT_UNKNOWN;
	if (host->cgroup_version != 1)
		return counters->swap_usage_bytes;
	/* v1 counts memory plus swap. */
	if (counters->swap_usage_bytes < counters->usage_bytes || counters->usage_bytes < 0)
		return EVENT_UNKNOWN;
	return counters->swap_usage_bytes - counters->usage_bytes;
}

int64_t incident__swap_max_bytes(const struct model *model, const struct incident *incident)
{
	const struct event_host *host = model__host(model);

	return host && host->cgroup_version == 2 && incident->domain_known && incident->domain_id
		       ? incident->counters.swap_max_bytes
		       : EVENT_UNKNOWN;
}

bool bytes__is_full(int64_t used_bytes, int64_t max_bytes)
{
	return is_limit(max_bytes) && max_bytes > 0 && used_bytes >= max_bytes - max_bytes / 64;
}

struct host_swap incident__host_swap(const struct model *model, const struct incident *incident)
{
	const struct event_host *host = model__host(model);
	const struct meminfo *after = &incident->meminfo;
	struct host_swap swap = {.total_bytes = EVENT_UNKNOWN};

	if (incident->meminfo_ns != 0)
		swap.total_bytes = after->swap_total_bytes;
	else if (host && host->swap_bytes <= INT64_MAX)
		swap.total_bytes = (int64_t)host->swap_bytes;
	if (incident->meminfo_ns != 0 && after->swap_free_bytes >= 0 &&
	    after->swap_free_bytes <= after->swap_total_bytes)
		swap.is_full = bytes__is_full(after->swap_total_bytes - after->swap_free_bytes,
					      after->swap_total_bytes);
	swap.is_full |= bytes__is_full(incident__swap_bytes(model, incident), swap.total_bytes);
	return swap;
}

bool incident__by_hand(const struct incident *incident)
{
	return incident->way != OOM_WAY_NONE && incident->order == -1;
}

static bool incident__has_kill(const struct incident *incident, enum kill_class class,
			       const struct task_ref *task)
{
	for (size_t i = 0; i < incident->kill_count; i++) {
		const struct incident_kill *kill = &incident->kills[i];

		if (kill->class == class && task_ref__same(&kill->task, task))
			return true;
	}
	return false;
}

bool incident__victim_was_exiting(const struct incident *incident)
{
	return incident__has_kill(incident, KILL_OOM_EXITING, &incident->victim.task);
}

bool incident__on_victims_memory(const struct incident *incident, const struct task_ref *task)
{
	return incident__has_kill(incident, KILL_OOM_SHARED_MM, task);
}

uint64_t incident__window_ns(const struct incident *incident)
{
	return incident->time_ns > incident->from_ns ? incident->time_ns - incident->from_ns : 0;
}

/* The HOST event is the first thing a recorder says. */
static uint64_t model__began_ns(const struct model *model)
{
	const struct event_host *host = model__host(model);

	return host ? host->header.time_ns : model__span(model).first_ns;
}

int64_t model__since_ns(const struct model *model)
{
	return model__realtime_ns(model, model__began_ns(model));
}

uint64_t model__looked_ns(const struct model *model, uint64_t until_ns)
{
	const uint64_t began_ns = model__began_ns(model);

	return until_ns > began_ns ? until_ns - began_ns : 0;
}

struct measured_program model__programs_together(const struct model *model)
{
	struct measured_program all = {0};

	for (size_t i = 0; i < model__program_count(model); i++) {
		const struct measured_program *program = model__program(model, i);

		if (program->runs == 0)
			continue;
		if (__builtin_add_overflow(all.runs, program->runs, &all.runs) ||
		    __builtin_add_overflow(all.run_ns, program->run_ns, &all.run_ns))
			return (struct measured_program){0};
	}
	return all;
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

int64_t memory__held(const struct memory *memory)
{
	return add(memory__resident(memory), memory->swap_bytes);
}

static int64_t values__held(const int64_t *values)
{
	return add(add(values[MEMORY_ANON], values[MEMORY_FILE]),
		   add(values[MEMORY_SHMEM], values[MEMORY_SWAP]));
}

uint64_t model__kills_of(const struct model *model, enum kill_class class)
{
	uint64_t count = 0;

	for (size_t i = 0; i < model__kill_count(model); i++)
		count += model__kill(model, i)->class == class;
	return count;
}

/* How many kills there were up to a time: they are in its order. */
static size_t kills_until(const struct model *model, uint64_t time_ns)
{
	size_t low = 0, high = model__kill_count(model);

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (model__kill(model, middle)->time_ns <= time_ns)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The latest kill of a process, among the last ones before its exit: a storm of more must not cost
 * a search through all of them for each. NULL when it is not there. */
static const struct kill *process__kill(const struct model *model, const struct process *process)
{
	const size_t end = kills_until(model, process->exit_ns ? process->exit_ns : UINT64_MAX);

	for (size_t i = 0; process->killed && i < end && i < KILLS_SEARCHED; i++) {
		const struct kill *kill = model__kill(model, end - 1 - i);

		if (task_ref__same(&kill->target, &process->task))
			return kill;
	}
	return NULL;
}

/* A process that has left holds nothing, and one that was killed gives back: what it held before
 * that is the news. */
static int64_t last_held(const struct model *model, const struct process *process, int64_t now)
{
	const struct kill *kill = process__kill(model, process);
	const size_t points = series__count(process->series);
	const long at = kill ? series__at(process->series, kill->time_ns) : -1;

	if (at >= 0)
		return values__held(series__values(process->series, (size_t)at));
	if (now > 0)
		return now;
	for (size_t i = points; i-- > 0;) {
		const int64_t held = values__held(series__values(process->series, i));

		if (held > 0)
			return held;
	}
	return memory__held(&process->first);
}

struct process_span process__span(const struct model *model, const struct process *process)
{
	const size_t points = series__count(process->series);
	struct process_span span = {
		/* An exec begins with no memory, a fork with its parent's. */
		.first_bytes = process->exec_ns ? 0 : memory__held(&process->first),
		.last_bytes = memory__held(&process->now),
		.peak_bytes = process->peak_rss_bytes,
	};

	if (process->exit_ns != 0 || process->killed)
		span.last_bytes = last_held(model, process, span.last_bytes);
	for (size_t i = 0; i < points; i++) {
		const int64_t held = values__held(series__values(process->series, i));

		if (series__time(process->series, i) < process->exec_ns)
			continue;
		span.peak_bytes = held > span.peak_bytes ? held : span.peak_bytes;
	}
	if (span.first_bytes > span.peak_bytes)
		span.peak_bytes = span.first_bytes;
	if (span.last_bytes > span.peak_bytes)
		span.peak_bytes = span.last_bytes;
	span.grew_bytes = subtract(span.last_bytes, span.first_bytes);
	return span;
}

int64_t cgroup__grew_bytes(const struct cgroup *cgroup)
{
	return subtract(cgroup->now.usage_bytes, cgroup->first.usage_bytes);
}

bool host__counts_memsw(const struct model *model)
{
	const struct event_host *host = model__host(model);

	return host && host->cgroup_version == 1;
}

bool incident__kills_group(const struct model *model, const struct incident *incident)
{
	uint64_t id = incident->victim.cgroup_id;

	if (incident->counters.oom_group == 1)
		return true;
	/* A hostile recording may have its cgroups in a circle. */
	for (int level = 0; level < 64 && id != 0 && id != incident->domain_id; level++) {
		const struct cgroup *cgroup = model__cgroup_by_id(model, id);

		if (!cgroup)
			break;
		if (cgroup->now.oom_group == 1)
			return true;
		id = cgroup->parent_id;
	}
	return false;
}

int64_t reading__resting_error_bytes(const struct model *model)
{
	const struct event_host *host = model__host(model);

	return host && host->rest_error_bytes ? (int64_t)host->rest_error_bytes : EVENT_UNKNOWN;
}
