/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "model/model_internal.h"
#include "model/shared_bytes.h"

/* Which incident a kill belongs to, and how long one is open to them. */

/* Two kills by one thread within this are one call of the kernel's out_of_memory(). */
#define SAME_CALL_NS NS_PER_S

static bool is_within(uint64_t time_ns, uint64_t since_ns, uint64_t span_ns)
{
	return time_ns <= since_ns || time_ns - since_ns <= span_ns;
}

/* --- the list of kills ---------------------------------------------------------------------- */

static int incident__watch(struct model *model, struct incident_slot *slot,
			   const struct process_slot *victim)
{
	struct incident_watch *watch;
	char *cgroup;

	if (slot->watch_count == INCIDENT_WATCHES)
		return 0;
	for (size_t i = 0; victim->process.mm_id && i < slot->watch_count; i++) {
		if (slot->watches[i].mm_id == victim->process.mm_id)
			return 0;
	}
	cgroup = cgroup__shared_path(model, victim->process.cgroup_id);
	if (!cgroup)
		return -ENOMEM;
	watch = &slot->watches[slot->watch_count++];
	*watch = (struct incident_watch){
		.task = victim->process.task,
		.mm_id = victim->process.mm_id,
		.held_bytes = memory__footprint(&victim->process.now),
		.argv = shared_bytes__get(victim->process.argv),
		.argv_bytes = victim->process.argv_bytes,
		.cgroup = cgroup,
	};
	watch->given_back = !watch->mm_id || watch->held_bytes <= 0;
	memcpy(watch->comm, victim->process.comm, EVENT_COMM_BYTES);
	return 0;
}

/* The first few with all that follows, the rest now and then: the list of kills has them all. */
static int incident__tell_kill(struct model *model, struct incident_slot *slot,
			       const struct kill *kill, const struct process_slot *victim,
			       bool later)
{
	struct incident *incident = &slot->incident;
	uint64_t number = incident->kill_count + incident->kill_omitted + 1;
	int error;

	if (later || number > INCIDENT_TOLD)
		return timeline__add_repeated(incident, kill, number,
					      later && number == incident->burst_kills + 1);
	error = timeline__add_kill(incident, kill);
	return !error && victim ? incident__watch(model, slot, victim) : error;
}

static void incident__count_kill(struct incident_slot *slot, const struct kill *kill, bool later)
{
	struct incident *incident = &slot->incident;

	if (kill->time_ns > slot->last_kill_ns)
		slot->last_kill_ns = kill->time_ns;
	if (!later) {
		incident->burst_kills++;
		slot->burst_kill_ns = slot->last_kill_ns;
		return;
	}
	incident->storm = (struct incident_storm){
		.count = incident->kill_count + incident->kill_omitted + 1,
		.first_ns = incident->time_ns,
		.last_ns = slot->last_kill_ns,
	};
}

static int incident__list_kill(struct incident *incident, const struct kill *kill, bool later)
{
	struct incident_kill *kills;

	if (!(incident->kill_count & (incident->kill_count - 1))) {
		size_t room = incident->kill_count ? incident->kill_count * 2 : 1;

		kills = reallocarray(incident->kills, room, sizeof(*kills));
		if (!kills)
			return -ENOMEM;
		incident->kills = kills;
	}
	kills = incident->kills + incident->kill_count++;
	while (kills > incident->kills && kills[-1].time_ns > kill->time_ns) {
		kills[0] = kills[-1];
		kills--;
	}
	*kills = (struct incident_kill){.time_ns = kill->time_ns,
					.class = kill->class,
					.task = kill->target,
					.later = later};
	memcpy(kills->comm, kill->target_comm, EVENT_COMM_BYTES);
	return 0;
}

static int incident__add_kill(struct model *model, struct incident_slot *slot,
			      const struct kill *kill, const struct process_slot *victim,
			      bool later)
{
	struct incident *incident = &slot->incident;
	int error;

	incident__count_kill(slot, kill, later);
	error = incident__tell_kill(model, slot, kill, victim, later);
	if (error)
		return error;
	if (incident->kill_count < INCIDENT_KILLS) {
		error = incident__list_kill(incident, kill, later);
		/* Sent SIGKILL, another processor may be through with it before it is marked. */
		return error || !victim ? error
					: incident__had_exited(incident, &victim->process, !later);
	}
	incident->kill_omitted++;
	return loss__count(model, LOSS_MODEL_FULL, EVENT_OOM_KILL);
}

/* --- which incident ------------------------------------------------------------------------- */

static enum cause_class cause_class_of(const struct event_oom_kill *event, bool known)
{
	if (event->way != OOM_WAY_NONE && event->order == -1)
		return CAUSE_BY_HAND;
	if (!known)
		return CAUSE_NOT_DETERMINED;
	switch (event->constraint) {
	case OOM_CONSTRAINT_MEMCG:
		return CAUSE_MEMCG;
	case OOM_CONSTRAINT_CPUSET:
		return CAUSE_CPUSET;
	case OOM_CONSTRAINT_MEMPOLICY:
		return CAUSE_MEMPOLICY;
	default:
		return CAUSE_HOST;
	}
}

static int fingerprint_of(struct model *model, const struct event_oom_kill *event,
			  const struct process_slot *victim, char out[CAUSE_FINGERPRINT_BYTES])
{
	struct cause cause = {.comm = event->victim.comm};
	bool known = incident__domain_of(event, &cause.cgroup_id);
	char *path;
	int error;

	cause.class = cause_class_of(event, known);
	if (!cause.cgroup_id)
		cause.cgroup_id = victim->process.cgroup_id;
	path = cgroup__shared_path(model, cause.cgroup_id);
	if (!path)
		return -ENOMEM;
	cause.cgroup = path;
	error = cause__fingerprint(&cause, out);
	shared_bytes__put(path);
	return error;
}

static bool incident__is_same_call(const struct incident_slot *slot,
				   const struct event_oom_kill *event)
{
	const struct task_ref *trigger = &event->trigger.task, *last = &slot->last_trigger;

	return trigger->pid && trigger->pid == last->pid && trigger->tid == last->tid &&
	       trigger->start_ns == last->start_ns &&
	       is_within(event->header.time_ns, slot->last_kill_ns, SAME_CALL_NS);
}

static bool incident__is_same_scope(const struct incident_slot *slot,
				    const struct event_oom_kill *event,
				    const struct process_slot *victim)
{
	uint64_t id;
	bool known = incident__domain_of(event, &id);

	return known == slot->incident.domain_known &&
	       slot->scope_id == (known ? id : victim->process.cgroup_id);
}

/* An open one goes before an older one of the same cause. */
static long incident__find(const struct model *model, const struct event_oom_kill *event,
			   const struct process_slot *victim, const char *fingerprint)
{
	if (model->expected_incident >= 0)
		return model->expected_incident;
	for (size_t i = model->open_count; i-- > 0;) {
		const struct incident_slot *slot = model->incidents[model->open[i]];

		if (incident__is_same_call(slot, event) ||
		    incident__is_same_scope(slot, event, victim) ||
		    !strcmp(slot->incident.fingerprint, fingerprint))
			return model->open[i];
	}
	for (size_t i = model->incident_count; i-- > 0;) {
		const struct incident_slot *slot = model->incidents[i];

		if (is_within(event->header.time_ns, slot->last_kill_ns, model->bounds.storm_ns) &&
		    (incident__is_same_call(slot, event) ||
		     !strcmp(slot->incident.fingerprint, fingerprint)))
			return (long)i;
	}
	return -1;
}

static int incident__open(struct model *model, const struct event_oom_kill *event,
			  const struct process_slot *victim, const char *fingerprint, long *out)
{
	struct incident_slot *slot;
	int error;

	*out = -1;
	if (model->incident_count == INCIDENT_MAX)
		return loss__count(model, LOSS_MODEL_FULL, EVENT_OOM_KILL);
	error = array__reserve(&model->incidents, model->incident_count, &model->incident_capacity,
			       sizeof(struct incident_slot *));
	if (!error)
		error = incident__begin(model, event, victim, &slot);
	if (error)
		return error;
	memcpy(slot->incident.fingerprint, fingerprint, CAUSE_FINGERPRINT_BYTES);
	*out = (long)model->incident_count;
	if (model->open_count == INCIDENT_OPEN_MAX) {
		model->open_count--;
		memmove(model->open, model->open + 1, model->open_count * sizeof(model->open[0]));
	}
	model->open[model->open_count++] = (uint32_t)model->incident_count;
	model->incidents[model->incident_count++] = slot;
	return 0;
}

int incident__on_kill(struct model *model, const struct event_oom_kill *event,
		      struct process_slot *victim, long *out)
{
	struct kill kill = {.time_ns = event->header.time_ns,
			    .class = kill__class_of(event),
			    .target = event->victim.task,
			    .sender = event->trigger.task};
	char fingerprint[CAUSE_FINGERPRINT_BYTES];
	struct incident_slot *slot;
	long index;
	int error;

	error = fingerprint_of(model, event, victim, fingerprint);
	if (error)
		return error;
	index = incident__find(model, event, victim, fingerprint);
	if (index < 0)
		error = incident__open(model, event, victim, fingerprint, &index);
	if (error || index < 0)
		return error;
	slot = model->incidents[index];
	slot->last_trigger = event->trigger.task;
	memcpy(kill.target_comm, event->victim.comm, EVENT_COMM_BYTES);
	memcpy(kill.sender_comm, event->trigger.comm, EVENT_COMM_BYTES);
	error = incident__add_kill(model, slot, &kill, victim,
				   !model__incident_is_open(model, (size_t)index));
	if (!error)
		*out = index;
	return error;
}

int incident__add_sharer(struct model *model, long index, const struct kill *kill,
			 const struct process_slot *victim)
{
	struct incident_slot *slot = model->incidents[index];
	bool later = slot->incident.storm.count && !model__incident_is_open(model, (size_t)index);

	return incident__add_kill(model, slot, kill, victim, later);
}

void incident__count_more(struct model *model, uint64_t kills, uint64_t time_ns)
{
	struct incident_slot *slot;
	struct incident *incident;

	if (model->expected_incident < 0)
		return;
	slot = model->incidents[model->expected_incident];
	incident = &slot->incident;
	if (kills > UINT64_MAX / 2 - incident->kill_omitted)
		kills = UINT64_MAX / 2 - incident->kill_omitted;
	incident->kill_omitted += kills;
	if (time_ns > slot->last_kill_ns)
		slot->last_kill_ns = time_ns;
	incident->storm = (struct incident_storm){
		.count = incident->kill_count + incident->kill_omitted,
		.first_ns = incident->time_ns,
		.last_ns = slot->last_kill_ns,
	};
}

void incident__advance(struct model *model, uint64_t now_ns)
{
	size_t kept = 0;

	for (size_t i = 0; i < model->open_count; i++) {
		const struct incident_slot *slot = model->incidents[model->open[i]];

		if (is_within(now_ns, slot->burst_kill_ns, INCIDENT_AFTER_NS) &&
		    is_within(now_ns, slot->incident.time_ns, INCIDENT_BURST_NS))
			model->open[kept++] = model->open[i];
	}
	model->open_count = kept;
}

/* --- what model.h offers -------------------------------------------------------------------- */

void model__expect_storm(struct model *model, size_t index)
{
	if (index < model->incident_count)
		model->expected_incident = (long)index;
}

long model__last_oom_incident(const struct model *model)
{
	return model->last_oom_incident;
}

bool model__incident_is_open(const struct model *model, size_t index)
{
	for (size_t i = 0; i < model->open_count; i++) {
		if (model->open[i] == index)
			return true;
	}
	return false;
}
