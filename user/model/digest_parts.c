/* SPDX-License-Identifier: GPL-2.0-only */
#include <string.h>

#include "model/model_internal.h"

#define FNV_PRIME 0x100000001b3ULL

void digest__u64(struct digest *digest, uint64_t value)
{
	uint64_t hash = digest->value;

	for (int i = 0; i < 8; i++, value >>= 8)
		hash = (hash ^ (value & 0xff)) * FNV_PRIME;
	digest->value = hash;
}

void digest__bytes(struct digest *digest, const void *bytes, size_t length)
{
	const unsigned char *byte = bytes;

	digest__u64(digest, bytes ? length : 0);
	for (size_t i = 0; bytes && i < length; i++)
		digest->value = (digest->value ^ byte[i]) * FNV_PRIME;
}

void digest__text(struct digest *digest, const char *string)
{
	digest__u64(digest, string != NULL);
	digest__bytes(digest, string, string ? strlen(string) : 0);
}

void digest__task(struct digest *digest, const struct task_ref *task)
{
	digest__u64(digest, task->pid);
	digest__u64(digest, task->tid);
	digest__u64(digest, task->start_ns);
}

void digest__memory(struct digest *digest, const struct memory *memory)
{
	int64_t columns[MEMORY_COLUMNS];

	memory__to_columns(memory, columns);
	for (int i = 0; i < MEMORY_COLUMNS; i++)
		digest__u64(digest, (uint64_t)columns[i]);
}

void digest__counters(struct digest *digest, const struct memcg_counters *counters)
{
	digest__u64(digest, (uint64_t)counters->usage_bytes);
	digest__u64(digest, (uint64_t)counters->max_bytes);
	digest__u64(digest, (uint64_t)counters->high_bytes);
	digest__u64(digest, (uint64_t)counters->watermark_bytes);
	digest__u64(digest, (uint64_t)counters->failures);
	digest__u64(digest, (uint64_t)counters->swap_usage_bytes);
	digest__u64(digest, (uint64_t)counters->swap_max_bytes);
	digest__u64(digest, (uint64_t)counters->kmem_usage_bytes);
	digest__u64(digest, (uint64_t)counters->oom_group);
}

void digest__stat(struct digest *digest, const struct memcg_stat *stat)
{
#define X(field, v2, v1) digest__u64(digest, (uint64_t)stat->field##_bytes);
	MEMCG_STATS(X)
#undef X
}

void digest__meminfo(struct digest *digest, const struct meminfo *meminfo)
{
#define X(field, key) digest__u64(digest, (uint64_t)meminfo->field##_bytes);
	MEMINFO(X)
#undef X
}

void digest__series(struct digest *digest, const struct series *series)
{
	size_t count = series__count(series);

	digest__u64(digest, series != NULL);
	digest__u64(digest, count);
	for (size_t i = 0; i < count; i++) {
		const int64_t *values = series__values(series, i);

		digest__u64(digest, series__time(series, i));
		for (unsigned int j = 0; j < series__width(series); j++)
			digest__u64(digest, (uint64_t)values[j]);
	}
}

static void digest__party(struct digest *digest, const struct party *party)
{
	digest__task(digest, &party->task);
	digest__u64(digest, party->uid);
	digest__u64(digest, party->ns_pid);
	digest__u64(digest, (uint64_t)party->oom_score_adj);
	digest__bytes(digest, party->comm, sizeof(party->comm));
	digest__u64(digest, party->argv != NULL);
	digest__bytes(digest, party->argv, party->argv_bytes);
	digest__u64(digest, party->argv_flags);
	digest__u64(digest, party->cgroup_id);
	digest__text(digest, party->cgroup);
	digest__u64(digest, party->service.kind);
	digest__text(digest, party->service.name);
	digest__text(digest, party->service.runtime);
	digest__text(digest, party->service.id);
	digest__memory(digest, &party->memory);
	digest__u64(digest, party->exact);
	digest__u64(digest, (uint64_t)party->grew_bytes);
	digest__u64(digest, party->grew_over_ns);
	digest__u64(digest, party->began_ns);
	digest__u64(digest, party->born_in_window);
}

static void digest__incident_kills(struct digest *digest, const struct incident *incident)
{
	digest__u64(digest, incident->kill_count);
	for (size_t i = 0; i < incident->kill_count; i++) {
		const struct incident_kill *kill = &incident->kills[i];

		digest__u64(digest, kill->time_ns);
		digest__u64(digest, kill->class);
		digest__task(digest, &kill->task);
		digest__bytes(digest, kill->comm, sizeof(kill->comm));
		digest__u64(digest, kill->exit_ns);
		digest__u64(digest, kill->exit_code);
		digest__u64(digest, kill->later);
	}
	digest__u64(digest, incident->kill_omitted);
	digest__u64(digest, incident->burst_kills);
	digest__u64(digest, incident->storm.count);
	digest__u64(digest, incident->storm.first_ns);
	digest__u64(digest, incident->storm.last_ns);
}

static void digest__timeline(struct digest *digest, const struct incident *incident)
{
	digest__u64(digest, incident->timeline_count);
	for (size_t i = 0; i < incident->timeline_count; i++) {
		digest__u64(digest, incident->timeline[i].time_ns);
		digest__text(digest, incident->timeline[i].what);
	}
	digest__u64(digest, incident->timeline_omitted);
}

/* Recordings from before there were any keep their digests. */
static void digest__ledger(struct digest *digest, const struct ledger *ledger)
{
	if (!ledger->flags)
		return;
	digest__u64(digest, ledger->flags);
	digest__u64(digest, ledger->cgroups);
	digest__u64(digest, (uint64_t)ledger->usage_bytes);
	digest__u64(digest, (uint64_t)ledger->dying_bytes);
#define X(field, kind, item, unit) digest__u64(digest, (uint64_t)ledger->field##_bytes);
	LEDGER_ITEMS(X)
#undef X
}

void digest__incident(struct digest *digest, const struct incident *incident)
{
	digest__text(digest, incident->id);
	digest__text(digest, incident->fingerprint);
	digest__u64(digest, incident->time_ns);
	digest__u64(digest, incident->from_ns);
	digest__u64(digest, (uint64_t)incident->realtime_ns);
	digest__u64(digest, incident->domain_known);
	digest__u64(digest, incident->domain_id);
	digest__text(digest, incident->domain);
	digest__counters(digest, &incident->counters);
	digest__u64(digest, (uint64_t)incident->total_bytes);
	digest__u64(digest, (uint64_t)incident->constraint);
	digest__u64(digest, (uint64_t)incident->order);
	digest__u64(digest, incident->gfp_mask);
	digest__u64(digest, incident->way);
	/* Recordings from before there were any keep their digests. */
	if (incident->nodes)
		digest__u64(digest, incident->nodes);
	digest__u64(digest, (uint64_t)incident->failures_in_window);
	digest__party(digest, &incident->victim);
	digest__party(digest, &incident->trigger);
	digest__party(digest, &incident->culprit);
	digest__u64(digest, (uint64_t)incident->domain_grew_bytes);
	digest__u64(digest, (uint64_t)incident->processes_grew_bytes);
	digest__u64(digest, incident->process_count);
	for (size_t i = 0; i < incident->process_count; i++)
		digest__party(digest, &incident->processes[i]);
	digest__u64(digest, incident->process_omitted);
	digest__incident_kills(digest, incident);
	digest__series(digest, incident->victim_series);
	digest__series(digest, incident->culprit_series);
	digest__series(digest, incident->domain_series);
	digest__series(digest, incident->culprit_life);
	digest__u64(digest, incident->born_count);
	digest__u64(digest, (uint64_t)incident->born_bytes);
	digest__u64(digest, (uint64_t)incident->born_largest_bytes);
	digest__ledger(digest, &incident->ledger);
	digest__stat(digest, &incident->stat);
	digest__u64(digest, incident->stat_ns);
	digest__meminfo(digest, &incident->meminfo);
	digest__u64(digest, incident->meminfo_ns);
	digest__timeline(digest, incident);
	digest__u64(digest, incident->lost_before);
	digest__u64(digest, incident->followed_all);
}
