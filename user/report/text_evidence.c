/* SPDX-License-Identifier: GPL-2.0-only */
#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "report/reading.h"
#include "report/section.h"
#include "report/wording.h"

#define OTHERS_LISTED 20  /* the JSON lists all that were kept */
#define KILLS_LISTED  500 /* likewise */

static const struct {
	const char *name;
	size_t offset;
} memory_kinds[] = {
	{"anon", offsetof(struct memory, anon_bytes)},
	{"file", offsetof(struct memory, file_bytes)},
	{"shmem", offsetof(struct memory, shmem_bytes)},
	{"swap", offsetof(struct memory, swap_bytes)},
	{"page tables", offsetof(struct memory, page_table_bytes)},
	{"hugetlb", offsetof(struct memory, hugetlb_bytes)},
};

#define MEMORY_KINDS (sizeof(memory_kinds) / sizeof(memory_kinds[0]))
#define KIND_WIDTH   12
#define LABEL_WIDTH  28
#define NAME_WIDTH   34

static void cell__print(struct text *out, const char *string, size_t width)
{
	struct text cell = {0};

	text__string(&cell, string);
	wording__cell_right(out, &cell, width);
	text__free(&cell);
}

static void cell__print_bytes(struct text *out, int64_t bytes, size_t width)
{
	struct text cell = {0};

	wording__bytes(&cell, bytes);
	wording__cell_right(out, &cell, width);
	text__free(&cell);
}

static void print_party_row(struct text *out, const char *label, const struct party *party)
{
	const size_t start = out->length;

	text__pad(out, ' ', SECTION_INDENT);
	text__string(out, label);
	text__string(out, party->exact ? ", at the kill" : ", last told");
	text__pad_to(out, start, SECTION_INDENT + LABEL_WIDTH);
	for (size_t i = 0; i < MEMORY_KINDS; i++) {
		int64_t bytes;

		memcpy(&bytes, (const char *)&party->memory + memory_kinds[i].offset,
		       sizeof(bytes));
		cell__print_bytes(out, bytes, KIND_WIDTH - (i == 0 ? 2 : 0));
	}
	text__string(out, "\n");
}

static void flow_bytes(struct text *out, size_t *column, const char *name, int64_t bytes)
{
	struct text entry = {0};

	text__printf(&entry, "%s ", name);
	wording__bytes(&entry, bytes);
	wording__flow(out, column, 2 * SECTION_INDENT, REPORT_COLUMNS, &entry);
	text__free(&entry);
}

static void print_reading_title(struct text *out, const char *what, uint64_t time_ns,
				const struct incident *incident)
{
	text__pad(out, ' ', SECTION_INDENT);
	text__string(out, what);
	text__string(out, ", read ");
	if (time_ns >= incident->time_ns) {
		wording__duration(out, time_ns - incident->time_ns);
		text__string(out, " after the kill:\n");
	} else {
		wording__duration(out, incident->time_ns - time_ns);
		text__string(out, " before the kill:\n");
	}
}

/* A row this version of cgroups never has is not shown; one that could not be read is "unknown". */
static void print_memcg_stat(struct text *out, const struct model *model,
			     const struct incident *incident)
{
	const struct event_host *host = model__host(model);
	const bool v1 = host && host->cgroup_version == 1;
	const bool v2 = host && host->cgroup_version == 2;
	size_t column = 0;

	print_reading_title(out, "the cgroup (memory.stat)", incident->stat_ns, incident);
#define X(field, v2_key, v1_key)                                                          \
	if (incident->stat.field##_bytes != EVENT_UNKNOWN || (v1 && v1_key[0] != '\0') || \
	    (v2 && v2_key[0] != '\0'))                                                    \
		flow_bytes(out, &column, v1 &&v1_key[0] ? v1_key : v2_key,                \
			   incident->stat.field##_bytes);
	MEMCG_STATS(X)
#undef X
	text__string(out, "\n");
}

static void print_meminfo(struct text *out, const struct incident *incident)
{
	size_t column = 0;

	print_reading_title(out, "the host (/proc/meminfo)", incident->meminfo_ns, incident);
#define X(field, key) flow_bytes(out, &column, key, incident->meminfo.field##_bytes);
	MEMINFO(X)
#undef X
	text__string(out, "\n");
}

void section__memory(struct text *out, const struct model *model, const struct incident *incident)
{
	const bool in_cgroup = incident->domain_known && incident->domain_id != 0;

	section__heading(out, "MEMORY BY KIND");
	text__pad(out, ' ', SECTION_INDENT + LABEL_WIDTH);
	for (size_t i = 0; i < MEMORY_KINDS; i++)
		cell__print(out, memory_kinds[i].name, KIND_WIDTH - (i == 0 ? 2 : 0));
	text__string(out, "\n");
	print_party_row(out, "victim", &incident->victim);
	if (incident->culprit.task.pid != 0 &&
	    !task_ref__same(&incident->culprit.task, &incident->victim.task))
		print_party_row(out, "who grew", &incident->culprit);
	if (in_cgroup && incident->stat_ns != 0)
		print_memcg_stat(out, model, incident);
	else if (in_cgroup)
		text__string(out, "  the cgroup's memory.stat was not read\n");
	if (!in_cgroup && incident->meminfo_ns != 0)
		print_meminfo(out, incident);
}

/* "nginx, pid 901 (asked)" */
static void say_role(struct text *out, const struct incident *incident, const struct party *party)
{
	const bool grew = task_ref__same(&party->task, &incident->culprit.task);
	const bool asked = task_ref__same(&party->task, &incident->trigger.task);

	wording__task(out, party->comm, party->task.pid);
	if (grew || asked)
		text__printf(out, " (%s%s%s)", grew ? "grew most" : "", grew && asked ? ", " : "",
			     asked ? "asked" : "");
}

static void print_other(struct text *out, const struct incident *incident,
			const struct party *party)
{
	struct text name = {0}, grew = {0};

	say_role(&name, incident, party);
	wording__delta(&grew, party->grew_bytes);
	text__pad(out, ' ', SECTION_INDENT);
	wording__cell_left(out, &name, NAME_WIDTH);
	cell__print_bytes(out, memory__resident(&party->memory), 10);
	cell__print_bytes(out, party->memory.swap_bytes, 10);
	wording__cell_right(out, &grew, 11);
	text__printf(out, "%7" PRId32 "  ", party->oom_score_adj);
	if (party->service.kind == SERVICE_NONE)
		text__string(out, "-");
	else
		wording__service(out, &party->service);
	text__string(out, "\n");
	text__free(&name);
	text__free(&grew);
}

/* Their sizes must not be added up. */
static void print_sharers(struct text *out, const struct incident *incident)
{
	for (size_t i = 0; i < incident->process_count; i++) {
		const struct party *party = &incident->processes[i];

		if (!incident__on_victims_memory(incident, &party->task))
			continue;
		text__pad(out, ' ', SECTION_INDENT);
		wording__task(out, party->comm, party->task.pid);
		text__string(out, " runs on the victim's memory: it holds the same pages\n");
	}
}

void section__others(struct text *out, const struct incident *incident)
{
	size_t listed = 0, others = incident->process_omitted;

	for (size_t i = 0; i < incident->process_count; i++)
		others += !task_ref__same(&incident->processes[i].task, &incident->victim.task);
	section__heading(out, "WHO ELSE WAS THERE");
	if (others == 0) {
		text__string(out, "  nobody: no other process ");
		text__string(out, incident->followed_all ? "was there\n" : "was followed there\n");
		return;
	}
	text__printf(out, "  %-*s%10s%10s%11s%7s  %s\n", NAME_WIDTH, "", "resident", "swap", "grew",
		     "adj", "service");
	for (size_t i = 0; i < incident->process_count && listed < OTHERS_LISTED; i++) {
		if (task_ref__same(&incident->processes[i].task, &incident->victim.task))
			continue;
		print_other(out, incident, &incident->processes[i]);
		listed++;
	}
	if (others > listed)
		text__printf(out, "  and %zu more\n", others - listed);
	text__string(out, "  grew: resident and swap, in ");
	wording__duration(out, incident__window_ns(incident));
	text__string(out, " or since birth; adj: oom_score_adj\n");
	print_sharers(out, incident);
}

static const char *kill_words(const struct model *model, const struct incident *incident,
			      const struct incident_kill *kill)
{
	if (kill->class == KILL_OOM_SHARED_MM)
		return "runs on the victim's memory";
	if (kill->class == KILL_OOM_EXITING)
		return "was exiting already";
	if (kill->class != KILL_OOM)
		return "SIGKILL";
	return incident__kills_group(model, incident) ? "memory.oom.group is set"
						      : "another OOM kill";
}

static void print_kill(struct text *out, const struct model *model, const struct incident *incident,
		       const struct incident_kill *kill)
{
	struct text name = {0};
	char offset[UNITS_MAX];

	wording__task(&name, kill->comm, kill->task.pid);
	text__printf(out, "%12s  ",
		     units__offset(offset, (int64_t)(kill->time_ns - incident->time_ns)));
	wording__cell_left(out, &name, 26);
	text__printf(out, "  %s; ", kill_words(model, incident, kill));
	if (kill->exit_ns != 0) {
		wording__exit_status(out, kill->exit_code);
		text__printf(out, " at %s",
			     units__offset(offset, (int64_t)(kill->exit_ns - incident->time_ns)));
	} else {
		text__string(out, "its exit was not seen");
	}
	text__string(out, "\n");
	text__free(&name);
}

/* The first burst, one line each. */
static size_t print_burst(struct text *out, const struct model *model,
			  const struct incident *incident)
{
	size_t others = 0;

	for (size_t i = 0; i < incident->kill_count; i++) {
		const struct incident_kill *kill = &incident->kills[i];

		if (kill->later || task_ref__same(&kill->task, &incident->victim.task))
			continue;
		if (others++ < KILLS_LISTED)
			print_kill(out, model, incident, kill);
	}
	if (others > KILLS_LISTED)
		text__printf(out, "  and %zu more\n", others - KILLS_LISTED);
	return others;
}

/* The same cause again: side by side. */
static void print_later(struct text *out, const struct incident *incident)
{
	const uint64_t later = incident->storm.count - incident->burst_kills;
	size_t listed = 0, column = 0;

	text__string(out, "  the same cause again, ");
	wording__counted(out, later, "kill", "kills");
	text__string(out, ":\n");
	for (size_t i = 0; i < incident->kill_count && listed < KILLS_LISTED; i++) {
		const struct incident_kill *kill = &incident->kills[i];
		struct text entry = {0};
		char offset[UNITS_MAX];

		if (!kill->later)
			continue;
		text__printf(&entry, "%s ",
			     units__offset(offset, (int64_t)(kill->time_ns - incident->time_ns)));
		wording__task(&entry, kill->comm, kill->task.pid);
		wording__flow(out, &column, 2 * SECTION_INDENT, REPORT_COLUMNS, &entry);
		text__free(&entry);
		listed++;
	}
	text__string(out, column > 0 ? "\n" : "");
	if (later > listed) {
		text__string(out, "  and ");
		wording__count(out, later - listed);
		text__string(out, " more\n");
	}
}

void section__killed_with(struct text *out, const struct model *model,
			  const struct incident *incident)
{
	struct text burst = {0};
	const size_t others = print_burst(&burst, model, incident);

	if (others > 0 || incident->storm.count > 0)
		section__heading(out, "KILLED AS WELL");
	text__append(out, burst.data, burst.length);
	out->failed |= burst.failed;
	if (incident->storm.count > 0)
		print_later(out, incident);
	if (incident->kill_omitted > 0) {
		text__string(out, "  ");
		wording__count(out, incident->kill_omitted);
		text__string(out, " of them are counted, but by name and time no longer known\n");
	}
	text__free(&burst);
}

void section__timeline(struct text *out, const struct incident *incident)
{
	section__heading(out, "TIMELINE");
	if (incident->timeline_omitted > 0)
		text__printf(out, "  %zu entries are left out\n", incident->timeline_omitted);
	for (size_t i = 0; i < incident->timeline_count; i++) {
		const struct timeline_entry *entry = &incident->timeline[i];
		struct text label = {0}, body = {0};
		char offset[UNITS_MAX];

		text__printf(&label, "%12s  ",
			     units__offset(offset, (int64_t)(entry->time_ns - incident->time_ns)));
		text__escaped(&body, entry->what, strlen(entry->what));
		wording__paragraph(out, text__ok(&label) ? label.data : "", 14, &body);
		text__free(&label);
		text__free(&body);
	}
}
