/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/model_internal.h"

static int host__map_clock(struct model *model, uint64_t time_ns, int64_t offset_ns)
{
	int error;

	if (model->clock_count && model->clocks[model->clock_count - 1].offset_ns == offset_ns)
		return 0;
	if (model->clock_count == CLOCK_MAX)
		return loss__count(model, LOSS_MODEL_FULL, EVENT_CLOCK);
	error = array__reserve(&model->clocks, model->clock_count, &model->clock_capacity,
			       sizeof(struct clock_mapping));
	if (error)
		return error;
	if (model->clock_count && time_ns < model->clocks[model->clock_count - 1].time_ns)
		time_ns = model->clocks[model->clock_count - 1].time_ns;
	model->clocks[model->clock_count++] = (struct clock_mapping){time_ns, offset_ns};
	return 0;
}

#define CPUS_MAX 65536

/* Whatever a recording says: sums of these must not overflow. */
static uint64_t size__normal(uint64_t bytes)
{
	return bytes > BYTES_MAX ? BYTES_MAX : bytes;
}

int host__on_host(struct model *model, const struct event_header *event)
{
	const struct event_host *host = (const struct event_host *)event;

	if (!model->host_seen) {
		memcpy(&model->host, host, sizeof(model->host));
		model->host.memory_bytes = size__normal(host->memory_bytes);
		model->host.swap_bytes = size__normal(host->swap_bytes);
		model->host.step_bytes = size__normal(host->step_bytes);
		model->host.rest_error_bytes = size__normal(host->rest_error_bytes);
		model->host.cpus = host->cpus < CPUS_MAX ? host->cpus : CPUS_MAX;
		model->host_seen = true;
	}
	return host__map_clock(model, event->time_ns, host->realtime_offset_ns);
}

int host__on_clock(struct model *model, const struct event_header *event)
{
	return host__map_clock(model, event->time_ns,
			       ((const struct event_clock *)event)->realtime_offset_ns);
}

static struct probe_choice *host__find_probe(const struct model *model,
					     const struct event_probe *probe)
{
	for (size_t i = 0; i < model->probe_count; i++) {
		if (!strncmp(model->probes[i].capability, probe->capability,
			     sizeof(probe->capability)))
			return &model->probes[i];
	}
	return NULL;
}

int host__on_probe(struct model *model, const struct event_header *event)
{
	const struct event_probe *probe = (const struct event_probe *)event;
	struct probe_choice *choice = host__find_probe(model, probe);
	int error;

	if (!choice) {
		if (model->probe_count == PROBE_MAX)
			return loss__count(model, LOSS_MODEL_FULL, EVENT_PROBE);
		error = array__reserve(&model->probes, model->probe_count, &model->probe_capacity,
				       sizeof(struct probe_choice));
		if (error)
			return error;
		choice = &model->probes[model->probe_count++];
	}
	*choice = (struct probe_choice){0};
	memcpy(choice->capability, probe->capability, sizeof(probe->capability));
	memcpy(choice->way, probe->way, sizeof(probe->way));
	memcpy(choice->why, probe->why, sizeof(probe->why));
	return 0;
}

int host__on_opened(struct model *model, const struct event_header *event)
{
	const struct event_opened *opened = (const struct event_opened *)event;
	uint64_t walk_ns = event->size_bytes < sizeof(*opened) ? 0 : opened->walk_ns;

	if (walk_ns && walk_ns == event->time_ns)
		walk__begin(model, walk_ns);
	else if (walk_ns && walk_ns == model->walk_ns)
		walk__end(model);
	else if (!walk_ns && !model->span.opened_ns)
		model->span.opened_ns = event->time_ns ? event->time_ns : 1;
	return 0;
}

int host__on_psi(struct model *model, const struct event_header *event)
{
	const struct event_psi *psi = (const struct event_psi *)event;
	struct psi_slot *slot;
	uint64_t id = psi->cgroup_id;

	if (psi->some_us < 0)
		return 0;
	HASH_FIND(hh, model->psi, &id, sizeof(id), slot);
	if (!slot) {
		if (model->psi_count == CGROUP_MAX)
			return loss__count(model, LOSS_MODEL_FULL, EVENT_PSI);
		slot = calloc(1, sizeof(*slot));
		if (!slot)
			return -ENOMEM;
		slot->cgroup_id = id;
		slot->first_ns = event->time_ns;
		slot->first_some_us = psi->some_us;
		slot->first_full_us = psi->full_us < 0 ? EVENT_UNKNOWN : psi->full_us;
		HASH_ADD(hh, model->psi, cgroup_id, sizeof(slot->cgroup_id), slot);
		if (!slot->hh.tbl) {
			free(slot);
			return -ENOMEM;
		}
		model->psi_count++;
	}
	slot->last_ns = event->time_ns;
	slot->last_some_us = psi->some_us;
	slot->last_full_us = psi->full_us < 0 ? EVENT_UNKNOWN : psi->full_us;
	return 0;
}

int host__on_meminfo(struct model *model, const struct event_header *event)
{
	const struct event_meminfo *meminfo = (const struct event_meminfo *)event;

#define X(field, key) model->meminfo.field##_bytes = bytes__normal(meminfo->meminfo.field##_bytes);
	MEMINFO(X)
#undef X
	model->meminfo_ns = event->time_ns ? event->time_ns : 1;
	incident__note_meminfo(model);
	return 0;
}

int host__on_oom_counter(struct model *model, const struct event_header *event)
{
	int64_t kills = bytes__normal(((const struct event_oom_counter *)event)->kills);

	if (kills < 0)
		return 0;
	if (!model->oom_counters)
		model->first_oom_kills = kills;
	model->last_oom_kills = kills;
	model->oom_counter_ns = event->time_ns ? event->time_ns : 1;
	if (model->oom_counters < 2)
		model->oom_counters++;
	return 0;
}

int host__on_recorder(struct model *model, const struct event_header *event)
{
	memcpy(&model->recorder, event, sizeof(model->recorder));
	/* Told again at the start of a chunk, it closes nothing. */
	model->recorder.header.flags &= (uint16_t)~EVENT_CLOSING;
	model->recorder_seen = true;
	model->closed |= (event->flags & EVENT_CLOSING) != 0;
	return 0;
}

int host__on_program(struct model *model, const struct event_header *event)
{
	const struct event_program *told = (const struct event_program *)event;
	struct measured_program cost = {.runs = told->runs, .run_ns = told->run_ns};
	int error;

	memcpy(cost.name, told->name, sizeof(told->name));
	for (size_t i = 0; i < model->program_count; i++) {
		if (!strcmp(model->programs[i].name, cost.name)) {
			model->programs[i] = cost;
			return 0;
		}
	}
	if (model->program_count == PROGRAM_MAX)
		return loss__count(model, LOSS_MODEL_FULL, EVENT_PROGRAM);
	error = array__reserve(&model->programs, model->program_count, &model->program_capacity,
			       sizeof(cost));
	if (!error)
		model->programs[model->program_count++] = cost;
	return error;
}

void host__free_all(struct model *model)
{
	struct psi_slot *slot, *next;

	HASH_ITER (hh, model->psi, slot, next) {
		HASH_DELETE(hh, model->psi, slot);
		free(slot);
	}
	free(model->clocks);
	free(model->probes);
	free(model->programs);
	free(model->losses);
	series__free(model->lost_series);
}

/* --- what model.h offers -------------------------------------------------------------------- */

const struct event_host *model__host(const struct model *model)
{
	return model->host_seen ? &model->host : NULL;
}

const struct event_recorder *model__recorder(const struct model *model)
{
	return model->recorder_seen ? &model->recorder : NULL;
}

bool model__is_closed(const struct model *model)
{
	return model->closed;
}

size_t model__program_count(const struct model *model)
{
	return model->program_count;
}

const struct measured_program *model__program(const struct model *model, size_t index)
{
	return &model->programs[index];
}

struct model_span model__span(const struct model *model)
{
	return model->span;
}

size_t model__probe_count(const struct model *model)
{
	return model->probe_count;
}

const struct probe_choice *model__probe(const struct model *model, size_t index)
{
	return &model->probes[index];
}

const struct probe_choice *model__probe_for(const struct model *model, const char *capability)
{
	for (size_t i = 0; i < model->probe_count; i++) {
		if (!strcmp(model->probes[i].capability, capability))
			return &model->probes[i];
	}
	return NULL;
}

struct meminfo model__meminfo(const struct model *model, uint64_t *time_ns)
{
	if (time_ns)
		*time_ns = model->meminfo_ns;
	return model->meminfo;
}

int64_t model__kernel_oom_kills(const struct model *model)
{
	if (model->oom_counters < 2 || model->last_oom_kills < model->first_oom_kills)
		return EVENT_UNKNOWN;
	return model->last_oom_kills - model->first_oom_kills;
}

int64_t model__realtime_ns(const struct model *model, uint64_t time_ns)
{
	size_t low = 0, high = model->clock_count;
	int64_t realtime_ns;

	if (!model->clock_count || time_ns > INT64_MAX)
		return EVENT_UNKNOWN;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (model->clocks[middle].time_ns <= time_ns)
			low = middle + 1;
		else
			high = middle;
	}
	if (__builtin_add_overflow((int64_t)time_ns, model->clocks[low ? low - 1 : 0].offset_ns,
				   &realtime_ns) ||
	    realtime_ns < 0)
		return EVENT_UNKNOWN;
	return realtime_ns;
}

/* In us, and small enough to be said in ns. */
static int64_t gained(int64_t first, int64_t last)
{
	if (first < 0 || last < first)
		return EVENT_UNKNOWN;
	last -= first;
	return last < INT64_MAX / 1000 ? last : INT64_MAX / 1000;
}

struct event_psi model__psi_gained(const struct model *model, uint64_t cgroup_id)
{
	struct event_psi psi = {
		.header = {.size_bytes = sizeof(psi), .kind = EVENT_PSI},
		.cgroup_id = cgroup_id,
		.some_us = EVENT_UNKNOWN,
		.full_us = EVENT_UNKNOWN,
	};
	struct psi_slot *slot;

	HASH_FIND(hh, model->psi, &cgroup_id, sizeof(cgroup_id), slot);
	if (!slot || slot->first_ns == slot->last_ns)
		return psi;
	psi.header.time_ns = slot->last_ns;
	psi.some_us = gained(slot->first_some_us, slot->last_some_us);
	psi.full_us = gained(slot->first_full_us, slot->last_full_us);
	return psi;
}
