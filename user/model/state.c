/* SPDX-License-Identifier: GPL-2.0-only */
#include <signal.h>
#include <string.h>

#include "model/shared_bytes.h"
#include "model/state.h"

/*
 * The state block written: a model told as events, for another one to go on from (kept.c).
 *
 * It runs when memory is short: nothing is allocated. What goes on is marked in the model itself,
 * whose index by mm is given up for it: from then on the model can only be told and freed.
 */

static int tell_state(struct move *move, uint32_t flags)
{
	move->state.flags = flags;
	return move->sink(move->context, &move->state.header);
}

/* --- cgroups -------------------------------------------------------------------------------- */

static void put_reclaim(struct event_kept_cgroup *event, const struct reclaim_history *history)
{
	for (size_t i = 0; history && i < history->count; i++) {
		const struct reclaim_episode *episode = &history->episodes[i];

		event->reclaims[event->reclaim_count++] = (struct kept_reclaim){
			.first_ns = episode->first_ns,
			.last_ns = episode->last_ns,
			.stall_ns = episode->stall_ns,
			.reclaimed_bytes = episode->reclaimed_bytes,
			.runs = episode->runs,
		};
	}
}

static void put_limits(struct event_kept_cgroup *event, const struct limit_history *history)
{
	for (size_t i = 0; history && i < history->count; i++) {
		const struct limit_change *change = &history->changes[i];

		event->limits[event->limit_count++] = (struct kept_limit){
			.time_ns = change->time_ns,
			.from_bytes = change->from_bytes,
			.to_bytes = change->to_bytes,
			.high = change->high,
		};
	}
}

static int tell_cgroup(struct move *move, const struct cgroup_slot *slot)
{
	const struct cgroup *cgroup = &slot->cgroup;
	struct event_kept_cgroup *event =
		move__begin(move, EVENT_KEPT_CGROUP, sizeof(*event), cgroup->seen_ns);
	int error;

	event->cgroup_id = cgroup->id;
	event->parent_id = cgroup->parent_id;
	event->gone_ns = cgroup->gone_ns;
	event->stat_ns = cgroup->stat_ns;
	event->peak_usage_bytes = cgroup->peak_usage_bytes;
	event->first = cgroup->first;
	event->now = cgroup->now;
	event->stat = cgroup->stat;
	event->flags = (slot->named ? KEPT_NAMED : 0) | (slot->counted ? KEPT_COUNTED : 0);
	put_limits(event, slot->limits);
	put_reclaim(event, slot->reclaim);
	memcpy(event->name, cgroup->name, strnlen(cgroup->name, sizeof(event->name)));
	error = move__tell(move);
	if (!error)
		error = move__tell_series(move, KEPT_SERIES_CGROUP, NULL, cgroup->id,
					  cgroup->series);
	if (!error)
		error = move__tell_series(move, KEPT_SERIES_FAILURES, NULL, cgroup->id,
					  slot->failures);
	return error ? error : move__tell_held(move, cgroup);
}

static int tell_cgroups(struct move *move)
{
	struct model *model = move->model;
	int error = 0;

	if (model->reclaim.count) {
		struct event_kept_cgroup *event =
			move__begin(move, EVENT_KEPT_CGROUP, sizeof(*event), model->span.first_ns);

		put_reclaim(event, &model->reclaim);
		error = move__tell(move);
	}
	for (uint32_t i = 0; i < model->cgroups.count && !error; i++) {
		struct cgroup_slot *slot = model->cgroups.slots[i];

		if (slot->kept)
			error = tell_cgroup(move, slot);
		cgroup__free_contents(model, slot);
	}
	return error;
}

/* --- processes ------------------------------------------------------------------------------ */

static struct process_state state_of(const struct process *process)
{
	struct process_state state = {
		.task = process->task,
		.parent = process->parent,
		.mm_id = process->mm_id,
		.cgroup_id = process->cgroup_id,
		.uid = process->uid,
		.ns_pid = process->ns_pid,
		.oom_score_adj = process->oom_score_adj,
		.memory = process->now,
	};

	memcpy(state.comm, process->comm, sizeof(state.comm));
	return state;
}

/* A command line that many share is told by the first of them. */
static void put_argv(struct move *move, struct event_kept_process *event,
		     const struct process *process, uint32_t index)
{
	uint32_t first = process->argv ? shared_bytes__marked(process->argv) : 0;

	event->argv_flags = process->argv_flags;
	if (!process->argv)
		return;
	if (first) {
		event->argv_of =
			process_table__slot(&move->model->processes, first - 1)->process.task;
		return;
	}
	shared_bytes__mark(process->argv, index + 1);
	event->kept_flags |= KEPT_ARGV;
	event->argv_bytes = process->argv_bytes;
	event->header.size_bytes += process->argv_bytes;
	/* move__begin() has cleared the fixed part only, and the end is padded. */
	memset(event->argv, 0, ((size_t)process->argv_bytes + 7) & ~(size_t)7);
	memcpy(event->argv, process->argv, process->argv_bytes);
}

static int tell_process(struct move *move, const struct process_slot *slot, uint32_t index)
{
	const struct process *process = &slot->process;
	struct event_kept_process *event =
		move__begin(move, EVENT_KEPT_PROCESS, sizeof(*event), process->seen_ns);
	int error;

	event->process = state_of(process);
	event->first = process->first;
	event->exec_ns = process->exec_ns;
	event->exit_ns = process->exit_ns;
	event->peak_rss_bytes = process->peak_rss_bytes;
	event->exit_code = process->exit_code;
	event->kept_flags =
		(process->born_here ? KEPT_BORN_HERE : 0) |
		(process->exit_lost ? KEPT_EXIT_LOST : 0) | (process->killed ? KEPT_KILLED : 0) |
		(process->oom_killed ? KEPT_OOM_KILLED : 0) |
		(move->model->walk_ns && walk__has_met(move->model, slot) ? KEPT_MET : 0);
	put_argv(move, event, process, index);
	error = move__tell(move);
	if (error || process__keep(slot) != KEEP_WHOLE)
		return error;
	return move__tell_series(move, KEPT_SERIES_PROCESS, &process->task, 0, process->series);
}

static int tell_processes(struct move *move)
{
	struct model *model = move->model;
	int error = 0;

	for (uint32_t i = 0; i < model->processes.count && !error; i++) {
		struct process_slot *slot = process_table__slot(&model->processes, i);

		if (process__keep(slot) != KEEP_NOT)
			error = tell_process(move, slot, i);
		process__drop_argv(model, slot);
		series__free(slot->process.series);
		slot->process.series = NULL;
	}
	return error;
}

static int tell_attaches(struct move *move)
{
	const struct model *model = move->model;
	uint64_t kept = model->attach_count < ATTACH_MAX ? model->attach_count : ATTACH_MAX;
	int error = 0;

	for (uint64_t i = model->attach_count - kept; i < model->attach_count && !error; i++) {
		const struct attach_record *attach = &model->attaches[i % ATTACH_MAX];
		struct event_kept_attach *event;

		if (!move__is_recent(move, attach->time_ns))
			continue;
		event = move__begin(move, EVENT_KEPT_ATTACH, sizeof(*event), attach->time_ns);
		event->task = attach->task;
		event->from_id = attach->from_id;
		event->to_id = attach->to_id;
		error = move__tell(move);
	}
	return error;
}

/* --- kills ---------------------------------------------------------------------------------- */

static int tell_signal(struct move *move, const struct held_signal *signal)
{
	const struct process_slot *target =
		process_table__find(&move->model->processes, &signal->target);
	struct event_signal *event;

	if (!target || process__keep(target) == KEEP_NOT)
		return 0;
	event = move__begin(move, EVENT_SIGNAL, sizeof(*event), signal->time_ns);
	event->sender = signal->sender;
	event->target = signal->target;
	event->signal = SIGKILL;
	event->flags = signal->flags;
	memcpy(event->sender_comm, signal->sender_comm, sizeof(event->sender_comm));
	memcpy(event->target_comm, signal->target_comm, sizeof(event->target_comm));
	return move__tell(move);
}

static int tell_signals(struct move *move)
{
	const struct model *model = move->model;
	int error = 0;

	for (size_t i = 0; i < model->kill_count && !error; i++) {
		const struct kill *kill = &model->kills[i];
		struct held_signal signal = {
			.time_ns = kill->time_ns,
			.sender = kill->sender,
			.target = kill->target,
			.flags = kill->flags,
		};

		if ((kill->class != KILL_SIGNAL && kill->class != KILL_KERNEL) ||
		    !move__is_recent(move, kill->time_ns))
			continue;
		memcpy(signal.sender_comm, kill->sender_comm, sizeof(signal.sender_comm));
		memcpy(signal.target_comm, kill->target_comm, sizeof(signal.target_comm));
		error = tell_signal(move, &signal);
	}
	for (size_t i = 0; i < model->held_count && !error; i++)
		error = tell_signal(move, &model->held[i]);
	return error;
}

/* --- what model.h offers -------------------------------------------------------------------- */

struct event_state model__first_state(const struct state_options *options)
{
	return (struct event_state){
		.header = {.size_bytes = sizeof(struct event_state),
			   .kind = EVENT_STATE,
			   .time_ns = options->now_ns},
		.chunk = options->chunk,
		.processes_max = options->processes_max,
		.series_max_bytes = options->series_max_bytes,
		.argv_max_bytes = options->argv_max_bytes,
		.storm_ns = options->storm_ns,
	};
}

/* The counts go on from what was left behind before. */
static struct event_state next_state(const struct model *model, const struct state_options *options)
{
	const struct event_state *former = &model->state;
	struct event_state state = model__first_state(options);

	state.first_ns = model->span.first_ns;
	state.last_ns = model->span.last_ns;
	state.opened_ns = model->span.opened_ns;
	state.events = model->span.events;
	state.late_events = model->span.late_events;
	state.forgotten_processes = former->forgotten_processes;
	state.forgotten_early = former->forgotten_early;
	state.forgotten_cgroups = former->forgotten_cgroups;
	state.forgotten_series = former->forgotten_series;
	return state;
}

int model__move_out(struct model *model, const struct state_options *options,
		    int (*sink)(void *context, const struct event_header *event), void *context)
{
	static int (*const parts[])(struct move * move) = {
		move__tell_recording, tell_cgroups, tell_processes,      move__tell_growth,
		tell_attaches,        tell_signals, move__tell_pressure,
	};
	struct move move = {
		.model = model,
		.options = options,
		.sink = sink,
		.context = context,
		.state = next_state(model, options),
	};
	int error = 0, end_error;

	move__mark(&move);
	if (model->host_seen)
		error = move__tell_again(&move, &model->host.header, sizeof(model->host));
	if (!error)
		error = tell_state(&move, STATE_BEGINS);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]) && !error; i++)
		error = parts[i](&move);
	/* Whoever knows less goes on all the same: nobody may take the future for the past. */
	end_error = tell_state(&move, STATE_ENDS);
	return error ? error : end_error;
}

/* Beside what is counted: a rough figure for each of what is small or rare. */
#define CGROUP_BYTES   (sizeof(struct cgroup_slot) + sizeof(struct held) + 256)
#define INCIDENT_BYTES (sizeof(struct incident_slot) + INCIDENT_PROCESSES * sizeof(struct party))

size_t model__bytes(const struct model *model)
{
	const struct process_table *table = &model->processes;

	return sizeof(*model) +
	       (size_t)table->chunk_count * PROCESS_CHUNK * sizeof(struct process_slot) +
	       (size_t)table->buckets * 2 * sizeof(uint32_t) + table->argv_bytes +
	       table->series_bytes + model->cgroups.count * CGROUP_BYTES +
	       model->psi_count * (sizeof(struct psi_slot) + 32) +
	       model->kill_capacity * sizeof(struct kill) +
	       model->held_capacity * sizeof(struct held_signal) +
	       model->incident_count * INCIDENT_BYTES +
	       model->clock_capacity * sizeof(struct clock_mapping) + definitions__bytes(model) +
	       growth__heap_bytes(model);
}

const struct event_state *model__state(const struct model *model)
{
	return model->state_seen ? &model->state : NULL;
}

bool model__is_restoring(const struct model *model)
{
	return model->restoring;
}
