/* SPDX-License-Identifier: GPL-2.0-only */
#include "verdict/verdict.h"

#include "verdict/points.h"

/* Figures of an incident, as a verdict wants them. */

#define MET_LATE_NS 1000000000ULL

static int64_t plus(int64_t a, int64_t b)
{
	return a == EVENT_UNKNOWN || b == EVENT_UNKNOWN ? EVENT_UNKNOWN : a + b;
}

/* Resident and swap; a kind that is not known counts as none where another one is. */
static int64_t held_bytes(const struct memory *memory)
{
	const int64_t resident = memory__resident(memory);

	return memory->swap_bytes > 0 ? plus(resident, memory->swap_bytes) : resident;
}

/* First seen late in the window, though it lived before: what it grew by until then nobody knows.
 */
static bool was_met_late(const struct incident *incident, const struct party *party,
			 uint64_t lived_ns)
{
	const uint64_t seen_ns = party->grew_over_ns + MET_LATE_NS;

	return seen_ns < lived_ns && seen_ns < incident->time_ns - incident->from_ns;
}

static struct verdict_party party_of(const struct incident *incident, const struct party *party)
{
	const uint64_t lived_ns =
		incident->time_ns > party->began_ns ? incident->time_ns - party->began_ns : 0;
	const int64_t swap_bytes = party->memory.swap_bytes > 0 ? party->memory.swap_bytes : 0;

	return (struct verdict_party){
		.known = party->task.pid != 0,
		.held_bytes = held_bytes(&party->memory),
		.own_bytes = plus(party->memory.anon_bytes, swap_bytes),
		.grew_bytes =
			was_met_late(incident, party, lived_ns) ? EVENT_UNKNOWN : party->grew_bytes,
		.lived_ns = lived_ns,
	};
}

/* Of the cgroup as it was at the kill. */
static void set_kinds_of_ledger(struct verdict_facts *facts, const struct ledger_division *division)
{
	facts->shmem_bytes = division->rows[LEDGER_ROW_SHMEM];
	facts->cache_bytes = division->rows[LEDGER_ROW_CACHE];
	if (division->rows[LEDGER_ROW_OTHER_KERNEL] != EVENT_UNKNOWN)
		facts->kernel_bytes = division->kernel_bytes;
}

/* What was left of these kinds: the victim's own memory may be gone by then, which is none of them.
 */
static void set_kinds(struct verdict_facts *facts, const struct incident *incident)
{
	const struct memcg_stat *stat = &incident->stat;
	const struct meminfo *host = &incident->meminfo;

	if (incident->stat_ns && incident->domain_id) {
		facts->shmem_bytes = stat->shmem_bytes;
		facts->cache_bytes = stat->file_bytes;
		facts->kernel_bytes = stat->kernel_bytes;
		if (stat->kernel_bytes == EVENT_UNKNOWN)
			facts->kernel_bytes = incident->counters.kmem_usage_bytes;
	} else if (incident->meminfo_ns && facts->is_host) {
		facts->shmem_bytes = host->shmem_bytes;
		facts->cache_bytes = host->cached_bytes;
		facts->kernel_bytes =
			plus(plus(host->slab_unreclaimable_bytes, host->page_tables_bytes),
			     host->kernel_stack_bytes);
		facts->hugetlb_bytes = host->hugetlb_bytes;
	}
	if (facts->cache_bytes != EVENT_UNKNOWN && facts->shmem_bytes > 0)
		facts->cache_bytes -= facts->shmem_bytes;
}

static void set_domain(struct verdict_facts *facts, const struct model *model,
		       const struct incident *incident)
{
	const struct event_host *host = model__host(model);
	const struct memcg_counters *counters = &incident->counters;

	facts->domain_known = incident->domain_known;
	/* Of a cpuset or a policy nobody knows how much of what its nodes have. */
	facts->is_host = incident->domain_known && incident->domain_id == 0 &&
			 incident->constraint == OOM_CONSTRAINT_NONE;
	facts->limit_bytes = facts->usage_bytes = EVENT_UNKNOWN;
	if (facts->is_host && host) {
		facts->limit_bytes = facts->usage_bytes = (int64_t)host->memory_bytes;
	} else if (incident->domain_known) {
		facts->limit_bytes = counters->max_bytes;
		facts->usage_bytes = counters->usage_bytes;
	}
	facts->swap_bytes = host ? (int64_t)host->swap_bytes : EVENT_UNKNOWN;
	/* A cgroup that gave up page cache while a process grew has grown less than the process. */
	facts->grew_bytes = incident->processes_grew_bytes;
	if (incident->domain_grew_bytes > facts->grew_bytes)
		facts->grew_bytes = incident->domain_grew_bytes;
}

static uint64_t count_services(const struct incident *incident)
{
	uint64_t count = 0;

	for (size_t i = 0; i < incident->process_count; i++) {
		const struct service *service = &incident->processes[i].service;
		size_t earlier = 0;

		while (earlier < i &&
		       !service__same(&incident->processes[earlier].service, service))
			earlier++;
		count += service->kind != SERVICE_NONE && earlier == i;
	}
	return count;
}

struct ledger_division verdict__ledger(const struct model *model, const struct incident *incident)
{
	const struct event_host *host = model__host(model);
	const bool v1 = host && host->cgroup_version == 1;

	/* v2 has that counter too, and counts nothing by it. */
	return ledger__divide(&(struct ledger_facts){
		.ledger = &incident->ledger,
		.kmem_bytes = v1 ? incident->counters.kmem_usage_bytes : EVENT_UNKNOWN,
		.cpus = host ? host->cpus : 1,
		.page_bytes = host ? host->page_bytes : 4096,
	});
}

int verdict__facts(struct verdict_facts *out, const struct model *model,
		   const struct incident *incident)
{
	struct ledger_division division;

	*out = (struct verdict_facts){
		.by_hand = incident->way != OOM_WAY_NONE && incident->order == -1,
		.followed_all = incident->followed_all,
		.victim_is_culprit =
			incident->victim.task.pid == incident->culprit.task.pid &&
			incident->victim.task.start_ns == incident->culprit.task.start_ns,
		.window_ns = incident->time_ns - incident->from_ns,
		.victim = party_of(incident, &incident->victim),
		.culprit = party_of(incident, &incident->culprit),
		.shmem_bytes = EVENT_UNKNOWN,
		.cache_bytes = EVENT_UNKNOWN,
		.kernel_bytes = EVENT_UNKNOWN,
		.hugetlb_bytes = EVENT_UNKNOWN,
		.born_count = incident->born_count,
		.born_bytes = incident->born_bytes,
		.born_largest_bytes = incident->born_largest_bytes,
		.services = count_services(incident),
		.kills_of_cause = incident->storm.count,
	};
	set_domain(out, model, incident);
	division = verdict__ledger(model, incident);
	set_kinds(out, incident);
	if (division.known && division.error_bytes != EVENT_UNKNOWN)
		set_kinds_of_ledger(out, &division);
	return points__trend(&out->trend, incident->culprit_life, incident->culprit.began_ns,
			     incident->time_ns);
}
