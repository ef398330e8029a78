/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/model_internal.h"
#include "model/shared_bytes.h"

struct increase {
	int64_t bytes; /* EVENT_UNKNOWN: cannot be told */
	uint64_t over_ns;
	bool born;
};

void party__free_contents(struct party *party)
{
	shared_bytes__put(party->argv);
	shared_bytes__put(party->cgroup);
}

/* Resident + swap when the window began, or when a younger process was first seen in it: what it
 * inherited by fork is no growth of its own. A program started inside the window began at 0. */
static int64_t increase__base(const struct incident *incident, const struct process_slot *slot)
{
	const struct series *series = slot->process.series;
	struct memory memory;
	long at;

	if (slot->process.exec_ns > incident->from_ns && slot->process.exec_ns <= incident->time_ns)
		return 0;
	if (!series)
		return memory__footprint(&slot->process.first);
	at = series__at(series, incident->from_ns);
	memory__from_columns(&memory, series__values(series, at < 0 ? 0 : (size_t)at));
	return memory__footprint(&memory);
}

static struct increase increase__of(const struct incident *incident,
				    const struct process_slot *slot)
{
	int64_t now = memory__footprint(&slot->process.now);
	int64_t base = increase__base(incident, slot);
	uint64_t since_ns = incident->from_ns;
	struct increase increase = {.bytes = EVENT_UNKNOWN};

	if (slot->process.seen_ns > since_ns)
		since_ns = slot->process.seen_ns;
	if (slot->process.exec_ns > since_ns)
		since_ns = slot->process.exec_ns;
	if (now >= 0 && base >= 0)
		increase.bytes = now - base;
	increase.over_ns = since_ns < incident->time_ns ? incident->time_ns - since_ns : 0;
	increase.born = slot->process.born_here && slot->process.seen_ns >= incident->from_ns;
	return increase;
}

int party__freeze(struct model *model, const struct incident *incident,
		  const struct process_slot *slot, struct party *out)
{
	const struct process *process = &slot->process;
	struct increase increase = increase__of(incident, slot);
	char *cgroup = cgroup__shared_path(model, process->cgroup_id);

	if (!cgroup)
		return -ENOMEM;
	*out = (struct party){
		.task = process->task,
		.uid = process->uid,
		.ns_pid = process->ns_pid,
		.oom_score_adj = process->oom_score_adj,
		.argv = shared_bytes__get(process->argv),
		.argv_bytes = process->argv_bytes,
		.argv_flags = process->argv_flags,
		.cgroup_id = process->cgroup_id,
		.cgroup = cgroup,
		.service = service__of(model, process),
		.memory = process->now,
		.grew_bytes = increase.bytes,
		.grew_over_ns = increase.over_ns,
		.began_ns = process->exec_ns > process->task.start_ns ? process->exec_ns
								      : process->task.start_ns,
		.born_in_window = increase.born,
	};
	memcpy(out->comm, process->comm, EVENT_COMM_BYTES);
	return 0;
}

/* --- the domain's processes ----------------------------------------------------------------- */

/* The largest so far, by resident memory, then pid, then start. */
struct ranking {
	const struct process_slot *slots[INCIDENT_PROCESSES];
	size_t count;
	size_t seen;
};

static bool ranking__before(const struct process_slot *a, const struct process_slot *b)
{
	int64_t a_bytes = memory__resident(&a->process.now);
	int64_t b_bytes = memory__resident(&b->process.now);

	if (a_bytes != b_bytes)
		return a_bytes > b_bytes;
	if (a->process.task.pid != b->process.task.pid)
		return a->process.task.pid < b->process.task.pid;
	return a->process.task.start_ns < b->process.task.start_ns;
}

static void ranking__add(struct ranking *ranking, const struct process_slot *slot)
{
	size_t at;

	ranking->seen++;
	if (ranking->count == INCIDENT_PROCESSES) {
		if (!ranking__before(slot, ranking->slots[ranking->count - 1]))
			return;
		ranking->count--;
	}
	for (at = ranking->count++; at && ranking__before(slot, ranking->slots[at - 1]); at--)
		ranking->slots[at] = ranking->slots[at - 1];
	ranking->slots[at] = slot;
}

static void ranking__require(struct ranking *ranking, const struct process_slot *slot)
{
	for (size_t i = 0; i < ranking->count; i++) {
		if (ranking->slots[i] == slot)
			return;
	}
	ranking->slots[ranking->count - 1] = slot;
}

/* One of the processes on an mm stands for it: the one that began first. The victim may have left
 * already, and stands for its mm whoever else is on it then. */
static bool stands_for_mm(struct model *model, const struct incident_slot *incident,
			  const struct process_slot *slot, const struct process_slot *victim)
{
	uint64_t mm_id = slot->process.mm_id;
	const struct process_slot *other = NULL;

	if (!mm_id || slot == victim)
		return true;
	if (mm_id == victim->process.mm_id)
		return false;
	while ((other = process_table__next_on_mm(&model->processes, mm_id, other))) {
		const struct task_ref *a = &other->process.task, *b = &slot->process.task;

		if (other == slot || !incident__holds(model, incident, other->process.cgroup_id))
			continue;
		if (a->start_ns < b->start_ns || (a->start_ns == b->start_ns && a->pid < b->pid))
			return false;
	}
	return true;
}

static bool in_domain(struct model *model, const struct incident_slot *incident,
		      const struct process_slot *slot, const struct process_slot *victim)
{
	if (slot == victim)
		return true;
	/* Without an mm: a kernel thread, or a process that has given everything back. */
	if (slot->process.exit_ns ||
	    (!slot->process.mm_id && memory__footprint(&slot->process.now) <= 0))
		return false;
	return incident__holds(model, incident, slot->process.cgroup_id);
}

/* What is nobody else's: neither files nor shared memory, which each of its users has. */
static int64_t own_bytes(const struct memory *memory)
{
	const int64_t anon = memory->anon_bytes > 0 ? memory->anon_bytes : 0;

	return memory->swap_bytes > 0 ? anon + memory->swap_bytes : anon;
}

/* By what it has grown since its fork: what it inherited is its parent's as well. */
static void count_born(struct incident *incident, const struct process_slot *slot)
{
	const struct process *process = &slot->process;
	const int64_t began = process->exec_ns ? 0 : own_bytes(&process->first);
	const int64_t bytes = own_bytes(&process->now) - began;

	if (!increase__of(incident, slot).born)
		return;
	incident->born_count++;
	if (bytes <= 0)
		return;
	incident->born_bytes = bytes__add(incident->born_bytes, bytes);
	if (bytes > incident->born_largest_bytes)
		incident->born_largest_bytes = bytes;
}

static const struct process_slot *survey(struct model *model, struct incident_slot *incident,
					 const struct process_slot *victim, struct ranking *ranking)
{
	const struct process_slot *culprit = NULL;
	int64_t most = 0;

	for (uint32_t i = 0; i < model->processes.count; i++) {
		const struct process_slot *slot = process_table__slot(&model->processes, i);
		int64_t grew;

		if (!in_domain(model, incident, slot, victim))
			continue;
		ranking__add(ranking, slot);
		if (!stands_for_mm(model, incident, slot, victim))
			continue;
		count_born(&incident->incident, slot);
		grew = increase__of(&incident->incident, slot).bytes;
		if (grew <= 0)
			continue;
		incident->incident.processes_grew_bytes =
			bytes__add(incident->incident.processes_grew_bytes, grew);
		if (grew > most ||
		    (grew == most && slot->process.task.pid < culprit->process.task.pid)) {
			most = grew;
			culprit = slot;
		}
	}
	return culprit;
}

/* A process that never moved has no series, but its one value is known for all of the window. */
static int party__copy_series(struct series **out, const struct incident *incident,
			      const struct process *process, uint64_t since_ns)
{
	int64_t columns[MEMORY_COLUMNS];
	int error;

	if (process->series)
		return series__copy(out, process->series, since_ns, incident->time_ns);
	if (!memory__known(&process->now))
		return 0;
	if (process->seen_ns > since_ns)
		since_ns = process->seen_ns;
	error = series__new(out, MEMORY_COLUMNS);
	if (error)
		return error;
	memory__to_columns(&process->now, columns);
	return series__add(*out, since_ns < incident->time_ns ? since_ns : incident->time_ns,
			   columns);
}

int party__freeze_domain(struct model *model, struct incident_slot *slot,
			 const struct process_slot *victim)
{
	struct incident *incident = &slot->incident;
	struct ranking ranking = {0};
	const struct process_slot *culprit = survey(model, slot, victim, &ranking);
	int error = 0;

	ranking__require(&ranking, victim);
	incident->processes = calloc(ranking.count, sizeof(struct party));
	if (!incident->processes)
		return -ENOMEM;
	incident->process_omitted = ranking.seen - ranking.count;
	for (size_t i = 0; i < ranking.count; i++) {
		struct party *party = &incident->processes[i];

		error = party__freeze(model, incident, ranking.slots[i], party);
		if (error)
			return error;
		incident->process_count++;
		party->exact = ranking.slots[i] == victim && incident->victim.exact;
	}
	error = party__copy_series(&incident->victim_series, incident, &victim->process,
				   incident->from_ns);
	if (error || !culprit)
		return error;
	error = party__copy_series(&incident->culprit_series, incident, &culprit->process,
				   incident->from_ns);
	if (!error)
		error = party__copy_series(&incident->culprit_life, incident, &culprit->process, 0);
	if (!error)
		error = party__freeze(model, incident, culprit, &incident->culprit);
	if (!error)
		incident->culprit.exact = culprit == victim && incident->victim.exact;
	return error;
}
