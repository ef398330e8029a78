/* SPDX-License-Identifier: GPL-2.0-only */
#include "base/cleanup.h"
#include "report/json.h"
#include "report/reading.h"

void json__set_service(struct build *build, json_t *object, const struct service *service)
{
	json_t *part;

	if (service->kind == SERVICE_NONE)
		return;
	part = json_object();
	build__string(build, part, "kind", service_kind__name(service->kind));
	build__text_array(build, part, "name", service->name, sizeof(service->name));
	build__set(build, object, "service", part);
	if (service->kind != SERVICE_CONTAINER)
		return;
	part = json_object();
	if (service->runtime[0] != '\0')
		build__text_array(build, part, "runtime", service->runtime,
				  sizeof(service->runtime));
	if (service->id[0] != '\0')
		build__text_array(build, part, "id", service->id, sizeof(service->id));
	build__set(build, object, "container", part);
}

json_t *json__memory(struct build *build, const struct memory *memory)
{
	json_t *object;

	/* Every mm has counters: if none is known, the moment to read them was missed. */
	if (memory__resident(memory) == EVENT_UNKNOWN)
		return json_null();
	object = json_object();
	build__bytes(build, object, "anon_bytes", memory->anon_bytes);
	build__bytes(build, object, "file_bytes", memory->file_bytes);
	build__bytes(build, object, "shmem_bytes", memory->shmem_bytes);
	build__bytes(build, object, "swap_bytes", memory->swap_bytes);
	build__bytes(build, object, "page_tables_bytes", memory->page_table_bytes);
	build__bytes(build, object, "hugetlb_bytes", memory->hugetlb_bytes);
	return object;
}

json_t *json__exit(struct build *build, uint64_t exit_ns, uint32_t exit_code, uint64_t zero_ns)
{
	json_t *object = json_object();

	build__ms(build, object, "t_ms", (int64_t)(exit_ns - zero_ns));
	if (exit_code & 0x7f)
		build__count(build, object, "signal", exit_code & 0x7f);
	else
		build__count(build, object, "status", (exit_code >> 8) & 0xff);
	return object;
}

const char *kill_class__name(enum kill_class class)
{
	switch (class) {
	case KILL_OOM:
		return "oom";
	case KILL_OOM_SHARED_MM:
		return "oom-shared-mm";
	case KILL_SIGNAL:
		return "signal";
	case KILL_KERNEL:
		return "kernel";
	case KILL_OOM_EXITING:
		return "oom-exiting";
	}
	return "unknown";
}

static json_t *host__new(struct build *build, const struct event_host *host)
{
	json_t *object = json_object();

	build__text_array(build, object, "name", host->name, sizeof(host->name));
	build__text_array(build, object, "kernel", host->kernel, sizeof(host->kernel));
	build__count(build, object, "cpus", host->cpus);
	build__count(build, object, "memory_bytes", host->memory_bytes);
	build__count(build, object, "swap_bytes", host->swap_bytes);
	build__count(build, object, "page_bytes", host->page_bytes);
	if (host->cgroup_version != 0)
		build__count(build, object, "cgroup_version", host->cgroup_version);
	return object;
}

static const char *scope__name(uint32_t scope)
{
	switch (scope) {
	case FOLLOW_ALL:
		return "host";
	case FOLLOW_PROCESSES:
		return "processes";
	case FOLLOW_CGROUP:
		return "cgroup";
	default:
		return "unknown";
	}
}

json_t *json__meminfo(struct build *build, const struct meminfo *meminfo, int64_t offset_ns)
{
	json_t *object = json_object();

	build__ms(build, object, "t_ms", offset_ns);
#define X(field, key) build__bytes(build, object, #field "_bytes", meminfo->field##_bytes);
	MEMINFO(X)
#undef X
	return object;
}

void json__set_source(struct build *build, json_t *object, const struct model *model)
{
	const struct event_host *host = model__host(model);
	json_t *part;

	if (!host) {
		build__null(build, object, "boot_id");
		build__null(build, object, "recording");
		build__null(build, object, "host");
		build__null(build, object, "followed");
		return;
	}
	build__text_array(build, object, "boot_id", host->boot_id, sizeof(host->boot_id));
	part = json_object();
	build__text_array(build, part, "id", host->recording_id, sizeof(host->recording_id));
	build__set(build, object, "recording", part);
	build__set(build, object, "host", host__new(build, host));
	part = json_object();
	build__string(build, part, "scope", scope__name(host->scope));
	build__text_array(build, part, "what", host->followed, sizeof(host->followed));
	build__set(build, object, "followed", part);
}

static json_t *oom_kills__new(struct build *build, const struct model *model)
{
	json_t *object = json_object();
	const uint64_t exiting = model__kills_of(model, KILL_OOM_EXITING);

	build__count(build, object, "seen", model__kills_of(model, KILL_OOM));
	if (exiting > 0)
		build__count(build, object, "exiting", exiting);
	build__bytes(build, object, "counted_by_kernel", model__kernel_oom_kills(model));
	return object;
}

static json_t *losses__new(struct build *build, const struct model *model,
			   const struct incident *incident)
{
	json_t *object = json_object();
	json_t *rows = json_array();

	build__count(build, object, "events", model__lost_events(model));
	if (incident)
		build__count(build, object, "events_before_kill", incident->lost_before);
	for (size_t i = 0; i < model__loss_count(model); i++) {
		const struct loss *loss = model__loss(model, i);
		char name[EVENT_NAME_MAX];
		json_t *row = json_object();

		build__string(build, row, "reason", loss__reason(loss));
		if (loss->kind != 0)
			build__string(build, row, "kind", event_kind__name(name, loss->kind));
		build__count(build, row, "count", loss->count);
		build__string(build, row, "touches", loss__touches(loss));
		build__append(build, rows, row);
	}
	build__set(build, object, "rows", rows);
	return object;
}

/* A program nobody measured is not there; nor is anything where nothing was measured. */
static void set_ns_per_event(struct build *build, json_t *object, const struct model *model)
{
	const struct measured_program all = model__programs_together(model);
	json_t *means, *runs;

	if (all.runs == 0)
		return;
	build__ns(build, object, "mean_ns_per_event", all.run_ns, all.runs);
	means = json_object();
	runs = json_object();
	for (size_t i = 0; i < model__program_count(model); i++) {
		const struct measured_program *program = model__program(model, i);
		_cleanup_(text__free) struct text name = {0};

		text__escaped_array(&name, program->name, sizeof(program->name));
		if (!text__ok(&name) || !name.data) {
			build->failed |= !text__ok(&name);
			continue;
		}
		if (program->runs > 0)
			build__ns(build, means, name.data, program->run_ns, program->runs);
		build__count(build, runs, name.data, program->runs);
	}
	build__set(build, object, "ns_per_event", means);
	build__set(build, object, "measured_events", runs);
}

static json_t *recorder__new(struct build *build, const struct model *model)
{
	const struct event_recorder *recorder = model__recorder(model);
	const struct event_host *host = model__host(model);
	const struct model_span span = model__span(model);
	json_t *object = json_object();

	if (host) {
		build__text_array(build, object, "version", host->version, sizeof(host->version));
		build__count(build, object, "step_bytes", host->step_bytes);
		build__bytes(build, object, "resting_error_bytes",
			     reading__resting_error_bytes(model));
		if (reading__resting_error_bytes(model) != EVENT_UNKNOWN)
			build__set(build, object, "resting_error_ratio",
				   json_real(1.0 / RSS_REST_SHARE));
	}
	build__utc(build, object, "since", model__since_ns(model));
	build__bool(build, object, "closed", model__is_closed(model));
	if (recorder) {
		build__count(build, object, "rss_bytes", recorder->peak_rss_bytes);
		build__count(build, object, "kernel_bytes", recorder->kernel_bytes);
		build__ms(build, object, "cpu_ms", (int64_t)(recorder->cpu_ns & INT64_MAX));
		build__ms(build, object, "wall_ms", (int64_t)(recorder->wall_ns & INT64_MAX));
		build__ms(build, object, "start_cpu_ms",
			  (int64_t)(recorder->start_cpu_ns & INT64_MAX));
	} else {
		build__null(build, object, "rss_bytes");
		build__null(build, object, "kernel_bytes");
		build__null(build, object, "cpu_ms");
		build__null(build, object, "wall_ms");
		build__null(build, object, "start_cpu_ms");
	}
	build__count(build, object, "events", span.events);
	build__count(build, object, "late_events", span.late_events);
	build__count(build, object, "lost_events", model__lost_events(model));
	set_ns_per_event(build, object, model);
	return object;
}

static json_t *probes__new(struct build *build, const struct model *model)
{
	json_t *array = json_array();

	for (size_t i = 0; i < model__probe_count(model); i++) {
		const struct probe_choice *probe = model__probe(model, i);
		json_t *row = json_object();

		build__text_array(build, row, "capability", probe->capability,
				  sizeof(probe->capability));
		if (probe->way[0] != '\0')
			build__text_array(build, row, "way", probe->way, sizeof(probe->way));
		build__text_array(build, row, "why", probe->why, sizeof(probe->why));
		build__append(build, array, row);
	}
	return array;
}

void json__set_known(struct build *build, json_t *object, const struct model *model,
		     const struct incident *incident)
{
	build__set(build, object, "oom_kills", oom_kills__new(build, model));
	build__set(build, object, "losses", losses__new(build, model, incident));
	build__set(build, object, "recorder", recorder__new(build, model));
	build__set(build, object, "probes", probes__new(build, model));
}
