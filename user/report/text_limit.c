/* SPDX-License-Identifier: GPL-2.0-only */
#include <string.h>

#include "base/cleanup.h"
#include "report/reading.h"
#include "report/section.h"
#include "report/wording.h"

/* What ran full, and what it means for the victim. */

const char *incident__scope_words(const struct incident *incident)
{
	if (incident__by_hand(incident))
		return "asked for by hand through sysrq";
	if (!incident->domain_known)
		return "limit not determined";
	if (incident->domain_id != 0)
		return "memory cgroup";
	switch (incident->constraint) {
	case OOM_CONSTRAINT_CPUSET:
		return "memory nodes of a cpuset";
	case OOM_CONSTRAINT_MEMPOLICY:
		return "memory nodes of a policy";
	default:
		return "whole host";
	}
}

static void say_path(struct text *out, const char *path)
{
	if (path)
		text__escaped(out, path, strlen(path));
	else
		text__string(out, "an unknown cgroup");
}

/* "2.00 GiB, memory.max of /a/b" */
static void say_cgroup_limit(struct text *out, const struct model *model,
			     const struct incident *incident)
{
	const struct memcg_counters *counters = &incident->counters;
	const struct event_host *host = model__host(model);
	const bool v1 = host && host->cgroup_version == 1;

	switch (incident__full_counter(model, incident)) {
	case FULL_MEMORY:
		wording__bytes(out, counters->max_bytes);
		text__string(out, v1 ? ", memory.limit_in_bytes of " : ", memory.max of ");
		say_path(out, incident->domain);
		text__string(out, ": full (");
		wording__bytes(out, counters->usage_bytes);
		break;
	case FULL_MEMSW:
		wording__bytes(out, counters->swap_max_bytes);
		text__string(out, " of memory plus swap, memory.memsw.limit_in_bytes of ");
		say_path(out, incident->domain);
		text__string(out, ": full (");
		wording__bytes(out, counters->swap_usage_bytes);
		break;
	case FULL_NOT_KNOWN:
		text__string(out, "the memory limit of ");
		say_path(out, incident->domain);
		text__string(out, ", its value unknown (");
		wording__bytes(out, counters->usage_bytes);
		break;
	}
	text__string(out, " in use)");
}

/* What a cgroup has in swap, and why it could not have more. */
static void say_cgroup_swap(struct text *out, const struct model *model,
			    const struct incident *incident)
{
	const int64_t swap_bytes = incident__swap_bytes(model, incident);
	const int64_t max_bytes = incident__swap_max_bytes(model, incident);
	const struct host_swap host = incident__host_swap(model, incident);

	if (max_bytes == 0 && host.total_bytes > 0) {
		text__string(out, "; it may not swap (memory.swap.max is 0)");
		return;
	}
	if (swap_bytes <= 0)
		return;
	if (bytes__is_full(swap_bytes, max_bytes)) {
		text__string(out, "; swap full as well: ");
		wording__bytes(out, max_bytes);
		text__string(out, ", memory.swap.max");
		return;
	}
	text__string(out, "; ");
	wording__bytes(out, swap_bytes);
	text__string(out, " in swap");
	if (!host.is_full)
		return;
	text__string(out, ", and the host's swap (");
	wording__bytes(out, host.total_bytes);
	text__string(out, ") full");
}

static void say_victims_place(struct text *out, const struct model *model,
			      const struct incident *incident)
{
	const struct party *victim = &incident->victim;

	if (victim->cgroup_id == incident->domain_id) {
		text__string(out, "; it is the victim's own cgroup");
		return;
	}
	text__string(out, model__cgroup_within(model, victim->cgroup_id, incident->domain_id)
				  ? "; the victim ran below it, in "
				  : "; the victim is now elsewhere, in ");
	say_path(out, victim->cgroup);
}

/* Behind the size of it. What is free after the kill may have been the victim's. */
static void say_host_swap(struct text *out, const struct model *model,
			  const struct incident *incident)
{
	const struct host_swap swap = incident__host_swap(model, incident);

	if (swap.is_full) {
		text__string(out, " (full)");
	} else if (swap.total_bytes > 0 && incident->meminfo_ns >= incident->time_ns &&
		   incident->meminfo.swap_free_bytes != EVENT_UNKNOWN) {
		text__string(out, " (");
		wording__bytes(out, incident->meminfo.swap_free_bytes);
		text__string(out, " free ");
		wording__duration(out, incident->meminfo_ns - incident->time_ns);
		text__string(out, " after the kill)");
	}
}

/* ", node 1", ", nodes 0, 2 and 3" */
static void say_nodes(struct text *out, uint64_t nodes)
{
	bool first = true;

	for (unsigned int node = 0; node < 64; node++) {
		const uint64_t rest = nodes >> node;

		if ((rest & 1) == 0)
			continue;
		if (first)
			text__string(out, rest == 1 ? ", node " : ", nodes ");
		else
			text__string(out, rest == 1 ? " and " : ", ");
		text__printf(out, "%u", node);
		first = false;
	}
}

/* Nobody else can have those, and no process shows them as resident. */
static void say_huge_pages(struct text *out, const struct incident *incident, int64_t memory_bytes)
{
	const int64_t bytes = incident->meminfo.hugetlb_bytes;

	if (incident->meminfo_ns == 0 || bytes <= memory_bytes / 16)
		return;
	text__string(out, " (");
	wording__bytes(out, bytes);
	text__string(out, " set aside as huge pages)");
}

static void say_host_limit(struct text *out, const struct model *model,
			   const struct incident *incident)
{
	const struct event_host *host = model__host(model);

	if (incident->constraint == OOM_CONSTRAINT_CPUSET ||
	    incident->constraint == OOM_CONSTRAINT_MEMPOLICY) {
		text__printf(out, "the %s", incident__scope_words(incident));
		say_nodes(out, incident->nodes);
		text__string(out, ": ");
		wording__bytes(out, incident->total_bytes);
		text__string(out, " with swap");
		return;
	}
	text__string(out, "the whole host: ");
	if (host) {
		wording__bytes(out, (int64_t)host->memory_bytes);
		text__string(out, " of memory");
		say_huge_pages(out, incident, (int64_t)host->memory_bytes);
		text__string(out, ", ");
		wording__bytes(out, (int64_t)host->swap_bytes);
		text__string(out, " of swap");
		say_host_swap(out, model, incident);
	} else {
		wording__bytes(out, incident->total_bytes);
		text__string(out, " of memory and swap");
	}
	text__string(out, "; no cgroup's limit");
}

/* Why the kernel's oom_control could not be read, in the words of the probe that should have. */
static void say_not_determined(struct text *out, const struct model *model)
{
	const struct probe_choice *probe = model__probe_for(model, "OOM context");

	text__string(out, "not determined: whether a cgroup or the whole host was full could not "
			  "be read");
	if (probe && probe->why[0] != '\0') {
		text__string(out, "; ");
		text__escaped_array(out, probe->why, sizeof(probe->why));
	}
}

void section__limit(struct text *out, const struct model *model, const struct incident *incident)
{
	_cleanup_(text__free) struct text body = {0};

	if (incident__by_hand(incident)) {
		text__string(&body, "none was reached: the kill was asked for by hand (sysrq)");
	} else if (!incident->domain_known) {
		say_not_determined(&body, model);
		text__string(&body, "; the victim ran in ");
		say_path(&body, incident->victim.cgroup);
	} else if (incident->domain_id == 0) {
		say_host_limit(&body, model, incident);
	} else {
		say_cgroup_limit(&body, model, incident);
		if (incident->failures_in_window > 0) {
			text__string(&body, ", hit ");
			wording__count(&body, (uint64_t)incident->failures_in_window);
			text__string(&body, incident->failures_in_window == 1 ? " time in "
									      : " times in ");
			wording__duration(&body, incident__window_ns(incident));
		}
		say_cgroup_swap(&body, model, incident);
		say_victims_place(&body, model, incident);
	}
	wording__paragraph(out, "LIMIT", ANSWER_INDENT, &body);
}
