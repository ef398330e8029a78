/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <string.h>

#include "base/units.h"
#include "model/model_internal.h"
#include "model/shared_bytes.h"

/* What an incident that is still open waits for: memory given back, exits, a new start. */

/* Memory counts as given back below this fraction of what the victim held. */
#define GIVEN_BACK_FRACTION 16

static struct incident_slot *open_incident(const struct model *model, size_t index)
{
	return model->incidents[model->open[index]];
}

static void text__exit(struct text *text, uint32_t exit_code)
{
	char name[UNITS_MAX];

	if (exit_code & 0x7f)
		text__printf(text, " exited, killed by %s", units__signal(name, exit_code & 0x7f));
	else
		text__printf(text, " exited with status %u", (exit_code >> 8) & 0xff);
}

/* Its kill in this list, when that is no longer ago than an exit is waited for. */
static struct incident_kill *incident__kill_of(struct incident *incident,
					       const struct event_exit *event)
{
	for (size_t i = incident->kill_count; i-- > 0;) {
		struct incident_kill *kill = &incident->kills[i];

		if (kill->later && event->header.time_ns > kill->time_ns &&
		    event->header.time_ns - kill->time_ns > INCIDENT_AFTER_NS)
			break;
		if (!kill->exit_ns && kill->task.pid == event->task.pid &&
		    kill->task.start_ns == event->task.start_ns)
			return kill;
	}
	return NULL;
}

static int incident__exit_of(struct incident *incident, const struct event_exit *event, bool open)
{
	struct incident_kill *kill = incident__kill_of(incident, event);
	struct text text = {0};

	if (!kill || (!open && !kill->later))
		return 0;
	kill->exit_ns = event->header.time_ns ? event->header.time_ns : 1;
	kill->exit_code = event->exit_code;
	if (kill->later || kill - incident->kills >= INCIDENT_TOLD)
		return 0;
	timeline__name(&text, kill->comm, kill->task.pid);
	text__exit(&text, event->exit_code);
	return timeline__add(incident, event->header.time_ns, &text);
}

int incident__note_exit(struct model *model, const struct event_exit *event)
{
	int error = 0;

	for (size_t i = model->incident_count; i-- > 0 && !error;) {
		struct incident *incident = &model->incidents[i]->incident;
		bool open = model__incident_is_open(model, i);

		if (open || incident->storm.count)
			error = incident__exit_of(incident, event, open);
	}
	return error;
}

int incident__had_exited(struct incident *incident, const struct process *process, bool open)
{
	const struct event_exit event = {
		.header = {.time_ns = process->exit_ns},
		.task = process->task,
		.exit_code = process->exit_code,
	};

	return process->exit_ns && !process->exit_lost ? incident__exit_of(incident, &event, open)
						       : 0;
}

static int watch__note_rss(struct incident *incident, struct incident_watch *watch,
			   const struct event_rss *event)
{
	struct memory memory = memory__normal(&event->memory);
	int64_t left = event->flags & RSS_GONE ? 0 : memory__footprint(&memory);
	char size[UNITS_MAX];
	struct text text = {0};

	if (left < 0 || left >= watch->held_bytes / GIVEN_BACK_FRACTION)
		return 0;
	watch->given_back = true;
	timeline__name(&text, watch->comm, watch->task.pid);
	text__printf(&text, " gave back %s", units__bytes(size, watch->held_bytes - left));
	return timeline__add(incident, event->header.time_ns, &text);
}

int incident__note_rss(struct model *model, const struct event_rss *event)
{
	int error = 0;

	for (size_t i = 0; i < model->open_count && !error; i++) {
		struct incident_slot *slot = open_incident(model, i);

		if (event->header.time_ns < slot->incident.time_ns)
			continue;
		for (size_t j = 0; j < slot->watch_count && !error; j++) {
			struct incident_watch *watch = &slot->watches[j];

			if (!watch->given_back && watch->mm_id == event->mm_id)
				error = watch__note_rss(&slot->incident, watch, event);
		}
	}
	return error;
}

/* Started again is said only of what is certain: same name, same command line, same cgroup. */
static bool watch__is_started(const struct incident_watch *watch, const struct process *process)
{
	return !watch->started_again && watch->comm[0] && watch->argv && process->argv &&
	       !memcmp(watch->comm, process->comm, EVENT_COMM_BYTES) &&
	       watch->argv_bytes == process->argv_bytes &&
	       !memcmp(watch->argv, process->argv, process->argv_bytes);
}

static int incident__start_in(struct model *model, struct incident_slot *slot,
			      const struct process *process, uint64_t time_ns)
{
	for (size_t i = 0; i < slot->watch_count; i++) {
		struct incident_watch *watch = &slot->watches[i];
		struct text text = {0};
		char *cgroup;
		bool same;

		if (time_ns < slot->incident.time_ns || !watch__is_started(watch, process))
			continue;
		cgroup = cgroup__shared_path(model, process->cgroup_id);
		if (!cgroup)
			return -ENOMEM;
		same = cgroup[0] == '/' && !strcmp(watch->cgroup, cgroup);
		shared_bytes__put(cgroup);
		if (!same)
			continue;
		watch->started_again = true;
		text__printf(&text, "%.*s started again (pid %u)", EVENT_COMM_BYTES, process->comm,
			     process->task.pid);
		return timeline__add(&slot->incident, time_ns, &text);
	}
	return 0;
}

int incident__note_exec(struct model *model, const struct process_slot *slot, uint64_t time_ns)
{
	int error = 0;

	for (size_t i = 0; i < model->open_count && !error; i++)
		error = incident__start_in(model, open_incident(model, i), &slot->process, time_ns);
	return error;
}

int incident__note_signal(struct model *model, const struct kill *kill)
{
	struct process_slot *target = process_table__find(&model->processes, &kill->target);
	int error = 0;

	for (size_t i = 0; target && i < model->open_count && !error; i++) {
		struct incident_slot *slot = open_incident(model, i);

		if (incident__holds(model, slot, target->process.cgroup_id))
			error = timeline__add_kill(&slot->incident, kill);
	}
	return error;
}

int incident__note_limit(struct model *model, uint64_t cgroup_id, const struct limit_change *change)
{
	int error = 0;

	for (size_t i = 0; i < model->open_count && !error; i++) {
		struct incident *incident = &open_incident(model, i)->incident;

		if (incident->domain_known && incident->domain_id == cgroup_id)
			error = timeline__add_limit(model, incident, cgroup_id, change);
	}
	return error;
}

void incident__note_stat(struct model *model, const struct cgroup *cgroup)
{
	for (size_t i = 0; i < model->open_count; i++) {
		struct incident *incident = &open_incident(model, i)->incident;

		if (incident->domain_known && incident->domain_id == cgroup->id &&
		    !incident->stat_ns && cgroup->stat_ns >= incident->time_ns) {
			incident->stat = cgroup->stat;
			incident->stat_ns = cgroup->stat_ns;
		}
	}
}

void incident__note_meminfo(struct model *model)
{
	for (size_t i = 0; i < model->open_count; i++) {
		struct incident *incident = &open_incident(model, i)->incident;

		if (!incident->meminfo_ns && model->meminfo_ns >= incident->time_ns) {
			incident->meminfo = model->meminfo;
			incident->meminfo_ns = model->meminfo_ns;
		}
	}
}
