/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "model/model_internal.h"
#include "model/shared_bytes.h"

/*
 * The state block written: a model told as events, for another one to go on from (kept.c).
 *
 * It runs when memory is short: nothing is allocated. What goes on is marked in the model itself,
 * whose index by mm is given up for it: from then on the model can only be told and freed.
 */

/* Events may come late: what could lie in the window of a kill that is still to be told. */
#define LATE_NS     10000000000ULL

/* The first clock mapping goes on, which processes from before the recording are dated by, and so
 * many of the latest. */
#define CLOCKS_KEPT 63U

enum keep {
	KEEP_NOT,
	KEEP_CANDIDATE, /* ended lately */
	KEEP_ANCESTOR,  /* ended long ago, but its descendants are named after it */
	KEEP_WHOLE
};

/* The largest of the events that are put together here. */
#define SERIES_ROWS (EVENT_SERIES_POINTS * (1 + MEMORY_COLUMNS))

struct move {
	struct model *model;
	const struct state_options *options;
	int (*sink)(void *context, const struct event_header *event);
	void *context;
	struct event_state state;
	union {
		struct event_header header;
		struct event_host host;
		struct event_clock clock;
		struct event_probe probe;
		struct event_program program;
		struct event_loss loss;
		struct event_psi psi;
		struct event_meminfo meminfo;
		struct event_oom_counter oom_counter;
		struct event_recorder recorder;
		struct event_signal signal;
		struct event_kept_process process;
		struct event_kept_cgroup cgroup;
		struct event_kept_series series;
		struct event_kept_attach attach;
		char process_bytes[sizeof(struct event_kept_process) + EVENT_ARGV_BYTES];
		char series_bytes[sizeof(struct event_kept_series) + SERIES_ROWS * sizeof(__s64)];
	} event;
};

static uint32_t keep_of(const struct process_slot *slot)
{
	return slot->mm_next;
}

static void set_keep(struct process_slot *slot, enum keep keep)
{
	slot->mm_next = keep;
}

static bool is_since(uint64_t time_ns, uint64_t now_ns, uint64_t span_ns)
{
	return time_ns >= now_ns || now_ns - time_ns <= span_ns;
}

static bool in_window(const struct move *move, uint64_t time_ns)
{
	return is_since(time_ns, move->options->now_ns, INCIDENT_WINDOW_NS + LATE_NS);
}

/* --- who goes on ---------------------------------------------------------------------------- */

/* What a dead process may matter for: how large it was. */
static int64_t weight_of(const struct process_slot *slot)
{
	int64_t weight = memory__footprint(&slot->process.now);

	if (slot->process.peak_rss_bytes > weight)
		weight = slot->process.peak_rss_bytes;
	return weight < 0 ? 0 : weight;
}

static uint32_t count_from(const struct process_table *table, int64_t weight)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < table->count; i++) {
		const struct process_slot *slot = process_table__slot(table, i);

		count += keep_of(slot) == KEEP_CANDIDATE && weight_of(slot) >= weight;
	}
	return count;
}

/* The largest weight that so many candidates have or exceed. No room to sort them is needed. */
static int64_t weight_of_last(const struct process_table *table, uint32_t most)
{
	int64_t low = 0, high = 0;

	for (uint32_t i = 0; i < table->count; i++) {
		const struct process_slot *slot = process_table__slot(table, i);

		if (keep_of(slot) == KEEP_CANDIDATE && weight_of(slot) > high)
			high = weight_of(slot);
	}
	while (low < high) {
		int64_t middle = low + (high - low) / 2 + 1;

		if (count_from(table, middle) >= most)
			low = middle;
		else
			high = middle - 1;
	}
	return low;
}

static void keep_largest(struct move *move)
{
	struct process_table *table = &move->model->processes;
	const uint32_t candidates = count_from(table, 0), most = move->options->dead_max;
	const int64_t last = candidates > most && most ? weight_of_last(table, most) : -1;
	uint32_t left = candidates < most ? candidates : most;
	uint32_t equal = last < 0 ? 0 : left - count_from(table, last + 1);

	for (uint32_t i = 0; i < table->count; i++) {
		struct process_slot *slot = process_table__slot(table, i);
		bool keep = left != 0;

		if (keep_of(slot) != KEEP_CANDIDATE)
			continue;
		/* Of equals those that were first. */
		if (weight_of(slot) < last || (weight_of(slot) == last && !equal))
			keep = false;
		else if (weight_of(slot) == last)
			equal--;
		set_keep(slot, keep ? KEEP_WHOLE : KEEP_NOT);
		left -= keep;
		move->state.forgotten_early += !keep;
	}
}

static void keep_ancestors(struct process_table *table, const struct process_slot *slot)
{
	for (unsigned int depth = 0; slot && depth < ANCESTORS_MAX; depth++) {
		struct process_slot *parent = process_table__find(table, &slot->process.parent);

		if (parent && keep_of(parent) == KEEP_NOT)
			set_keep(parent, KEEP_ANCESTOR);
		slot = parent;
	}
}

static void mark_processes(struct move *move)
{
	struct process_table *table = &move->model->processes;
	const struct state_options *options = move->options;
	uint32_t kept = 0;

	for (uint32_t i = 0; i < table->count; i++) {
		struct process_slot *slot = process_table__slot(table, i);
		uint64_t exit_ns = slot->process.exit_ns;

		if (!exit_ns)
			set_keep(slot, KEEP_WHOLE);
		else if (is_since(exit_ns, options->now_ns, options->keep_dead_ns))
			set_keep(slot, KEEP_CANDIDATE);
		else
			set_keep(slot, KEEP_NOT);
	}
	keep_largest(move);
	for (uint32_t i = 0; i < table->count; i++) {
		struct process_slot *slot = process_table__slot(table, i);

		if (keep_of(slot) == KEEP_WHOLE)
			keep_ancestors(table, slot);
	}
	for (uint32_t i = 0; i < table->count; i++) {
		struct process_slot *slot = process_table__slot(table, i);

		kept += keep_of(slot) != KEEP_NOT;
		move->state.forgotten_series +=
			keep_of(slot) == KEEP_ANCESTOR && slot->process.series;
	}
	move->state.forgotten_processes += table->count - kept;
}

/* The cgroup and those above it, which its path consists of. */
static void keep_cgroup(struct model *model, uint64_t id)
{
	for (unsigned int depth = 0; id && depth <= CGROUP_DEPTH_MAX; depth++) {
		struct cgroup_slot *slot = cgroup__find(model, id);

		if (!slot || slot->kept)
			break;
		slot->kept = true;
		id = slot->cgroup.parent_id;
	}
}

static void mark_cgroups(struct move *move)
{
	const struct state_options *options = move->options;
	struct model *model = move->model;
	uint64_t attaches = model->attach_count < ATTACH_MAX ? model->attach_count : ATTACH_MAX;

	for (uint32_t i = 0; i < model->cgroups.count; i++) {
		const struct cgroup *cgroup = &model->cgroups.slots[i]->cgroup;

		if (!cgroup->gone_ns ||
		    is_since(cgroup->gone_ns, options->now_ns, options->keep_dead_ns))
			keep_cgroup(model, cgroup->id);
	}
	for (uint32_t i = 0; i < model->processes.count; i++) {
		const struct process_slot *slot = process_table__slot(&model->processes, i);

		if (keep_of(slot) != KEEP_NOT)
			keep_cgroup(model, slot->process.cgroup_id);
	}
	for (uint64_t i = 0; i < attaches; i++) {
		if (in_window(move, model->attaches[i].time_ns))
			keep_cgroup(model, model->attaches[i].to_id);
	}
	for (uint32_t i = 0; i < model->cgroups.count; i++)
		move->state.forgotten_cgroups += !model->cgroups.slots[i]->kept;
}

/* --- telling -------------------------------------------------------------------------------- */

static void *begin_event(struct move *move, enum event_kind kind, size_t bytes, uint64_t time_ns)
{
	memset(&move->event, 0, bytes);
	move->event.header = (struct event_header){
		.size_bytes = (uint32_t)bytes, .kind = (uint16_t)kind, .time_ns = time_ns};
	return &move->event;
}

static int tell(struct move *move)
{
	move->event.header.size_bytes = (move->event.header.size_bytes + 7) & ~7U;
	return move->sink(move->context, &move->event.header);
}

static int tell_series(struct move *move, enum kept_series_of of, const struct task_ref *task,
		       uint64_t cgroup_id, const struct series *series)
{
	const size_t count = series__count(series);
	struct event_kept_series *event;
	size_t bytes;

	if (!count)
		return 0;
	bytes = count * (1 + series__width(series)) * sizeof(event->rows[0]);
	event = begin_event(move, EVENT_KEPT_SERIES, sizeof(*event),
			    series__time(series, count - 1));
	if (task)
		event->task = *task;
	event->cgroup_id = cgroup_id;
	event->of = of;
	event->thinning = series__thinning(series);
	event->rows_bytes = (uint32_t)bytes;
	event->header.size_bytes += (uint32_t)bytes;
	memcpy(event->rows, series__rows(series), bytes);
	return tell(move);
}

/* As it came, but for what a longer one may have had behind the fields known here, and without
 * the word that a recording ends. */
static int tell_again(struct move *move, const struct event_header *event, size_t bytes)
{
	memcpy(&move->event, event, bytes);
	move->event.header.size_bytes = (uint32_t)bytes;
	move->event.header.flags &= (uint16_t)~EVENT_CLOSING;
	return tell(move);
}

static int tell_state(struct move *move, uint32_t flags)
{
	move->state.flags = flags;
	return move->sink(move->context, &move->state.header);
}

static int tell_clocks(struct move *move)
{
	const struct model *model = move->model;
	int error = 0;

	for (size_t i = 0; i < model->clock_count && !error; i++) {
		struct event_clock *event;

		if (i && model->clock_count - i > CLOCKS_KEPT)
			continue;
		event = begin_event(move, EVENT_CLOCK, sizeof(*event), model->clocks[i].time_ns);
		event->realtime_offset_ns = model->clocks[i].offset_ns;
		error = tell(move);
	}
	return error;
}

static int tell_probes(struct move *move)
{
	const struct model *model = move->model;
	int error = 0;

	for (size_t i = 0; i < model->probe_count && !error; i++) {
		const struct probe_choice *probe = &model->probes[i];
		struct event_probe *event =
			begin_event(move, EVENT_PROBE, sizeof(*event), model->span.first_ns);

		memcpy(event->capability, probe->capability, sizeof(event->capability));
		memcpy(event->way, probe->way, sizeof(event->way));
		memcpy(event->why, probe->why, sizeof(event->why));
		error = tell(move);
	}
	return error;
}

static int tell_programs(struct move *move)
{
	const struct model *model = move->model;
	int error = 0;

	for (size_t i = 0; i < model->program_count && !error; i++) {
		const struct measured_program *program = &model->programs[i];
		struct event_program *event =
			begin_event(move, EVENT_PROGRAM, sizeof(*event), model->span.last_ns);

		memcpy(event->name, program->name, sizeof(event->name));
		event->runs = program->runs;
		event->run_ns = program->run_ns;
		error = tell(move);
	}
	return error;
}

/* Before anything that could be lost on the way into the next model. */
static int tell_losses(struct move *move)
{
	const struct model *model = move->model;
	int error = 0;

	for (size_t i = 0; i < model->loss_count && !error; i++) {
		struct event_loss *event =
			begin_event(move, EVENT_LOSS, sizeof(*event), model->span.last_ns);

		event->reason = model->losses[i].reason;
		event->kind = model->losses[i].kind;
		event->count = model->losses[i].count;
		error = tell(move);
	}
	return error ? error : tell_series(move, KEPT_SERIES_LOST, NULL, 0, model->lost_series);
}

static uint64_t last_oom_kill_ns(const struct model *model)
{
	for (size_t i = model->kill_count; i--;) {
		if (model->kills[i].class == KILL_OOM)
			return model->kills[i].time_ns;
	}
	return 0;
}

static int tell_oom_count(struct move *move, int64_t kills)
{
	struct event_oom_counter *event =
		begin_event(move, EVENT_OOM_COUNTER, sizeof(*event), move->model->oom_counter_ns);

	event->kills = kills;
	return tell(move);
}

/* Reports hold the kernel's count against the kills they know of. Those stay behind, and so the
 * count begins anew; a reading from before the last of them would have it counted, but not seen. */
static int tell_oom_counter(struct move *move)
{
	const struct model *model = move->model;
	uint64_t kill_ns = last_oom_kill_ns(model);
	int error = 0;

	if (!model->oom_counters || (kill_ns && model->oom_counter_ns <= kill_ns))
		return 0;
	if (model->oom_counters > 1)
		error = tell_oom_count(move,
				       kill_ns ? model->last_oom_kills : model->first_oom_kills);
	return error ? error : tell_oom_count(move, model->last_oom_kills);
}

static int tell_readings(struct move *move)
{
	struct model *model = move->model;
	struct event_meminfo *event;
	int error = 0;

	if (model->meminfo_ns) {
		event = begin_event(move, EVENT_MEMINFO, sizeof(*event), model->meminfo_ns);
		event->meminfo = model->meminfo;
		error = tell(move);
	}
	if (!error && model->recorder_seen)
		error = tell_again(move, &model->recorder.header, sizeof(model->recorder));
	return error ? error : tell_oom_counter(move);
}

/* What was gained counts from the latest reading on. */
static int tell_pressure(struct move *move)
{
	const struct model *model = move->model;
	int error = 0;

	for (const struct psi_slot *slot = model->psi; slot && !error; slot = slot->hh.next) {
		const struct cgroup_slot *cgroup = cgroup__find(model, slot->cgroup_id);
		struct event_psi *event;

		if (slot->cgroup_id && (!cgroup || !cgroup->kept))
			continue;
		event = begin_event(move, EVENT_PSI, sizeof(*event), slot->last_ns);
		event->cgroup_id = slot->cgroup_id;
		event->some_us = slot->last_some_us;
		event->full_us = slot->last_full_us;
		error = tell(move);
	}
	return error;
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
		begin_event(move, EVENT_KEPT_CGROUP, sizeof(*event), cgroup->seen_ns);
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
	error = tell(move);
	if (!error)
		error = tell_series(move, KEPT_SERIES_CGROUP, NULL, cgroup->id, cgroup->series);
	if (!error)
		error = tell_series(move, KEPT_SERIES_FAILURES, NULL, cgroup->id, slot->failures);
	return error;
}

static int tell_cgroups(struct move *move)
{
	struct model *model = move->model;
	int error = 0;

	if (model->reclaim.count) {
		struct event_kept_cgroup *event =
			begin_event(move, EVENT_KEPT_CGROUP, sizeof(*event), model->span.first_ns);

		put_reclaim(event, &model->reclaim);
		error = tell(move);
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
	/* begin_event() has cleared the fixed part only, and the end is padded. */
	memset(event->argv, 0, ((size_t)process->argv_bytes + 7) & ~(size_t)7);
	memcpy(event->argv, process->argv, process->argv_bytes);
}

static int tell_process(struct move *move, const struct process_slot *slot, uint32_t index)
{
	const struct process *process = &slot->process;
	struct event_kept_process *event =
		begin_event(move, EVENT_KEPT_PROCESS, sizeof(*event), process->seen_ns);
	int error;

	event->process = state_of(process);
	event->first = process->first;
	event->exec_ns = process->exec_ns;
	event->exit_ns = process->exit_ns;
	event->peak_rss_bytes = process->peak_rss_bytes;
	event->exit_code = process->exit_code;
	event->kept_flags = (process->born_here ? KEPT_BORN_HERE : 0) |
			    (process->exit_lost ? KEPT_EXIT_LOST : 0) |
			    (process->killed ? KEPT_KILLED : 0) |
			    (process->oom_killed ? KEPT_OOM_KILLED : 0);
	put_argv(move, event, process, index);
	error = tell(move);
	if (error || keep_of(slot) != KEEP_WHOLE)
		return error;
	return tell_series(move, KEPT_SERIES_PROCESS, &process->task, 0, process->series);
}

static int tell_processes(struct move *move)
{
	struct model *model = move->model;
	int error = 0;

	for (uint32_t i = 0; i < model->processes.count && !error; i++) {
		struct process_slot *slot = process_table__slot(&model->processes, i);

		if (keep_of(slot) != KEEP_NOT)
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

		if (!in_window(move, attach->time_ns))
			continue;
		event = begin_event(move, EVENT_KEPT_ATTACH, sizeof(*event), attach->time_ns);
		event->task = attach->task;
		event->from_id = attach->from_id;
		event->to_id = attach->to_id;
		error = tell(move);
	}
	return error;
}

/* --- kills ---------------------------------------------------------------------------------- */

static int tell_signal(struct move *move, const struct held_signal *signal, bool from_kernel)
{
	const struct process_slot *target =
		process_table__find(&move->model->processes, &signal->target);
	struct event_signal *event;

	if (!target || keep_of(target) == KEEP_NOT)
		return 0;
	event = begin_event(move, EVENT_SIGNAL, sizeof(*event), signal->time_ns);
	event->sender = signal->sender;
	event->target = signal->target;
	event->signal = SIGKILL;
	event->from_kernel = from_kernel;
	memcpy(event->sender_comm, signal->sender_comm, sizeof(event->sender_comm));
	memcpy(event->target_comm, signal->target_comm, sizeof(event->target_comm));
	return tell(move);
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
		};

		if ((kill->class != KILL_SIGNAL && kill->class != KILL_KERNEL) ||
		    !in_window(move, kill->time_ns))
			continue;
		memcpy(signal.sender_comm, kill->sender_comm, sizeof(signal.sender_comm));
		memcpy(signal.target_comm, kill->target_comm, sizeof(signal.target_comm));
		error = tell_signal(move, &signal, kill->class == KILL_KERNEL);
	}
	for (size_t i = 0; i < model->held_count && !error; i++)
		error = tell_signal(move, &model->held[i], true);
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
		tell_losses,  tell_clocks,    tell_probes,   tell_programs, tell_readings,
		tell_cgroups, tell_processes, tell_attaches, tell_signals,  tell_pressure,
	};
	struct move move = {
		.model = model,
		.options = options,
		.sink = sink,
		.context = context,
		.state = next_state(model, options),
	};
	int error = 0;

	mark_processes(&move);
	mark_cgroups(&move);
	if (model->host_seen)
		error = tell_again(&move, &model->host.header, sizeof(model->host));
	if (!error)
		error = tell_state(&move, STATE_BEGINS);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]) && !error; i++)
		error = parts[i](&move);
	return error ? error : tell_state(&move, STATE_ENDS);
}

/* Beside what is counted: a rough figure for each of what is small or rare. */
#define CGROUP_BYTES   (sizeof(struct cgroup_slot) + 256)
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
	       model->clock_capacity * sizeof(struct clock_mapping);
}

uint32_t model__processes_alive(const struct model *model)
{
	return model->processes.alive;
}

size_t model__open_incidents(const struct model *model)
{
	return model->open_count;
}

const struct event_state *model__state(const struct model *model)
{
	return model->state_seen ? &model->state : NULL;
}

bool model__is_restoring(const struct model *model)
{
	return model->restoring;
}
