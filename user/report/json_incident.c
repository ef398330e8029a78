/* SPDX-License-Identifier: GPL-2.0-only */
#include <stdio.h>
#include <string.h>

#include "report/json.h"
#include "report/reading.h"

static json_t *party__new(struct build *build, const struct model *model, const struct party *party)
{
	json_t *object = json_object();

	build__count(build, object, "pid", party->task.pid);
	if (party->ns_pid != 0)
		build__count(build, object, "ns_pid", party->ns_pid);
	build__text_array(build, object, "comm", party->comm, sizeof(party->comm));
	build__argv(build, object, party->argv, party->argv_bytes, party->argv_flags);
	build__count(build, object, "uid", party->uid);
	build__utc(build, object, "started", model__realtime_ns(model, party->task.start_ns));
	if (party->cgroup)
		build__text(build, object, "cgroup", party->cgroup, strlen(party->cgroup));
	json__set_service(build, object, &party->service);
	build__set(build, object, "oom_score_adj", json_integer(party->oom_score_adj));
	return object;
}

static void set_growth(struct build *build, json_t *object, const struct party *party)
{
	build__bytes(build, object, "grew_bytes", party->grew_bytes);
	build__ms(build, object, "window_ms", (int64_t)party->grew_over_ns);
	build__bool(build, object, "born_in_window", party->born_in_window);
}

static json_t *victim__new(struct build *build, const struct model *model,
			   const struct incident *incident)
{
	json_t *object = party__new(build, model, &incident->victim);

	build__set(build, object, "memory", json__memory(build, &incident->victim.memory));
	build__bool(build, object, "memory_exact", incident->victim.exact);
	if (incident__victim_was_exiting(incident))
		build__bool(build, object, "exiting", true);
	set_growth(build, object, &incident->victim);
	return object;
}

static json_t *trigger__new(struct build *build, const struct model *model,
			    const struct incident *incident)
{
	json_t *object = party__new(build, model, &incident->trigger);
	char gfp[16];

	set_growth(build, object, &incident->trigger);
	if (incident->way == OOM_WAY_NONE || incident->order == OOM_ORDER_UNKNOWN)
		return object;
	snprintf(gfp, sizeof(gfp), "0x%x", incident->gfp_mask);
	build__string(build, object, "gfp", gfp);
	if (incident->order >= 0)
		build__count(build, object, "order", (uint64_t)incident->order);
	return object;
}

static json_t *culprit__new(struct build *build, const struct model *model,
			    const struct incident *incident)
{
	json_t *object = party__new(build, model, &incident->culprit);

	build__set(build, object, "memory", json__memory(build, &incident->culprit.memory));
	set_growth(build, object, &incident->culprit);
	return object;
}

static void set_constraint(struct build *build, json_t *object, const struct incident *incident)
{
	const char *name = NULL;

	if (incident__by_hand(incident))
		name = "sysrq";
	else if (incident->domain_known && incident->domain_id != 0)
		name = "memcg";
	else if (incident->constraint == OOM_CONSTRAINT_CPUSET)
		name = "cpuset";
	else if (incident->constraint == OOM_CONSTRAINT_MEMPOLICY)
		name = "mempolicy";
	else if (incident->domain_known)
		name = "global";
	if (name)
		build__string(build, object, "constraint", name);
}

static json_t *statistics__new(struct build *build, const struct incident *incident)
{
	json_t *object = json_object();

	build__ms(build, object, "t_ms", (int64_t)(incident->stat_ns - incident->time_ns));
#define X(field, v2, v1) build__bytes(build, object, #field "_bytes", incident->stat.field##_bytes);
	MEMCG_STATS(X)
#undef X
	return object;
}

static void set_counters(struct build *build, json_t *object, const struct model *model,
			 const struct incident *incident)
{
	const struct memcg_counters *counters = &incident->counters;
	const enum full_counter full = incident__full_counter(model, incident);
	const bool memsw = host__counts_memsw(model);

	if (full != FULL_NOT_KNOWN)
		build__string(build, object, "counter", full == FULL_MEMSW ? "memsw" : "memory");
	build__bytes(build, object, "usage_bytes", counters->usage_bytes);
	build__limit(build, object, "limit_bytes", counters->max_bytes);
	build__limit(build, object, "high_bytes", counters->high_bytes);
	build__bytes(build, object, "watermark_bytes", counters->watermark_bytes);
	build__bytes(build, object, memsw ? "memsw_usage_bytes" : "swap_usage_bytes",
		     counters->swap_usage_bytes);
	build__limit(build, object, memsw ? "memsw_limit_bytes" : "swap_limit_bytes",
		     counters->swap_max_bytes);
	build__bytes(build, object, "kmem_usage_bytes", counters->kmem_usage_bytes);
	build__bytes(build, object, "failures", counters->failures);
	build__bytes(build, object, "failures_in_window", incident->failures_in_window);
	if (counters->oom_group >= 0)
		build__bool(build, object, "oom_group", counters->oom_group == 1);
}

static json_t *nodes__new(struct build *build, uint64_t nodes)
{
	json_t *array = json_array();

	for (unsigned int node = 0; node < 64; node++) {
		if (nodes >> node & 1)
			build__append(build, array, json_integer(node));
	}
	return array;
}

static json_t *domain__new(struct build *build, const struct model *model,
			   const struct incident *incident)
{
	json_t *object = json_object();

	if (incident->domain_id != 0 && incident->domain)
		build__text(build, object, "cgroup", incident->domain, strlen(incident->domain));
	if (incident->domain_id != 0)
		set_counters(build, object, model, incident);
	build__bytes(build, object, "total_bytes", incident->total_bytes);
	if (incident->nodes != 0)
		build__set(build, object, "memory_nodes", nodes__new(build, incident->nodes));
	build__bytes(build, object, "grew_bytes", incident->domain_grew_bytes);
	build__count(build, object, "processes_grew_bytes",
		     (uint64_t)incident->processes_grew_bytes);
	if (incident->domain_id == 0)
		return object;
	if (incident->stat_ns != 0)
		build__set(build, object, "statistics", statistics__new(build, incident));
	else
		build__null(build, object, "statistics");
	return object;
}

static json_t *killed__new(struct build *build, const struct model *model,
			   const struct incident *incident)
{
	json_t *array = json_array();

	for (size_t i = 0; i < incident->kill_count; i++) {
		const struct incident_kill *kill = &incident->kills[i];
		json_t *row = json_object();

		build__ms(build, row, "t_ms", (int64_t)(kill->time_ns - incident->time_ns));
		build__utc(build, row, "time", model__realtime_ns(model, kill->time_ns));
		build__count(build, row, "pid", kill->task.pid);
		build__text_array(build, row, "comm", kill->comm, sizeof(kill->comm));
		build__string(build, row, "class", kill_class__name(kill->class));
		build__set(build, row, "exit",
			   kill->exit_ns ? json__exit(build, kill->exit_ns, kill->exit_code,
						      incident->time_ns)
					 : json_null());
		build__append(build, array, row);
	}
	return array;
}

/* Of the kills after the first burst only this and `killed` tell. */
static json_t *storm__new(struct build *build, const struct incident *incident)
{
	const struct incident_storm *storm = &incident->storm;
	json_t *object = json_object();

	build__count(build, object, "count", storm->count);
	build__ms(build, object, "first_ms", (int64_t)(storm->first_ns - incident->time_ns));
	build__ms(build, object, "last_ms", (int64_t)(storm->last_ns - incident->time_ns));
	return object;
}

static json_t *processes__new(struct build *build, const struct model *model,
			      const struct incident *incident)
{
	json_t *array = json_array();

	for (size_t i = 0; i < incident->process_count; i++) {
		const struct party *party = &incident->processes[i];
		json_t *row = party__new(build, model, party);

		build__set(build, row, "memory", json__memory(build, &party->memory));
		set_growth(build, row, party);
		build__append(build, array, row);
	}
	return array;
}

static json_t *memory_points__new(struct build *build, const struct series *series,
				  uint64_t zero_ns)
{
	static const char *const keys[MEMORY_COLUMNS] = {
		[MEMORY_ANON] = "anon_bytes",
		[MEMORY_FILE] = "file_bytes",
		[MEMORY_SHMEM] = "shmem_bytes",
		[MEMORY_SWAP] = "swap_bytes",
		[MEMORY_PAGE_TABLES] = "page_tables_bytes",
		[MEMORY_HUGETLB] = "hugetlb_bytes",
	};
	json_t *array = json_array();

	for (size_t i = 0; i < series__count(series); i++) {
		const int64_t *values = series__values(series, i);
		const struct memory memory = {
			.anon_bytes = values[MEMORY_ANON],
			.file_bytes = values[MEMORY_FILE],
			.shmem_bytes = values[MEMORY_SHMEM],
		};
		json_t *point = json_object();

		build__ms(build, point, "t_ms", (int64_t)(series__time(series, i) - zero_ns));
		build__bytes(build, point, "rss_bytes", memory__resident(&memory));
		for (unsigned int column = 0; column < MEMORY_COLUMNS; column++)
			build__bytes(build, point, keys[column], values[column]);
		build__append(build, array, point);
	}
	return array;
}

static json_t *usage_points__new(struct build *build, const struct model *model,
				 const struct series *series, uint64_t zero_ns)
{
	const char *swap = host__counts_memsw(model) ? "memsw_usage_bytes" : "swap_usage_bytes";
	json_t *array = json_array();

	for (size_t i = 0; i < series__count(series); i++) {
		const int64_t *values = series__values(series, i);
		json_t *point = json_object();

		build__ms(build, point, "t_ms", (int64_t)(series__time(series, i) - zero_ns));
		build__bytes(build, point, "usage_bytes", values[USAGE_MEMORY]);
		build__bytes(build, point, swap, values[USAGE_SWAP]);
		build__append(build, array, point);
	}
	return array;
}

static json_t *trajectory__new(struct build *build, const struct model *model,
			       const struct incident *incident)
{
	json_t *object = json_object();

	build__set(build, object, "victim",
		   memory_points__new(build, incident->victim_series, incident->time_ns));
	if (incident->culprit.task.pid != 0)
		build__set(build, object, "culprit",
			   memory_points__new(build, incident->culprit_series, incident->time_ns));
	if (incident->domain_series)
		build__set(build, object, "domain",
			   usage_points__new(build, model, incident->domain_series,
					     incident->time_ns));
	return object;
}

static json_t *timeline__new(struct build *build, const struct incident *incident)
{
	json_t *array = json_array();

	for (size_t i = 0; i < incident->timeline_count; i++) {
		const struct timeline_entry *entry = &incident->timeline[i];
		json_t *row = json_object();

		build__ms(build, row, "t_ms", (int64_t)(entry->time_ns - incident->time_ns));
		build__text(build, row, "what", entry->what, strlen(entry->what));
		build__append(build, array, row);
	}
	return array;
}

static json_t *window__new(struct build *build, const struct incident *incident)
{
	json_t *object = json_object();

	build__ms(build, object, "from_ms", (int64_t)(incident->from_ns - incident->time_ns));
	build__ms(build, object, "to_ms", 0);
	return object;
}

static json_t *context__new(struct build *build, const struct incident *incident)
{
	static const char *const ways[] = {
#define X(name, text) text,
		OOM_WAYS(X)
#undef X
	};
	json_t *object = json_object();

	build__string(build, object, "way",
		      incident->way < OOM_WAY_END ? ways[incident->way] : "unknown");
	build__bool(build, object, "followed_all", incident->followed_all);
	return object;
}

json_t *json__incident(struct build *build, const struct model *model,
		       const struct incident *incident)
{
	json_t *object = json_object();

	build__string(build, object, "schema", "oomtrail.incident/1");
	build__text_array(build, object, "id", incident->id, sizeof(incident->id));
	build__text_array(build, object, "fingerprint", incident->fingerprint,
			  sizeof(incident->fingerprint));
	build__utc(build, object, "time", incident->realtime_ns);
	json__set_source(build, object, model);
	build__set(build, object, "window", window__new(build, incident));
	build__string(build, object, "cause", "kernel");
	set_constraint(build, object, incident);
	build__set(build, object, "context", context__new(build, incident));
	if (incident->domain_known)
		build__set(build, object, "domain", domain__new(build, model, incident));
	build__set(build, object, "victim", victim__new(build, model, incident));
	if (incident->trigger.task.pid != 0)
		build__set(build, object, "trigger", trigger__new(build, model, incident));
	if (incident->culprit.task.pid != 0)
		build__set(build, object, "culprit", culprit__new(build, model, incident));
	json__set_ledger(build, object, model, incident);
	json__set_verdict(build, object, model, incident);
	build__set(build, object, "killed", killed__new(build, model, incident));
	build__count(build, object, "killed_omitted", incident->kill_omitted);
	if (incident->storm.count > 0)
		build__set(build, object, "storm", storm__new(build, incident));
	build__set(build, object, "processes", processes__new(build, model, incident));
	build__count(build, object, "processes_omitted", incident->process_omitted);
	build__set(build, object, "trajectory", trajectory__new(build, model, incident));
	json__set_growth(build, object, model, incident);
	build__set(build, object, "timeline", timeline__new(build, incident));
	build__count(build, object, "timeline_omitted", incident->timeline_omitted);
	if (incident->meminfo_ns != 0)
		build__set(build, object, "meminfo",
			   json__meminfo(build, &incident->meminfo,
					 (int64_t)(incident->meminfo_ns - incident->time_ns)));
	json__set_known(build, object, model, incident);
	return object;
}
