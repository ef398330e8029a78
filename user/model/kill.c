/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "model/model_internal.h"

/* Kills looked at, from the newest back, when one is to be matched with another. */
#define RECENT_MAX 4096U

static bool same_process(const struct task_ref *a, const struct task_ref *b)
{
	return a->pid == b->pid && a->start_ns == b->start_ns;
}

static bool same_thread(const struct task_ref *a, const struct task_ref *b)
{
	return a->tid == b->tid && same_process(a, b);
}

static uint64_t apart(uint64_t a, uint64_t b)
{
	return a < b ? b - a : a - b;
}

/* The newest kill by the OOM killer, of this process or with this class, that `matches`. */
static struct kill *kill__find_recent(struct model *model,
				      bool (*matches)(struct model *model, const struct kill *kill,
						      const struct held_signal *signal),
				      const struct held_signal *signal)
{
	for (size_t i = 0; i < model->kill_count && i < RECENT_MAX; i++) {
		struct kill *kill = &model->kills[model->kill_count - 1 - i];

		if (kill->time_ns < signal->time_ns &&
		    signal->time_ns - kill->time_ns > SIGKILL_HELD_NS)
			break;
		if (kill->class == KILL_OOM && matches(model, kill, signal))
			return kill;
	}
	return NULL;
}

static bool matches_target(struct model *model, const struct kill *kill,
			   const struct held_signal *signal)
{
	(void)model;
	return same_process(&kill->target, &signal->target) &&
	       apart(kill->time_ns, signal->time_ns) <= SIGKILL_HELD_NS;
}

/* The kernel goes on from the victim to whoever else runs on its memory. */
static bool matches_sharer(struct model *model, const struct kill *kill,
			   const struct held_signal *signal)
{
	const struct process_slot *victim, *sharer;

	if (kill->time_ns > signal->time_ns || signal->time_ns - kill->time_ns > SIGKILL_HELD_NS ||
	    !same_thread(&kill->sender, &signal->sender))
		return false;
	victim = process_table__find(&model->processes, &kill->target);
	sharer = process_table__find(&model->processes, &signal->target);
	return victim && sharer && victim->process.mm_id &&
	       victim->process.mm_id == sharer->process.mm_id;
}

static bool kill__is_oom(const struct kill *kill)
{
	return kill->class == KILL_OOM || kill->class == KILL_OOM_SHARED_MM ||
	       kill->class == KILL_OOM_EXITING;
}

/* Its incident may have no room for it either: one kill is one loss. */
static int kill__leave_out(struct model *model, const struct kill *kill)
{
	if (!kill__is_oom(kill))
		return loss__count(model, LOSS_MODEL_FULL, EVENT_SIGNAL);
	if (kill->incident >= 0 && model->incidents[kill->incident]->incident.kill_omitted)
		return 0;
	return loss__count(model, LOSS_MODEL_FULL, EVENT_OOM_KILL);
}

/* Keeps the kills in order of time; those of one time as they came. Anybody may send SIGKILL a
 * million times: that must not cost an OOM kill. */
static int kill__add(struct model *model, const struct kill *kill)
{
	struct process_slot *target = process_table__find(&model->processes, &kill->target);
	const size_t most = kill__is_oom(kill) ? KILL_MAX : KILL_SIGNALS_MAX;
	size_t at = model->kill_count;
	int error = 0;

	if (at < most)
		error = array__reserve(&model->kills, at, &model->kill_capacity, sizeof(*kill));
	if (error)
		return error; /* not marked: it may be told again, to a model with more room */
	if (target)
		target->process.killed = true;
	if (target && kill__is_oom(kill))
		target->process.oom_killed = true;
	if (at >= most)
		return kill__leave_out(model, kill);
	while (at && model->kills[at - 1].time_ns > kill->time_ns)
		at--;
	memmove(&model->kills[at + 1], &model->kills[at], (model->kill_count - at) * sizeof(*kill));
	model->kills[at] = *kill;
	model->kill_count++;
	return 0;
}

static struct kill kill__from_signal(const struct held_signal *signal, enum kill_class class)
{
	struct kill kill = {
		.time_ns = signal->time_ns,
		.class = class,
		.target = signal->target,
		.sender = signal->sender,
		.flags = signal->flags,
		.incident = -1,
	};

	memcpy(kill.target_comm, signal->target_comm, EVENT_COMM_BYTES);
	memcpy(kill.sender_comm, signal->sender_comm, EVENT_COMM_BYTES);
	return kill;
}

static int kill__judge_first(struct model *model, size_t count)
{
	int error = 0;

	for (size_t i = 0; i < count && !error; i++) {
		struct kill kill = kill__from_signal(&model->held[i], KILL_KERNEL);

		error = kill__add(model, &kill);
	}
	model->held_count -= count;
	memmove(model->held, model->held + count, model->held_count * sizeof(model->held[0]));
	return error;
}

int kill__judge_all(struct model *model)
{
	return model->held_count ? kill__judge_first(model, model->held_count) : 0;
}

int kill__advance(struct model *model, uint64_t now_ns)
{
	size_t count = 0;

	while (count < model->held_count && now_ns > model->held[count].time_ns &&
	       now_ns - model->held[count].time_ns > SIGKILL_HELD_NS)
		count++;
	return count ? kill__judge_first(model, count) : 0;
}

static int kill__hold(struct model *model, const struct held_signal *signal)
{
	int error = 0;

	if (model->held_count == HELD_SIGNALS_MAX)
		error = kill__judge_first(model, HELD_SIGNALS_MAX / 2);
	if (!error)
		error = array__reserve(&model->held, model->held_count, &model->held_capacity,
				       sizeof(*signal));
	if (error)
		return error;
	model->held[model->held_count++] = *signal;
	return 0;
}

static int kill__add_sharer(struct model *model, const struct kill *oom_kill,
			    const struct held_signal *signal)
{
	struct process_slot *slot = process_table__find(&model->processes, &signal->target);
	struct kill kill = kill__from_signal(signal, KILL_OOM_SHARED_MM);
	int error;

	kill.incident = oom_kill->incident;
	error = kill__add(model, &kill);
	if (error || kill.incident < 0)
		return error;
	return incident__add_sharer(model, kill.incident, &kill, slot);
}

static int kill__from_user(struct model *model, const struct held_signal *signal)
{
	struct kill kill = kill__from_signal(signal, KILL_SIGNAL);
	int error = kill__add(model, &kill);

	return error ? error : incident__note_signal(model, &kill);
}

/* What its details say: by whom it comes is who ran then, and that may mean nothing. */
static uint32_t flags_of_code(const struct held_signal *signal, int32_t code)
{
	if (signal->flags & SIGNAL_FROM_KERNEL)
		return 0;
	switch (code) {
	case SI_USER:
	case SI_TKILL:
	case SI_QUEUE:
		return 0;
	case SI_KERNEL:
		return SIGNAL_FORCED;
	default:
		return SIGNAL_ASYNC;
	}
}

int kill__on_signal(struct model *model, const struct event_header *event)
{
	const struct event_signal *sent = (const struct event_signal *)event;
	struct held_signal signal = {
		.time_ns = event->time_ns,
		.sender = sent->sender,
		.target = sent->target,
		.flags = sent->flags,
	};
	struct process_slot *target;
	struct kill *oom_kill;
	int error;

	if (sent->signal != SIGKILL || sent->result || !sent->target.pid)
		return 0;
	memcpy(signal.sender_comm, sent->sender_comm, EVENT_COMM_BYTES);
	memcpy(signal.target_comm, sent->target_comm, EVENT_COMM_BYTES);
	error = process__reach(model, &sent->target, event->time_ns, sent->target_comm, &target);
	if (error)
		return error;
	signal.flags |= flags_of_code(&signal, sent->code);
	if (!(signal.flags & SIGNAL_FROM_KERNEL))
		return kill__from_user(model, &signal);
	if (kill__find_recent(model, matches_target, &signal))
		return 0;
	oom_kill = kill__find_recent(model, matches_sharer, &signal);
	return oom_kill ? kill__add_sharer(model, oom_kill, &signal) : kill__hold(model, &signal);
}

/* Signals already held that this kill explains: the victim's own, and with events out of order
 * those to the processes on its memory. */
static int kill__claim_held(struct model *model, const struct kill *kill)
{
	size_t kept = 0;
	int error = 0;

	for (size_t i = 0; i < model->held_count; i++) {
		struct held_signal signal = model->held[i];

		if (matches_target(model, kill, &signal))
			continue;
		if (!error && matches_sharer(model, kill, &signal)) {
			error = kill__add_sharer(model, kill, &signal);
			continue;
		}
		model->held[kept++] = signal;
	}
	model->held_count = kept;
	return error;
}

/* The event is the latest word on the victim, the trigger and the full level. */
static int kill__learn(struct model *model, const struct event_oom_kill *event,
		       struct process_slot **victim)
{
	uint64_t time_ns = event->header.time_ns;
	struct process_slot *trigger;
	struct cgroup_slot *domain;
	int error;

	error = process__learn(model, &event->victim, time_ns, victim);
	if (!error && event->trigger.task.pid &&
	    !same_process(&event->trigger.task, &event->victim.task))
		error = process__learn(model, &event->trigger, time_ns, &trigger);
	if (error || !event->domain_cgroup_id || event->domain.usage_bytes < 0)
		return error;
	error = cgroup__reach(model, event->domain_cgroup_id, time_ns, &domain);
	if (error || !domain)
		return error;
	return cgroup__set_counters(model, domain, time_ns, &event->domain);
}

enum kill_class kill__class_of(const struct event_oom_kill *event)
{
	return event->victim.flags & PROCESS_EXITING ? KILL_OOM_EXITING : KILL_OOM;
}

int kill__on_oom_kill(struct model *model, const struct event_header *header)
{
	const struct event_oom_kill *event = (const struct event_oom_kill *)header;
	struct kill kill = {
		.time_ns = header->time_ns,
		.class = kill__class_of(event),
		.target = event->victim.task,
		.sender = event->trigger.task,
		.incident = -1,
	};
	struct process_slot *victim = NULL;
	int error;

	model->last_oom_incident = -1;
	error = kill__learn(model, event, &victim);
	if (error || !event->victim.task.pid)
		return error;
	/* The kernel marks once per thread: a second thread of a process that is dying already,
	 * when it asks for memory itself. That is no second kill. */
	if (victim && victim->process.oom_killed)
		return 0;
	memcpy(kill.target_comm, event->victim.comm, EVENT_COMM_BYTES);
	memcpy(kill.sender_comm, event->trigger.comm, EVENT_COMM_BYTES);
	if (victim) {
		error = incident__on_kill(model, event, victim, &kill.incident);
		if (error)
			return error;
		model->last_oom_incident = kill.incident;
	}
	error = kill__add(model, &kill);
	return error ? error : kill__claim_held(model, &kill);
}

/* --- what model.h offers -------------------------------------------------------------------- */

size_t model__kill_count(const struct model *model)
{
	return model->kill_count;
}

const struct kill *model__kill(const struct model *model, size_t index)
{
	return &model->kills[index];
}
