/* SPDX-License-Identifier: GPL-2.0-only */
#include <string.h>

#include "base/cleanup.h"
#include "report/held.h"
#include "report/json.h"

#define PROCESSES_MAX 16

static void set_processes(struct build *build, json_t *row, const struct model *model,
			  const struct held_back *held)
{
	const struct process *inside[PROCESSES_MAX];
	const size_t count = held_back__processes(model, held, inside, PROCESSES_MAX);
	json_t *array = json_array();

	for (size_t i = 0; i < count && i < PROCESSES_MAX; i++) {
		json_t *process = json_object();

		build__count(build, process, "pid", inside[i]->task.pid);
		build__text_array(build, process, "comm", inside[i]->comm, EVENT_COMM_BYTES);
		build__append(build, array, process);
	}
	build__set(build, row, "processes", array);
	build__count(build, row, "process_count", count);
}

static void set_full(struct build *build, json_t *row, const struct model *model,
		     const struct held_back *held)
{
	const uint64_t zero_ns = model__span(model).first_ns;
	const struct hold *hold = held->hold;

	build__string(build, row, "why", "oom_kill_disable");
	build__string(build, row, "counter", hold->memsw ? "memsw" : "memory");
	build__bytes(build, row, "usage_bytes", hold->usage_bytes);
	build__limit(build, row, "limit_bytes", hold->limit_bytes);
	build__bool(build, row, "began_before", held_back__before(model, held));
	build__ms(build, row, "from_ms", (int64_t)(hold->from_ns - zero_ns));
	build__bool(build, row, "over", held->ended_ns != 0);
	if (held->ended_ns)
		build__ms(build, row, "ended_ms", (int64_t)(held->ended_ns - zero_ns));
	build__count(build, row, "times", hold->times);
	if (!held->ended_ns)
		set_processes(build, row, model, held);
}

static void set_high(struct build *build, json_t *row, const struct model *model,
		     const struct held_back *held)
{
	const uint64_t zero_ns = model__span(model).first_ns;
	const struct hold *hold = held->hold;

	build__string(build, row, "why", "memory.high");
	build__bytes(build, row, "usage_bytes", hold->usage_bytes);
	build__limit(build, row, "high_bytes", hold->limit_bytes);
	build__ms(build, row, "from_ms", (int64_t)(hold->from_ns - zero_ns));
	build__ms(build, row, "to_ms", (int64_t)(hold->to_ns - zero_ns));
	build__count(build, row, "throttled", hold->times);
}

static json_t *held__new(struct build *build, const struct model *model,
			 const struct held_back *held)
{
	_cleanup_(freep) char *path = model__cgroup_path(model, held->cgroup->id);
	json_t *row = json_object();

	if (path)
		build__text(build, row, "cgroup", path, strlen(path));
	else
		build->failed = true;
	if (held->why == HELD_FULL)
		set_full(build, row, model, held);
	else
		set_high(build, row, model, held);
	return row;
}

void json__set_held_back(struct build *build, json_t *object, const struct model *model)
{
	_cleanup_(freep) struct held_back *list = NULL;
	json_t *array;
	size_t count;

	if (!model__looked_at_limits(model))
		return;
	if (model__held_back(model, &list, &count) < 0) {
		build->failed = true;
		return;
	}
	array = json_array();
	for (size_t i = 0; i < count; i++)
		build__append(build, array, held__new(build, model, &list[i]));
	build__set(build, object, "held_back", array);
}
