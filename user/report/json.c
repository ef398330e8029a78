/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "report/json.h"
#include "report/reading.h"
#include "report/report.h"
#include "verdict/death.h"

static void set_cgroup(struct build *build, json_t *object, const struct model *model, uint64_t id)
{
	_cleanup_(freep) char *path = NULL;

	if (id == 0)
		return;
	path = model__cgroup_path(model, id);
	if (!path)
		build->failed = true;
	else
		build__text(build, object, "cgroup", path, strlen(path));
}

static json_t *process__new(struct build *build, const struct model *model,
			    const struct process *process)
{
	const struct process_span span = process__span(model, process);
	const struct service service = model__service(model, process);
	const uint64_t zero_ns = model__span(model).first_ns;
	json_t *object = json_object();

	build__count(build, object, "pid", process->task.pid);
	if (process->ns_pid != 0)
		build__count(build, object, "ns_pid", process->ns_pid);
	build__count(build, object, "parent_pid", process->parent.pid);
	build__text_array(build, object, "comm", process->comm, sizeof(process->comm));
	build__argv(build, object, process->argv, process->argv_bytes, process->argv_flags);
	build__count(build, object, "uid", process->uid);
	build__utc(build, object, "started", model__realtime_ns(model, process->task.start_ns));
	set_cgroup(build, object, model, process->cgroup_id);
	json__set_service(build, object, &service);
	build__set(build, object, "oom_score_adj", json_integer(process->oom_score_adj));
	build__ms(build, object, "first_seen_ms", (int64_t)(process->seen_ns - zero_ns));
	build__bool(build, object, "born_here", process->born_here);
	build__set(build, object, "memory", json__memory(build, &process->now));
	build__bytes(build, object, "first_bytes", span.first_bytes);
	build__bytes(build, object, "last_bytes", span.last_bytes);
	build__bytes(build, object, "peak_bytes", span.peak_bytes);
	build__bytes(build, object, "grew_bytes", span.grew_bytes);
	if (process->exit_lost)
		build__null(build, object, "exit");
	else if (process->exit_ns != 0)
		build__set(build, object, "exit",
			   json__exit(build, process->exit_ns, process->exit_code, zero_ns));
	return object;
}

static json_t *processes__new(struct build *build, const struct model *model)
{
	_cleanup_(freep) const struct process **sorted = NULL;
	json_t *array;

	if (model__processes_by_growth(model, &sorted) < 0)
		return NULL;
	array = json_array();
	for (size_t i = 0; i < model__process_count(model); i++)
		build__append(build, array, process__new(build, model, sorted[i]));
	return array;
}

static json_t *services__new(struct build *build, const struct model *model)
{
	_cleanup_(freep) struct service_sum *sums = NULL;
	json_t *array;
	size_t count;

	if (model__services(model, &sums, &count) < 0)
		return NULL;
	array = json_array();
	for (size_t i = 0; i < count; i++) {
		json_t *row = json_object();

		json__set_service(build, row, &sums[i].service);
		build__count(build, row, "processes", sums[i].processes);
		build__count(build, row, "alive", sums[i].alive);
		build__bytes(build, row, "now_bytes", sums[i].now_bytes);
		build__set(build, row, "grew_bytes", json_integer(sums[i].grew_bytes));
		build__append(build, array, row);
	}
	return array;
}

static json_t *cgroup__new(struct build *build, const struct model *model,
			   const struct cgroup *cgroup)
{
	const uint64_t zero_ns = model__span(model).first_ns;
	const bool memsw = host__counts_memsw(model);
	json_t *object = json_object();

	set_cgroup(build, object, model, cgroup->id);
	build__bytes(build, object, "usage_bytes", cgroup->now.usage_bytes);
	build__bytes(build, object, "peak_usage_bytes", cgroup->peak_usage_bytes);
	build__bytes(build, object, "grew_bytes", cgroup__grew_bytes(cgroup));
	build__limit(build, object, "limit_bytes", cgroup->now.max_bytes);
	build__limit(build, object, "high_bytes", cgroup->now.high_bytes);
	build__bytes(build, object, memsw ? "memsw_usage_bytes" : "swap_usage_bytes",
		     cgroup->now.swap_usage_bytes);
	build__limit(build, object, memsw ? "memsw_limit_bytes" : "swap_limit_bytes",
		     cgroup->now.swap_max_bytes);
	build__bytes(build, object, "failures", cgroup->now.failures);
	if (cgroup->gone_ns != 0)
		build__ms(build, object, "removed_ms", (int64_t)(cgroup->gone_ns - zero_ns));
	return object;
}

static json_t *cgroups__new(struct build *build, const struct model *model)
{
	_cleanup_(freep) const struct cgroup **sorted = NULL;
	json_t *array;

	if (model__cgroups_by_growth(model, &sorted) < 0)
		return NULL;
	array = json_array();
	for (size_t i = 0; i < model__cgroup_count(model); i++)
		build__append(build, array, cgroup__new(build, model, sorted[i]));
	return array;
}

static json_t *task__new(struct build *build, const struct task_ref *task, const char *comm)
{
	json_t *object = json_object();

	build__count(build, object, "pid", task->pid);
	build__text_array(build, object, "comm", comm, EVENT_COMM_BYTES);
	return object;
}

static json_t *kills__new(struct build *build, const struct model *model)
{
	const uint64_t zero_ns = model__span(model).first_ns;
	json_t *array = json_array();

	for (size_t i = 0; i < model__kill_count(model); i++) {
		const struct kill *kill = model__kill(model, i);
		json_t *row = json_object();

		build__ms(build, row, "t_ms", (int64_t)(kill->time_ns - zero_ns));
		build__utc(build, row, "time", model__realtime_ns(model, kill->time_ns));
		build__string(build, row, "class", kill_class__name(kill->class));
		build__string(build, row, "why", death__word(death__of_kill(model, kill)));
		build__set(build, row, "target",
			   task__new(build, &kill->target, kill->target_comm));
		if (kill->sender.pid != 0)
			build__set(build, row, "sender",
				   task__new(build, &kill->sender, kill->sender_comm));
		if (kill->incident >= 0)
			build__text_array(
				build, row, "incident",
				model__incident(model, (size_t)kill->incident)->id,
				sizeof(model__incident(model, (size_t)kill->incident)->id));
		build__append(build, array, row);
	}
	return array;
}

static json_t *span__new(struct build *build, const struct model *model)
{
	const struct model_span span = model__span(model);
	json_t *object = json_object();

	build__utc(build, object, "from", model__realtime_ns(model, span.first_ns));
	build__utc(build, object, "to", model__realtime_ns(model, span.last_ns));
	build__ms(build, object, "duration_ms", (int64_t)(span.last_ns - span.first_ns));
	build__bool(build, object, "opened", span.opened_ns != 0);
	return object;
}

/* The host's memory when last read, and how long tasks waited for it; what is not measured there
 * is absent. */
static void set_host_memory(struct build *build, json_t *object, const struct model *model)
{
	uint64_t time_ns;
	const struct meminfo meminfo = model__meminfo(model, &time_ns);
	const struct event_psi psi = model__psi_gained(model, 0);
	json_t *stalls;

	if (time_ns != 0)
		build__set(build, object, "meminfo",
			   json__meminfo(build, &meminfo,
					 (int64_t)(time_ns - model__span(model).first_ns)));
	if (psi.some_us < 0)
		return;
	stalls = json_object();
	build__ms(build, stalls, "some_ms", psi.some_us * (int64_t)NS_PER_US);
	if (psi.full_us >= 0)
		build__ms(build, stalls, "full_ms", psi.full_us * (int64_t)NS_PER_US);
	build__set(build, object, "memory_stalls", stalls);
}

static json_t *session__new(struct build *build, const struct model *model)
{
	json_t *object = json_object();
	json_t *incidents = json_array();

	build__string(build, object, "schema", "oomtrail.session/1");
	json__set_source(build, object, model);
	build__set(build, object, "span", span__new(build, model));
	set_host_memory(build, object, model);
	for (size_t i = 0; i < model__incident_count(model); i++)
		build__append(build, incidents,
			      json__incident(build, model, model__incident(model, i)));
	build__set(build, object, "incidents", incidents);
	json__set_held_back(build, object, model);
	build__set(build, object, "kills", kills__new(build, model));
	build__set(build, object, "processes", processes__new(build, model));
	build__set(build, object, "services", services__new(build, model));
	build__set(build, object, "cgroups", cgroups__new(build, model));
	json__set_outlooks(build, object, model);
	json__set_growth(build, object, model, NULL);
	json__set_known(build, object, model, NULL);
	return object;
}

/* Takes the reference over. */
static int hand_over(struct build *build, json_t *json, struct text *out)
{
	_cleanup_(text__free) struct text dump = {0};
	int err = -ENOMEM;

	if (json && !build->failed)
		err = build__dump(json, &dump);
	json_decref(json);
	if (err < 0)
		return err;
	text__append(out, dump.data, dump.length);
	return text__ok(out) ? 0 : -ENOMEM;
}

int report__json(const struct model *model, struct text *out)
{
	struct build build = {0};

	return hand_over(&build, session__new(&build, model), out);
}

static int incident_json(const struct model *model, size_t index, size_t frames_max,
			 struct text *out)
{
	struct build build = {.frames_max = frames_max};

	return hand_over(&build, json__incident(&build, model, model__incident(model, index)), out);
}

int report__incident_json(const struct model *model, size_t index, struct text *out)
{
	return incident_json(model, index, 0, out);
}

int report__incident_json_at_once(const struct model *model, size_t index, struct text *out)
{
	return incident_json(model, index, REPORT_FRAMES, out);
}
