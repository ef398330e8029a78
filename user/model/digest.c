/* SPDX-License-Identifier: GPL-2.0-only */
#include <string.h>

#include "model/model_internal.h"

/*
 * The digest: FNV-1a 64 over everything a report can show, field by field in the order of the
 * structs in model.h. The order is: span, host, recorder, programs, clock mappings, probes, losses,
 * meminfo, the kernel's kill counter, pressure, cgroups, processes, moves and reclaim, kills,
 * signals held back, growth by stack where there is any, incidents. Lists are preceded by their
 * count.
 */

static void digest__host(struct digest *digest, const struct model *model)
{
	const struct event_host *host = &model->host;

	digest__u64(digest, model->host_seen);
	if (!model->host_seen)
		return;
	digest__u64(digest, host->header.time_ns);
	digest__u64(digest, host->page_bytes);
	digest__u64(digest, host->cpus);
	digest__u64(digest, host->cgroup_version);
	digest__u64(digest, host->scope);
	digest__u64(digest, host->memory_bytes);
	digest__u64(digest, host->swap_bytes);
	digest__u64(digest, (uint64_t)host->realtime_offset_ns);
	digest__u64(digest, host->step_bytes);
	/* Recordings from before it was told keep their digests. */
	if (host->rest_error_bytes)
		digest__u64(digest, host->rest_error_bytes);
	digest__bytes(digest, host->recording_id, sizeof(host->recording_id));
	digest__bytes(digest, host->boot_id, sizeof(host->boot_id));
	digest__bytes(digest, host->name, sizeof(host->name));
	digest__bytes(digest, host->kernel, sizeof(host->kernel));
	digest__bytes(digest, host->version, sizeof(host->version));
	digest__bytes(digest, host->followed, sizeof(host->followed));
}

static void digest__recorder(struct digest *digest, const struct model *model)
{
	const struct event_recorder *recorder = &model->recorder;

	digest__u64(digest, model->recorder_seen);
	if (!model->recorder_seen)
		return;
	digest__u64(digest, recorder->header.time_ns);
	digest__u64(digest, recorder->wall_ns);
	digest__u64(digest, recorder->cpu_ns);
	digest__u64(digest, recorder->peak_rss_bytes);
	digest__u64(digest, recorder->kernel_bytes);
	digest__u64(digest, recorder->events);
	digest__u64(digest, recorder->written_bytes);
	digest__u64(digest, recorder->start_cpu_ns);
	digest__u64(digest, model->closed);
}

static void digest__programs(struct digest *digest, const struct model *model)
{
	digest__u64(digest, model->program_count);
	for (size_t i = 0; i < model->program_count; i++) {
		digest__text(digest, model->programs[i].name);
		digest__u64(digest, model->programs[i].runs);
		digest__u64(digest, model->programs[i].run_ns);
	}
}

static void digest__recording(struct digest *digest, const struct model *model)
{
	digest__u64(digest, model->span.first_ns);
	digest__u64(digest, model->span.last_ns);
	digest__u64(digest, model->span.opened_ns);
	digest__u64(digest, model->span.events);
	digest__u64(digest, model->span.late_events);
	digest__host(digest, model);
	digest__recorder(digest, model);
	digest__programs(digest, model);
	digest__u64(digest, model->clock_count);
	for (size_t i = 0; i < model->clock_count; i++) {
		digest__u64(digest, model->clocks[i].time_ns);
		digest__u64(digest, (uint64_t)model->clocks[i].offset_ns);
	}
	digest__u64(digest, model->probe_count);
	for (size_t i = 0; i < model->probe_count; i++) {
		digest__text(digest, model->probes[i].capability);
		digest__text(digest, model->probes[i].way);
		digest__text(digest, model->probes[i].why);
	}
	digest__u64(digest, model->loss_count);
	for (size_t i = 0; i < model->loss_count; i++) {
		digest__u64(digest, model->losses[i].reason);
		digest__u64(digest, model->losses[i].kind);
		digest__u64(digest, model->losses[i].count);
	}
	digest__series(digest, model->lost_series);
}

static void digest__readings(struct digest *digest, const struct model *model)
{
	digest__u64(digest, model->meminfo_ns);
	digest__meminfo(digest, &model->meminfo);
	digest__u64(digest, model->oom_counters);
	digest__u64(digest, model->oom_counter_ns);
	digest__u64(digest, (uint64_t)model->first_oom_kills);
	digest__u64(digest, (uint64_t)model->last_oom_kills);
	digest__u64(digest, model->psi_count);
	/* uthash keeps the order of insertion. */
	for (const struct psi_slot *slot = model->psi; slot; slot = slot->hh.next) {
		digest__u64(digest, slot->cgroup_id);
		digest__u64(digest, slot->first_ns);
		digest__u64(digest, slot->last_ns);
		digest__u64(digest, (uint64_t)slot->first_some_us);
		digest__u64(digest, (uint64_t)slot->first_full_us);
		digest__u64(digest, (uint64_t)slot->last_some_us);
		digest__u64(digest, (uint64_t)slot->last_full_us);
	}
}

static void digest__limits(struct digest *digest, const struct limit_history *history)
{
	digest__u64(digest, history ? history->count : 0);
	for (size_t i = 0; history && i < history->count; i++) {
		digest__u64(digest, history->changes[i].time_ns);
		digest__u64(digest, (uint64_t)history->changes[i].from_bytes);
		digest__u64(digest, (uint64_t)history->changes[i].to_bytes);
		digest__u64(digest, history->changes[i].high);
	}
}

static void digest__reclaim(struct digest *digest, const struct reclaim_history *history)
{
	digest__u64(digest, history ? history->count : 0);
	for (size_t i = 0; history && i < history->count; i++) {
		digest__u64(digest, history->episodes[i].first_ns);
		digest__u64(digest, history->episodes[i].last_ns);
		digest__u64(digest, history->episodes[i].stall_ns);
		digest__u64(digest, history->episodes[i].reclaimed_bytes);
		digest__u64(digest, history->episodes[i].runs);
	}
}

static void digest__hold(struct digest *digest, const struct hold *hold)
{
	digest__u64(digest, hold->from_ns);
	digest__u64(digest, hold->to_ns);
	digest__u64(digest, hold->ended_ns);
	digest__u64(digest, hold->times);
	digest__u64(digest, (uint64_t)hold->usage_bytes);
	digest__u64(digest, (uint64_t)hold->limit_bytes);
	digest__u64(digest, hold->from_first);
	digest__u64(digest, hold->memsw);
}

static void digest__held(struct digest *digest, const struct held *held)
{
	if (!held)
		return;
	digest__u64(digest, held->looked_ns);
#define X(field, v2, v1) digest__u64(digest, (uint64_t)held->now.field);
	MEMCG_EVENTS(X)
#undef X
	digest__hold(digest, &held->high);
	digest__hold(digest, &held->full);
}

static void digest__cgroup(struct digest *digest, const struct cgroup_slot *slot)
{
	const struct cgroup *cgroup = &slot->cgroup;

	digest__u64(digest, cgroup->id);
	digest__u64(digest, cgroup->parent_id);
	digest__text(digest, cgroup->name);
	digest__u64(digest, slot->named);
	digest__u64(digest, cgroup->seen_ns);
	digest__u64(digest, cgroup->gone_ns);
	digest__counters(digest, &cgroup->first);
	digest__counters(digest, &cgroup->now);
	digest__stat(digest, &cgroup->stat);
	digest__u64(digest, cgroup->stat_ns);
	digest__u64(digest, (uint64_t)cgroup->peak_usage_bytes);
	digest__series(digest, cgroup->series);
	digest__series(digest, slot->failures);
	digest__limits(digest, slot->limits);
	digest__reclaim(digest, slot->reclaim);
	digest__held(digest, cgroup->held);
}

/* What the timeline of a kill to come is made of. */
static void digest__moves(struct digest *digest, const struct model *model)
{
	uint64_t kept = model->attach_count < ATTACH_MAX ? model->attach_count : ATTACH_MAX;

	digest__u64(digest, kept);
	for (uint64_t i = model->attach_count - kept; i < model->attach_count; i++) {
		const struct attach_record *attach = &model->attaches[i % ATTACH_MAX];

		digest__u64(digest, attach->time_ns);
		digest__task(digest, &attach->task);
		digest__u64(digest, attach->from_id);
		digest__u64(digest, attach->to_id);
	}
	digest__reclaim(digest, &model->reclaim);
}

static void digest__process(struct digest *digest, const struct process_slot *slot)
{
	const struct process *process = &slot->process;

	digest__task(digest, &process->task);
	digest__task(digest, &process->parent);
	digest__u64(digest, process->mm_id);
	digest__u64(digest, process->cgroup_id);
	digest__u64(digest, process->seen_ns);
	digest__u64(digest, process->exit_ns);
	digest__u64(digest, slot->process.exec_ns);
	digest__u64(digest, (uint64_t)process->peak_rss_bytes);
	digest__u64(digest, process->argv != NULL);
	digest__bytes(digest, process->argv, process->argv_bytes);
	digest__series(digest, process->series);
	digest__memory(digest, &process->first);
	digest__memory(digest, &process->now);
	digest__u64(digest, process->argv_flags);
	digest__u64(digest, process->uid);
	digest__u64(digest, process->ns_pid);
	digest__u64(digest, (uint64_t)process->oom_score_adj);
	digest__u64(digest, process->exit_code);
	digest__u64(digest, process->born_here);
	digest__u64(digest, process->exit_lost);
	digest__u64(digest, process->killed);
	digest__u64(digest, process->oom_killed);
	digest__bytes(digest, process->comm, sizeof(process->comm));
}

static void digest__kills(struct digest *digest, const struct model *model)
{
	digest__u64(digest, model->kill_count);
	for (size_t i = 0; i < model->kill_count; i++) {
		const struct kill *kill = &model->kills[i];
		const uint32_t how = kill->flags & (SIGNAL_SENDER_EXITING | SIGNAL_BY_WRITE);

		digest__u64(digest, kill->time_ns);
		digest__u64(digest, kill->class);
		digest__task(digest, &kill->target);
		digest__bytes(digest, kill->target_comm, sizeof(kill->target_comm));
		digest__task(digest, &kill->sender);
		digest__bytes(digest, kill->sender_comm, sizeof(kill->sender_comm));
		digest__u64(digest, (uint64_t)kill->incident);
		/* Recordings from before it was told keep their digests. */
		if (how)
			digest__u64(digest, how);
	}
	digest__u64(digest, model->held_count);
	for (size_t i = 0; i < model->held_count; i++) {
		const struct held_signal *signal = &model->held[i];

		digest__u64(digest, signal->time_ns);
		digest__task(digest, &signal->sender);
		digest__task(digest, &signal->target);
		digest__bytes(digest, signal->sender_comm, sizeof(signal->sender_comm));
		digest__bytes(digest, signal->target_comm, sizeof(signal->target_comm));
	}
}

uint64_t model__digest(const struct model *model)
{
	struct digest digest = {.value = DIGEST_SEED};

	digest__recording(&digest, model);
	digest__readings(&digest, model);
	digest__u64(&digest, model->cgroups.count);
	for (uint32_t i = 0; i < model->cgroups.count; i++)
		digest__cgroup(&digest, model->cgroups.slots[i]);
	digest__u64(&digest, model->processes.count);
	for (uint32_t i = 0; i < model->processes.count; i++)
		digest__process(&digest, process_table__slot(&model->processes, i));
	digest__moves(&digest, model);
	digest__kills(&digest, model);
	digest__growth(&digest, model);
	digest__u64(&digest, model->incident_count);
	for (size_t i = 0; i < model->incident_count; i++)
		digest__incident(&digest, &model->incidents[i]->incident);
	return digest.value;
}
