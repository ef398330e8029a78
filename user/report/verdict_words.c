/* SPDX-License-Identifier: GPL-2.0-only */
#include "report/verdict_words.h"

#include <inttypes.h>
#include <string.h>

#include "base/units.h"
#include "report/reading.h"
#include "report/wording.h"

/* --- evidence --------------------------------------------------------------------------------- */

static void say_party(struct text *out, const struct party *party)
{
	if (party->task.pid)
		wording__task(out, party->comm, party->task.pid);
	else
		text__string(out, "nobody");
}

/* "by 12 MiB of the 96 MiB" */
static void say_part(struct text *out, const struct evidence *evidence)
{
	text__string(out, "by ");
	wording__bytes(out, evidence->bytes);
	text__string(out, " of the ");
	wording__bytes(out, evidence->of_bytes);
}

static void say_culprit_grew(struct text *out, const struct incident *incident,
			     const struct evidence *evidence)
{
	say_party(out, &incident->culprit);
	text__string(out, ", grew ");
	say_part(out, evidence);
	text__string(out, " that were gained in the ");
	wording__duration(out, evidence->ns);
	text__string(out, " before the kill");
}

static void say_victim_grew(struct text *out, const struct evidence *evidence)
{
	if (evidence->bytes <= 0) {
		text__string(out, "the victim did not grow");
		return;
	}
	text__string(out, "the victim grew ");
	say_part(out, evidence);
	text__string(out, " that were gained");
}

static void say_rose(struct text *out, const struct incident *incident,
		     const struct evidence *evidence)
{
	say_party(out, &incident->culprit);
	text__string(out, ", rose by ");
	wording__bytes(out, evidence->bytes);
	text__string(out, " in ");
	wording__duration(out, evidence->ns);
	if (evidence->ns) {
		text__string(out, " (");
		wording__rate(out, evidence->bytes, evidence->ns);
		text__string(out, ")");
	}
	if (evidence->shape == TREND_STEADY || evidence->shape == TREND_STEPPING)
		text__printf(out, ", %s", trend_shape__word(evidence->shape));
}

static void say_never_fell(struct text *out, const struct evidence *evidence)
{
	if (evidence->bytes == 0) {
		text__string(out, "it gave nothing back meanwhile");
		return;
	}
	text__string(out, "it gave back no more than ");
	wording__bytes(out, evidence->bytes);
	text__string(out, " at a time meanwhile");
}

static void say_kind(struct text *out, const struct incident *incident,
		     const struct evidence *evidence, const char *what)
{
	wording__bytes(out, evidence->bytes);
	text__string(out, incident->domain_id ? " of the " : " of the host's ");
	wording__bytes(out, evidence->of_bytes);
	text__printf(out, "%s were %s", incident->domain_id ? " in use" : "", what);
}

static void say_born(struct text *out, const struct evidence *evidence)
{
	wording__counted(out, evidence->count, "process", "processes");
	text__string(out, " were born in the ");
	wording__duration(out, evidence->ns);
	text__string(out, " before the kill and hold ");
	wording__bytes(out, evidence->bytes);
	text__string(out, ", none of them more than ");
	wording__bytes(out, evidence->of_bytes);
}

void evidence__say(struct text *out, const struct incident *incident,
		   const struct evidence *evidence)
{
	switch (evidence->kind) {
	case EVIDENCE_CULPRIT_GREW:
		say_culprit_grew(out, incident, evidence);
		break;
	case EVIDENCE_VICTIM_GREW:
		say_victim_grew(out, evidence);
		break;
	case EVIDENCE_VICTIM_HELD:
		text__string(out, "the victim held ");
		wording__bytes(out, evidence->bytes);
		text__string(out, " of the ");
		wording__bytes(out, evidence->of_bytes);
		text__string(out, " in use: who grew lately is not who filled it");
		break;
	case EVIDENCE_NOBODY_GREW:
		text__string(out, "nobody was seen to grow in the ");
		wording__duration(out, evidence->ns);
		text__string(out, " before the kill");
		break;
	case EVIDENCE_NO_CULPRIT:
		text__string(out, "no process grew by most of what was gained: ");
		say_party(out, &incident->culprit);
		text__string(out, ", who grew most, ");
		say_part(out, evidence);
		break;
	case EVIDENCE_ROSE:
		say_rose(out, incident, evidence);
		break;
	case EVIDENCE_NEVER_FELL:
		say_never_fell(out, evidence);
		break;
	case EVIDENCE_FELL:
		text__string(out, "before that it had fallen back ");
		wording__counted(out, evidence->count, "time", "times");
		text__string(out, " within a range of ");
		wording__bytes(out, evidence->bytes);
		break;
	case EVIDENCE_FROM_ITS_START:
		text__string(out, "it had begun ");
		wording__duration(out, evidence->ns);
		text__string(out,
			     " before the kill and rose all the time, as a leak from its first "
			     "moment on would");
		break;
	case EVIDENCE_BEFORE:
		text__string(out, "for ");
		wording__duration(out, evidence->ns);
		text__string(out, " before that it had been at no more than about ");
		wording__bytes(out, evidence->bytes);
		break;
	case EVIDENCE_NOT_KNOWN_BEFORE:
		text__string(out, "how it was before is not known: it was followed for ");
		wording__duration(out, evidence->ns);
		break;
	case EVIDENCE_SHMEM:
		say_kind(out, incident, evidence, "tmpfs or shared memory");
		break;
	case EVIDENCE_CACHE:
		say_kind(out, incident, evidence, "page cache of files");
		break;
	case EVIDENCE_KERNEL:
		say_kind(out, incident, evidence, "the kernel's own");
		break;
	case EVIDENCE_HUGETLB:
		wording__bytes(out, evidence->bytes);
		text__string(out, " of the host's ");
		wording__bytes(out, evidence->of_bytes);
		text__string(out, " are set aside as huge pages, used or not");
		break;
	case EVIDENCE_BORN:
		say_born(out, evidence);
		break;
	case EVIDENCE_SERVICES:
		wording__counted(out, evidence->count, "service", "services");
		text__string(out, " share the host");
		break;
	case EVIDENCE_AGAIN:
		text__string(out, "there were ");
		wording__counted(out, evidence->count, "kill", "kills");
		text__string(out, " of this cause");
		break;
	case EVIDENCE_KIND_COUNT:
		break;
	}
}

/* Not what GREW and STORM have said above. */
static bool is_summary(enum evidence_kind kind)
{
	return kind != EVIDENCE_CULPRIT_GREW && kind != EVIDENCE_AGAIN;
}

void verdict__say(struct text *out, const struct incident *incident, const struct verdict *verdict)
{
	const char *between = ": ";

	text__string(out, verdict_kind__words(verdict->kind));
	for (size_t i = 0; i < verdict->evidence_count; i++) {
		if (!is_summary(verdict->evidence[i].kind))
			continue;
		text__string(out, between);
		evidence__say(out, incident, &verdict->evidence[i]);
		between = "; ";
	}
	if (verdict->kind == VERDICT_COLLATERAL && verdict->growth != VERDICT_UNKNOWN)
		text__printf(out, " (%s)", verdict_kind__words(verdict->growth));
}

/* --- advice ----------------------------------------------------------------------------------- */

/* As commands and settings take it. */
static void say_mib(struct text *out, int64_t bytes, const char *unit)
{
	text__printf(out, "%" PRId64 "%s", (int64_t)((uint64_t)bytes / MIB), unit);
}

static void say_path(struct text *out, const char *path)
{
	text__escaped(out, path ? path : "(unknown)", strlen(path ? path : "(unknown)"));
}

/* A name that may stand in a command for people to paste, and is whole. */
static bool is_plain(const char *name)
{
	const size_t length = strlen(name);

	return length > 0 && length < sizeof(((struct service *)0)->name) - 1 &&
	       strspn(name,
		      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:_.@-") ==
		       length;
}

/* Is the full cgroup the very unit of this one, so that its settings are what is to be changed? */
static bool is_unit_itself(const struct incident *incident, const struct party *party)
{
	const char *last = incident->domain ? strrchr(incident->domain, '/') : NULL;

	return party->service.kind == SERVICE_SYSTEMD && last &&
	       !strcmp(last + 1, party->service.name) && is_plain(party->service.name);
}

/* v1's limit of memory and swap together may not be below that of memory. */
static bool memsw_is_below(const struct model *model, const struct incident *incident,
			   int64_t bytes)
{
	const int64_t max_bytes = incident->counters.swap_max_bytes;

	return host__counts_memsw(model) && max_bytes >= 0 && max_bytes < bytes;
}

static bool advise_limit(struct text *out, const struct model *model,
			 const struct incident *incident, const struct advice *advice)
{
	const struct event_host *host = model__host(model);
	const bool v1 = host && host->cgroup_version == 1;

	if (advice->bytes <= 0)
		return false;
	text__string(out, advice->ns ? "Until then a limit of " : "Set the limit to ");
	wording__bytes(out, advice->bytes);
	text__string(out, " (");
	if (memsw_is_below(model, incident, advice->bytes))
		text__string(out, "memory.memsw.limit_in_bytes first, then ");
	text__printf(out, "%s of ", v1 ? "memory.limit_in_bytes" : "memory.max");
	say_path(out, incident->domain);
	if (is_unit_itself(incident, &incident->victim)) {
		text__string(out, "; systemctl set-property ");
		text__escaped(out, incident->victim.service.name,
			      strlen(incident->victim.service.name));
		text__string(out, " MemoryMax=");
		say_mib(out, advice->bytes, "M");
	}
	if (!advice->ns) {
		text__string(out, "), and see whether it stays below.");
		return true;
	}
	text__string(out, ") buys ");
	wording__duration(out, advice->ns);
	text__string(out, " at this rate; it solves nothing.");
	return true;
}

static bool has_name(const struct party *party, const char *name)
{
	return !strncmp(party->comm, name, EVENT_COMM_BYTES);
}

static bool advise_heap(struct text *out, const struct incident *incident,
			const struct advice *advice)
{
	const struct party *culprit = &incident->culprit;

	if (culprit->service.kind == SERVICE_PM2) {
		text__string(out,
			     "Have PM2 restart it before the limit does: max_memory_restart: '");
		say_mib(out, advice->bytes, "M'.");
	} else if (has_name(culprit, "node") || has_name(culprit, "MainThread")) {
		text__string(out, "Let Node's garbage collector know its bound: "
				  "node --max-old-space-size=");
		say_mib(out, advice->bytes, " (MiB).");
	} else if (has_name(culprit, "java")) {
		text__string(out, "Bound the JVM's heap: -Xmx");
		say_mib(out, advice->bytes, "m, which leaves room for what is not heap.");
	} else if (is_unit_itself(incident, culprit)) {
		text__string(out, "Let it be slowed down and reclaimed before it is killed: "
				  "systemctl set-property ");
		text__escaped(out, culprit->service.name, strlen(culprit->service.name));
		text__string(out, " MemoryHigh=");
		say_mib(out, advice->bytes, "M.");
	} else {
		return false;
	}
	return true;
}

static bool advise_part(struct text *out, const struct incident *incident)
{
	text__string(out, "The victim is not the cause: give ");
	say_party(out, &incident->culprit);
	text__string(out,
		     ", a cgroup with a limit of its own, or the victim a lower oom_score_adj (");
	text__printf(out, "it has %" PRId32 ", the other %" PRId32 ").",
		     incident->victim.oom_score_adj, incident->culprit.oom_score_adj);
	return true;
}

static bool advise_tmpfs(struct text *out, const struct advice *advice)
{
	text__string(out, "Delete what is in the tmpfs that it lies in (");
	wording__bytes(out, advice->bytes);
	text__string(out,
		     "; WHERE IT GREW names files), or mount that with size= below the limit. "
		     "Segments of ended programs: ipcs -m -p -t says whose and when last used, "
		     "ipcrm -m ID removes one.");
	return true;
}

static bool advise_swap(struct text *out, const struct advice *advice)
{
	text__string(out, "The host has no swap; with some it slows down before it kills: "
			  "fallocate -l ");
	say_mib(out, advice->bytes,
		"M /swapfile && chmod 600 /swapfile && mkswap /swapfile && "
		"swapon /swapfile.");
	return true;
}

static bool advise_kernel(struct text *out, const struct advice *advice)
{
	text__string(out, "See what holds those ");
	wording__bytes(out, advice->bytes);
	text__string(out,
		     ": slabtop -s c for objects, memory.stat above for page tables, stacks and "
		     "sockets.");
	return true;
}

static bool advise_stacks(struct text *out, const struct model *model,
			  const struct incident *incident)
{
	if (model__growth_count(model) == 0) {
		text__string(out,
			     "Find out which code it is: oomtrail record -p PID, or -c CGROUP, the "
			     "next time it grows; nothing was sampled here.");
		return true;
	}
	text__string(out, "Look at what ");
	say_party(out, &incident->culprit);
	text__string(out, ", grew by, the largest first: WHERE IT GREW.");
	return true;
}

bool advice__say(struct text *out, const struct model *model, const struct incident *incident,
		 const struct advice *advice)
{
	switch (advice->kind) {
	case ADVICE_STACKS:
		return advise_stacks(out, model, incident);
	case ADVICE_RAISE_LIMIT:
		return advise_limit(out, model, incident, advice);
	case ADVICE_BOUND_HEAP:
		return advise_heap(out, incident, advice);
	case ADVICE_PART:
		return advise_part(out, incident);
	case ADVICE_EMPTY_TMPFS:
		return advise_tmpfs(out, advice);
	case ADVICE_KERNEL:
		return advise_kernel(out, advice);
	case ADVICE_BOUND_TASKS:
		text__printf(
			out,
			"Bound how many there may be: pids.max of that cgroup, or TasksMax= of "
			"its unit, to %" PRIu64 " or fewer.",
			advice->count);
		return true;
	case ADVICE_ADD_SWAP:
		return advise_swap(out, advice);
	case ADVICE_HUGE_PAGES:
		text__string(out,
			     "Set fewer huge pages aside: sysctl vm.nr_hugepages, or hugepages= "
			     "on the kernel's command line; they are ");
		wording__bytes(out, advice->bytes);
		text__string(out, " now.");
		return true;
	case ADVICE_FEWER_SERVICES:
		text__string(out,
			     "Give services limits whose sum the host has (MemoryMax=), or fewer "
			     "services to the host.");
		return true;
	case ADVICE_KEEP_WATCHING:
		text__string(out,
			     "Leave the flight recorder running (oomtrail watch): with what came "
			     "before, the next report can tell more.");
		return true;
	case ADVICE_KIND_COUNT:
		break;
	}
	return false;
}

void threshold__say(struct text *out, const struct thresholds *thresholds, enum threshold threshold)
{
	const uint64_t value = thresholds->values[threshold];

	text__printf(out, "%s ", threshold__name(threshold));
	switch (threshold__unit(threshold)) {
	case THRESHOLD_BYTES:
		wording__bytes(out, (int64_t)value);
		break;
	case THRESHOLD_NS:
		wording__duration(out, value);
		break;
	case THRESHOLD_PERCENT:
		text__printf(out, "%" PRIu64 "%%", value);
		break;
	case THRESHOLD_COUNT:
		wording__count(out, value);
		break;
	}
}
