/* SPDX-License-Identifier: GPL-2.0-only */
#include <string.h>

#include "model/state.h"

/* The first clock mapping goes on, which processes from before the recording are dated by, and so
 * many of the latest. */
#define CLOCKS_KEPT 63U

void *move__begin(struct move *move, enum event_kind kind, size_t bytes, uint64_t time_ns)
{
	memset(&move->event, 0, bytes);
	move->event.header = (struct event_header){
		.size_bytes = (uint32_t)bytes, .kind = (uint16_t)kind, .time_ns = time_ns};
	return &move->event;
}

int move__tell(struct move *move)
{
	move->event.header.size_bytes = (move->event.header.size_bytes + 7) & ~7U;
	return move->sink(move->context, &move->event.header);
}

int move__tell_series(struct move *move, enum kept_series_of of, const struct task_ref *task,
		      uint64_t cgroup_id, const struct series *series)
{
	const size_t count = series__count(series);
	struct event_kept_series *event;
	size_t bytes;

	if (!count)
		return 0;
	bytes = count * (1 + series__width(series)) * sizeof(event->rows[0]);
	event = move__begin(move, EVENT_KEPT_SERIES, sizeof(*event),
			    series__time(series, count - 1));
	if (task)
		event->task = *task;
	event->cgroup_id = cgroup_id;
	event->of = of;
	event->thinning = series__thinning(series);
	event->rows_bytes = (uint32_t)bytes;
	event->header.size_bytes += (uint32_t)bytes;
	memcpy(event->rows, series__rows(series), bytes);
	return move__tell(move);
}

int move__tell_again(struct move *move, const struct event_header *event, size_t bytes)
{
	memcpy(&move->event, event, bytes);
	move->event.header.size_bytes = (uint32_t)bytes;
	move->event.header.flags &= (uint16_t)~EVENT_CLOSING;
	return move__tell(move);
}

static int tell_clocks(struct move *move)
{
	const struct model *model = move->model;
	int error = 0;

	for (size_t i = 0; i < model->clock_count && !error; i++) {
		struct event_clock *event;

		if (i && model->clock_count - i > CLOCKS_KEPT)
			continue;
		event = move__begin(move, EVENT_CLOCK, sizeof(*event), model->clocks[i].time_ns);
		event->realtime_offset_ns = model->clocks[i].offset_ns;
		error = move__tell(move);
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
			move__begin(move, EVENT_PROBE, sizeof(*event), model->span.first_ns);

		memcpy(event->capability, probe->capability, sizeof(event->capability));
		memcpy(event->way, probe->way, sizeof(event->way));
		memcpy(event->why, probe->why, sizeof(event->why));
		error = move__tell(move);
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
			move__begin(move, EVENT_PROGRAM, sizeof(*event), model->span.last_ns);

		memcpy(event->name, program->name, sizeof(event->name));
		event->runs = program->runs;
		event->run_ns = program->run_ns;
		error = move__tell(move);
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
			move__begin(move, EVENT_LOSS, sizeof(*event), model->span.last_ns);

		event->reason = model->losses[i].reason;
		event->kind = model->losses[i].kind;
		event->count = model->losses[i].count;
		error = move__tell(move);
	}
	return error ? error
		     : move__tell_series(move, KEPT_SERIES_LOST, NULL, 0, model->lost_series);
}

/* The next model goes on with a walk that is going on. */
static int tell_walk(struct move *move)
{
	const uint64_t walk_ns = move->model->walk_ns;
	struct event_opened *event = move__begin(move, EVENT_OPENED, sizeof(*event), walk_ns);

	event->walk_ns = walk_ns;
	return walk_ns ? move__tell(move) : 0;
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
		move__begin(move, EVENT_OOM_COUNTER, sizeof(*event), move->model->oom_counter_ns);

	event->kills = kills;
	return move__tell(move);
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
		event = move__begin(move, EVENT_MEMINFO, sizeof(*event), model->meminfo_ns);
		event->meminfo = model->meminfo;
		error = move__tell(move);
	}
	if (!error && model->recorder_seen)
		error = move__tell_again(move, &model->recorder.header, sizeof(model->recorder));
	return error ? error : tell_oom_counter(move);
}

/* What was gained counts from the latest reading on. */
int move__tell_pressure(struct move *move)
{
	const struct model *model = move->model;
	int error = 0;

	for (const struct psi_slot *slot = model->psi; slot && !error; slot = slot->hh.next) {
		const struct cgroup_slot *cgroup = cgroup__find(model, slot->cgroup_id);
		struct event_psi *event;

		if (slot->cgroup_id && (!cgroup || !cgroup->kept))
			continue;
		event = move__begin(move, EVENT_PSI, sizeof(*event), slot->last_ns);
		event->cgroup_id = slot->cgroup_id;
		event->some_us = slot->last_some_us;
		event->full_us = slot->last_full_us;
		error = move__tell(move);
	}
	return error;
}

/* What has long been over stays behind. */
static struct kept_hold told_hold(const struct move *move, const struct hold *hold,
				  uint64_t over_ns)
{
	if (!hold->from_ns || (over_ns && !move__is_recent(move, over_ns)))
		return (struct kept_hold){0};
	return (struct kept_hold){
		.from_ns = hold->from_ns,
		.to_ns = hold->to_ns,
		.ended_ns = hold->ended_ns,
		.times = hold->times,
		.usage_bytes = hold->usage_bytes,
		.limit_bytes = hold->limit_bytes,
		.from_first = hold->from_first,
		.memsw = hold->memsw,
	};
}

int move__tell_held(struct move *move, const struct cgroup *cgroup)
{
	const struct held *held = cgroup->held;
	struct event_kept_held *event;

	if (!held)
		return 0;
	event = move__begin(move, EVENT_KEPT_HELD, sizeof(*event), held->looked_ns);
	event->cgroup_id = cgroup->id;
	event->events = held->now;
	event->high = told_hold(move, &held->high, held->high.to_ns);
	event->full = told_hold(move, &held->full, held->full.ended_ns);
	return move__tell(move);
}

int move__tell_recording(struct move *move)
{
	int error = tell_losses(move);

	if (!error)
		error = tell_clocks(move);
	if (!error)
		error = tell_probes(move);
	if (!error)
		error = tell_programs(move);
	if (!error)
		error = tell_walk(move);
	return error ? error : tell_readings(move);
}
