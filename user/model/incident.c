/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "model/model_internal.h"
#include "model/shared_bytes.h"

void incident__free(struct incident_slot *slot)
{
	struct incident *incident;

	if (!slot)
		return;
	incident = &slot->incident;
	shared_bytes__put(incident->domain);
	party__free_contents(&incident->victim);
	party__free_contents(&incident->trigger);
	party__free_contents(&incident->culprit);
	for (size_t i = 0; i < incident->process_count; i++)
		party__free_contents(&incident->processes[i]);
	free(incident->processes);
	free(incident->kills);
	series__free(incident->victim_series);
	series__free(incident->culprit_series);
	series__free(incident->domain_series);
	series__free(incident->culprit_life);
	for (size_t i = 0; i < incident->timeline_count; i++)
		free(incident->timeline[i].what);
	free(incident->timeline);
	for (size_t i = 0; i < slot->watch_count; i++) {
		shared_bytes__put(slot->watches[i].argv);
		shared_bytes__put(slot->watches[i].cgroup);
	}
	free(slot);
}

static void incident_slot__freep(struct incident_slot **slot)
{
	incident__free(*slot);
}

bool incident__holds(struct model *model, const struct incident_slot *slot, uint64_t cgroup_id)
{
	if (slot->incident.domain_known)
		return cgroup__within(model, cgroup_id, slot->scope_id);
	return cgroup_id && cgroup_id == slot->scope_id;
}

bool incident__domain_of(const struct event_oom_kill *event, uint64_t *id)
{
	switch (event->constraint) {
	case OOM_CONSTRAINT_MEMCG:
		*id = event->domain_cgroup_id;
		return event->domain_cgroup_id != 0;
	case OOM_CONSTRAINT_NONE:
	case OOM_CONSTRAINT_CPUSET:
	case OOM_CONSTRAINT_MEMPOLICY:
		*id = 0;
		return event->way != OOM_WAY_NONE;
	default:
		*id = 0;
		return false;
	}
}

static void incident__set_id(struct incident *incident)
{
	char comm[EVENT_COMM_BYTES + 1] = {0}, utc[UNITS_MAX];

	memcpy(comm, incident->victim.comm, EVENT_COMM_BYTES);
	for (char *c = comm; *c; c++) {
		bool fine = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
			    (*c >= '0' && *c <= '9') || *c == '_' || *c == '-' ||
			    (*c == '.' && c != comm && c[-1] != '.');

		if (!fine)
			*c = '_';
	}
	snprintf(incident->id, sizeof(incident->id), "%s-%s-%u",
		 units__utc_id(utc, incident->realtime_ns), comm[0] ? comm : "_",
		 incident->victim.task.pid);
}

/* What the cgroup had when the window began, or when it was first seen inside it. */
static int64_t series__base(const struct series *series, uint64_t from_ns, int64_t first)
{
	long at;

	if (!series__count(series))
		return first;
	at = series__at(series, from_ns);
	return series__values(series, at < 0 ? 0 : (size_t)at)[0];
}

static int incident__set_domain(struct model *model, struct incident_slot *slot,
				const struct event_oom_kill *event)
{
	struct incident *incident = &slot->incident;
	const struct cgroup_slot *cgroup;

	incident->counters = counters__unknown();
	incident->failures_in_window = EVENT_UNKNOWN;
	incident->domain_grew_bytes = EVENT_UNKNOWN;
	if (!incident->domain_known)
		return 0;
	incident->domain = incident->domain_id ? cgroup__shared_path(model, incident->domain_id)
					       : shared_bytes__new("the host", strlen("the host"));
	if (!incident->domain)
		return -ENOMEM;
	if (!incident->domain_id)
		return 0;
	incident->counters = counters__normal(&event->domain);
	if (event->ledger.flags & LEDGER_TAKEN)
		incident->ledger = ledger__normal(&event->ledger);
	cgroup = cgroup__find(model, incident->domain_id);
	if (cgroup && incident->counters.usage_bytes < 0)
		incident->counters = cgroup->cgroup.now;
	if (!cgroup || cgroup->cgroup.seen_ns >= incident->time_ns)
		return 0;
	incident->failures_in_window = bytes__minus(
		incident->counters.failures,
		series__base(cgroup->failures, incident->from_ns, cgroup->cgroup.first.failures));
	incident->domain_grew_bytes =
		bytes__minus(incident->counters.usage_bytes,
			     series__base(cgroup->cgroup.series, incident->from_ns,
					  cgroup->cgroup.first.usage_bytes));
	return series__copy(&incident->domain_series, cgroup->cgroup.series, incident->from_ns,
			    incident->time_ns);
}

static int incident__fill(struct model *model, struct incident_slot *slot,
			  const struct event_oom_kill *event, const struct process_slot *victim)
{
	struct incident *incident = &slot->incident;
	const struct process_slot *trigger =
		process_table__find(&model->processes, &event->trigger.task);
	int error;

	error = incident__set_domain(model, slot, event);
	if (!error)
		error = party__freeze(model, incident, victim, &incident->victim);
	if (!error && trigger)
		error = party__freeze(model, incident, trigger, &incident->trigger);
	if (error)
		return error;
	incident->victim.task.tid = event->victim.task.tid;
	/* Also when the model had it for dead already and learnt nothing. */
	if (memory__known(&event->victim.memory)) {
		incident->victim.memory = memory__normal(&event->victim.memory);
		incident->victim.exact = event->victim.flags & PROCESS_MEMORY_EXACT;
	}
	incident->trigger.task.tid = event->trigger.task.tid;
	incident->trigger.exact = event->trigger.flags & PROCESS_MEMORY_EXACT;
	incident__set_id(incident);
	error = party__freeze_domain(model, slot, victim);
	return error ? error : timeline__look_back(model, slot);
}

int incident__begin(struct model *model, const struct event_oom_kill *event,
		    const struct process_slot *victim, struct incident_slot **out)
{
	_cleanup_(incident_slot__freep) struct incident_slot *slot = calloc(1, sizeof(*slot));
	uint64_t time_ns = event->header.time_ns;
	struct incident *incident;
	int error;

	if (!slot)
		return -ENOMEM;
	incident = &slot->incident;
	*incident = (struct incident){
		.time_ns = time_ns,
		.from_ns = time_ns > INCIDENT_WINDOW_NS ? time_ns - INCIDENT_WINDOW_NS : 0,
		.realtime_ns = model__realtime_ns(model, time_ns),
		.total_bytes = bytes__normal(event->domain_total_bytes),
		.constraint = event->constraint,
		.order = event->order,
		.gfp_mask = event->gfp_mask,
		.way = event->way,
		.nodes = event->nodes,
		.stat = stat__unknown(),
		.followed_all = model->host_seen && model->host.scope == FOLLOW_ALL,
	};
#define X(field, key) incident->meminfo.field##_bytes = EVENT_UNKNOWN;
	MEMINFO(X)
#undef X
	if (incident->from_ns < model->span.first_ns)
		incident->from_ns = model->span.first_ns < time_ns ? model->span.first_ns : time_ns;
	incident->lost_before = loss__between(model, incident->from_ns, time_ns);
	incident->domain_known = incident__domain_of(event, &incident->domain_id);
	slot->scope_id = incident->domain_known ? incident->domain_id : victim->process.cgroup_id;
	error = incident__fill(model, slot, event, victim);
	if (error)
		return error;
	*out = take(slot);
	return 0;
}

/* --- what model.h offers -------------------------------------------------------------------- */

size_t model__incident_count(const struct model *model)
{
	return model->incident_count;
}

const struct incident *model__incident(const struct model *model, size_t index)
{
	return &model->incidents[index]->incident;
}
