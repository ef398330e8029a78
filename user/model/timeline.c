/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "model/model_internal.h"

/* So that what led to the kill leaves room for what followed it. */
#define STARTS_TOLD  16
#define MOVES_TOLD   8
#define SIGNALS_TOLD 8
#define KILLS_SOUGHT 4096
#define TOLD_BYTES   ((int64_t)MIB) /* processes holding less at the kill do not matter */

int timeline__add(struct incident *incident, uint64_t time_ns, struct text *text)
{
	size_t at = incident->timeline_count;

	if (!text__ok(text)) {
		text__free(text);
		return -ENOMEM;
	}
	if (at == INCIDENT_TIMELINE) {
		incident->timeline_omitted++;
		text__free(text);
		return 0;
	}
	if (!incident->timeline) {
		incident->timeline = calloc(INCIDENT_TIMELINE, sizeof(incident->timeline[0]));
		if (!incident->timeline) {
			text__free(text);
			return -ENOMEM;
		}
	}
	for (; at && incident->timeline[at - 1].time_ns > time_ns; at--)
		incident->timeline[at] = incident->timeline[at - 1];
	incident->timeline[at] = (struct timeline_entry){.time_ns = time_ns, .what = text->data};
	incident->timeline_count++;
	return 0;
}

void timeline__name(struct text *text, const char comm[EVENT_COMM_BYTES], uint32_t pid)
{
	if (comm[0])
		text__printf(text, "%.*s (pid %u)", EVENT_COMM_BYTES, comm, pid);
	else
		text__printf(text, "pid %u", pid);
}

static int timeline__add_string(struct incident *incident, uint64_t time_ns, const char *string)
{
	struct text text = {0};

	text__string(&text, string);
	return timeline__add(incident, time_ns, &text);
}

int timeline__add_kill(struct incident *incident, const struct kill *kill)
{
	struct text text = {0};

	if (kill->class == KILL_OOM)
		text__string(&text, "OOM kill: ");
	else if (kill->class == KILL_OOM_EXITING)
		text__string(&text, "OOM victim: ");
	timeline__name(&text, kill->target_comm, kill->target.pid);
	if (kill->class == KILL_OOM_EXITING)
		text__string(&text, ", exiting already and not killed");
	if (kill->class == KILL_OOM_SHARED_MM) {
		text__string(&text, " killed with it: it runs on the same memory");
	} else if (kill->class == KILL_SIGNAL) {
		text__string(&text, " sent SIGKILL by ");
		timeline__name(&text, kill->sender_comm, kill->sender.pid);
	} else if (kill->sender.pid == kill->target.pid) {
		text__string(&text, ", on its own request for memory");
	} else if (kill->sender.pid) {
		text__string(&text, ", asked for by ");
		timeline__name(&text, kill->sender_comm, kill->sender.pid);
	}
	return timeline__add(incident, kill->time_ns, &text);
}

static bool is_power_of_ten(uint64_t number)
{
	while (number >= 10 && number % 10 == 0)
		number /= 10;
	return number == 1;
}

int timeline__add_repeated(struct incident *incident, const struct kill *kill, uint64_t number,
			   bool always)
{
	struct text text = {0};
	char count[UNITS_MAX];

	if (!always && !is_power_of_ten(number))
		return 0;
	text__printf(&text, "the same cause again, kill %s: ", units__count(count, number));
	timeline__name(&text, kill->target_comm, kill->target.pid);
	return timeline__add(incident, kill->time_ns, &text);
}

static void text__limit(struct text *text, int64_t bytes)
{
	char size[UNITS_MAX];

	text__string(text, bytes == EVENT_NO_LIMIT ? "none" : units__bytes(size, bytes));
}

int timeline__add_limit(struct model *model, struct incident *incident, uint64_t cgroup_id,
			const struct limit_change *change)
{
	char *path = model__cgroup_path(model, cgroup_id);
	struct text text = {0};

	if (!path)
		return -ENOMEM;
	text__string(&text, change->high ? "memory.high of " : "limit of ");
	text__string(&text, path);
	text__string(&text, " changed from ");
	text__limit(&text, change->from_bytes);
	text__string(&text, " to ");
	text__limit(&text, change->to_bytes);
	free(path);
	return timeline__add(incident, change->time_ns, &text);
}

/* --- between the window's start and the kill ------------------------------------------------ */

static bool in_window(const struct incident *incident, uint64_t time_ns)
{
	return time_ns >= incident->from_ns && time_ns <= incident->time_ns;
}

static int timeline__add_start(struct model *model, struct incident *incident,
			       const struct party *party)
{
	const struct process_slot *slot = process_table__find(&model->processes, &party->task);
	const struct process_slot *parent;
	struct text text = {0};

	timeline__name(&text, party->comm, party->task.pid);
	if (slot && slot->process.exec_ns && in_window(incident, slot->process.exec_ns)) {
		text__string(&text, party->born_in_window ? " started" : " began a new program");
		return timeline__add(incident, slot->process.exec_ns, &text);
	}
	if (!slot || !party->born_in_window) {
		text__free(&text);
		return 0;
	}
	parent = process_table__find(&model->processes, &slot->process.parent);
	text__string(&text, " forked");
	if (parent) {
		text__string(&text, " by ");
		timeline__name(&text, parent->process.comm, parent->process.task.pid);
	}
	return timeline__add(incident, slot->process.seen_ns, &text);
}

/* The processes are sorted by what they hold: the first ones matter most. */
static int timeline__add_starts(struct model *model, struct incident *incident)
{
	int error = 0;

	for (size_t i = 0; i < incident->process_count && i < STARTS_TOLD && !error; i++) {
		const struct party *party = &incident->processes[i];

		if (memory__footprint(&party->memory) > TOLD_BYTES)
			error = timeline__add_start(model, incident, party);
	}
	return error;
}

static bool same_process(const struct task_ref *a, const struct task_ref *b)
{
	return a->pid == b->pid && a->start_ns == b->start_ns;
}

static int timeline__add_move(struct model *model, struct incident *incident,
			      const struct attach_record *attach)
{
	const struct party *party = same_process(&attach->task, &incident->victim.task)
					    ? &incident->victim
					    : &incident->culprit;
	char *path = model__cgroup_path(model, attach->to_id);
	struct text text = {0};

	if (!path)
		return -ENOMEM;
	timeline__name(&text, party->comm, party->task.pid);
	text__string(&text, " moved into ");
	text__string(&text, path);
	free(path);
	return timeline__add(incident, attach->time_ns, &text);
}

static int timeline__add_moves(struct model *model, struct incident *incident)
{
	uint64_t kept = model->attach_count < ATTACH_MAX ? model->attach_count : ATTACH_MAX;
	unsigned int told = 0;
	int error = 0;

	for (uint64_t i = 0; i < kept && told < MOVES_TOLD && !error; i++) {
		const struct attach_record *attach =
			&model->attaches[(model->attach_count - 1 - i) % ATTACH_MAX];

		if (!in_window(incident, attach->time_ns) ||
		    (!same_process(&attach->task, &incident->victim.task) &&
		     !same_process(&attach->task, &incident->culprit.task)))
			continue;
		told++;
		error = timeline__add_move(model, incident, attach);
	}
	return error;
}

static int timeline__add_signals(struct model *model, struct incident_slot *slot)
{
	unsigned int told = 0;
	int error = 0;

	for (size_t i = 0; i < model->kill_count && i < KILLS_SOUGHT && told < SIGNALS_TOLD; i++) {
		const struct kill *kill = &model->kills[model->kill_count - 1 - i];
		const struct process_slot *target;

		if (kill->time_ns < slot->incident.from_ns)
			break;
		target = process_table__find(&model->processes, &kill->target);
		if (kill->class != KILL_SIGNAL || !target ||
		    !incident__holds(model, slot, target->process.cgroup_id))
			continue;
		told++;
		error = timeline__add_kill(&slot->incident, kill);
		if (error)
			break;
	}
	return error;
}

static int timeline__add_limits(struct model *model, struct incident *incident)
{
	const struct cgroup_slot *cgroup = cgroup__find(model, incident->domain_id);
	int error = 0;

	if (!incident->domain_known || !cgroup || !cgroup->limits)
		return 0;
	for (size_t i = 0; i < cgroup->limits->count && !error; i++) {
		const struct limit_change *change = &cgroup->limits->changes[i];

		if (in_window(incident, change->time_ns))
			error = timeline__add_limit(model, incident, incident->domain_id, change);
	}
	return error;
}

int timeline__look_back(struct model *model, struct incident_slot *slot)
{
	struct incident *incident = &slot->incident;
	int error = 0;

	if (incident->from_ns == model->span.first_ns)
		error = timeline__add_string(incident, incident->from_ns, "recording began");
	if (!error)
		error = timeline__add_starts(model, incident);
	if (!error)
		error = timeline__add_moves(model, incident);
	if (!error)
		error = timeline__add_limits(model, incident);
	if (!error)
		error = timeline__add_signals(model, slot);
	return error ? error : timeline__add_reclaim(model, slot);
}
