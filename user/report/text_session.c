/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "report/reading.h"
#include "report/section.h"
#include "report/wording.h"

#define LISTED       15 /* rows of each table; the JSON has all of them */
#define LISTED_BRIEF 5
#define ARGV_COLUMNS 120

static void cell_right(struct text *out, size_t width, void (*say)(struct text *, int64_t),
		       int64_t bytes)
{
	_cleanup_(text__free) struct text cell = {0};

	say(&cell, bytes);
	wording__cell_right(out, &cell, width);
}

static void print_more(struct text *out, size_t all, size_t listed)
{
	if (all > listed)
		text__printf(out, "  and %zu more\n", all - listed);
}

static void print_title(struct text *out, const struct model *model)
{
	const struct event_host *host = model__host(model);
	const struct model_span span = model__span(model);
	_cleanup_(text__free) struct text body = {0};

	wording__utc(&body, model__realtime_ns(model, span.first_ns));
	text__string(&body, "  ");
	if (!host)
		text__string(&body, "(host unknown)");
	else if (host->scope == FOLLOW_ALL)
		text__escaped_array(&body, host->name, sizeof(host->name));
	else
		text__escaped_array(&body, host->followed, sizeof(host->followed));
	text__string(&body, "  (");
	wording__duration(&body, span.last_ns - span.first_ns);
	text__string(&body, ", ");
	wording__counted(&body, model__process_count(model), "process", "processes");
	text__string(&body, ", ");
	wording__counted(&body, model__cgroup_count(model), "cgroup", "cgroups");
	if (model__incident_count(model) == 0)
		text__string(&body, ", no OOM kill");
	text__string(&body, ")");
	wording__paragraph(out, "oomtrail session ", 17, &body);
}

static void say_exit(struct text *out, const struct process *process)
{
	if (process->exit_lost)
		text__string(out, "gone, its exit was not seen");
	else
		wording__exit_status(out, process->exit_code);
}

static void print_process(struct text *out, const struct model *model,
			  const struct process *process)
{
	const struct process_span span = process__span(model, process);
	_cleanup_(text__free) struct text name = {0};
	_cleanup_(text__free) struct text command = {0};

	wording__task(&name, process->comm, process->task.pid);
	text__string(out, "  ");
	wording__cell_left(out, &name, 32);
	cell_right(out, 11, wording__bytes, span.first_bytes);
	cell_right(out, 11, wording__bytes, span.last_bytes);
	cell_right(out, 11, wording__bytes, span.peak_bytes);
	cell_right(out, 12, wording__delta, span.grew_bytes);
	if (process->exit_ns != 0) {
		text__string(out, "  ");
		say_exit(out, process);
	}
	text__string(out, "\n");
	wording__argv(&command, process->argv, process->argv_bytes, process->argv_flags,
		      ARGV_COLUMNS);
	wording__paragraph(out, "", 6, &command);
}

static int print_processes(struct text *out, const struct model *model, size_t most)
{
	const size_t count = model__process_count(model);
	_cleanup_(freep) const struct process **sorted = NULL;
	bool started = false;
	size_t grown = 0;
	int err;

	err = model__processes_by_growth(model, &sorted);
	if (err < 0)
		return err;
	while (grown < count && process__span(model, sorted[grown]).grew_bytes > 0)
		grown++;
	section__heading(out, "PROCESSES THAT GREW MOST");
	if (grown == 0) {
		text__string(out, "  none grew\n");
		return 0;
	}
	text__printf(out, "  %-32s%11s%11s%11s%12s\n", "resident and swap", "first", "last", "peak",
		     "grew");
	for (size_t i = 0; i < grown && i < most; i++) {
		print_process(out, model, sorted[i]);
		started |= sorted[i]->exec_ns != 0;
	}
	print_more(out, grown, grown < most ? grown : most);
	if (started)
		text__string(out, "  first: when first seen, or 0 of a program started since\n");
	return 0;
}

static void print_exit(struct text *out, const struct model *model, const struct process *process)
{
	const uint64_t since_ns = process->exit_ns - model__span(model).first_ns;
	_cleanup_(text__free) struct text name = {0};
	char offset[UNITS_MAX];

	wording__task(&name, process->comm, process->task.pid);
	text__printf(out, "%12s  ", units__offset(offset, (int64_t)since_ns));
	wording__cell_left(out, &name, 32);
	say_exit(out, process);
	text__string(out, ", peak ");
	wording__bytes(out, process__span(model, process).peak_bytes);
	text__string(out, "\n");
}

static int print_exits(struct text *out, const struct model *model, size_t most)
{
	const size_t all = model__process_count(model);
	_cleanup_(freep) const struct process **failures = NULL;
	size_t count, exited = 0;
	int err;

	err = model__failures(model, &failures, &count);
	for (size_t i = 0; i < all; i++)
		exited += model__process(model, i)->exit_ns != 0;
	if (err < 0 || exited == 0)
		return err;
	section__heading(out, "EXITED");
	text__printf(out, "  %zu of ", exited);
	wording__counted(out, all, "process", "processes");
	if (count == 0)
		text__string(out, "; none failed\n");
	else
		text__printf(out, "; %zu failed%s\n", count,
			     count > 1 ? ", those killed first, then the largest:" : ":");
	for (size_t i = 0; i < count && i < most; i++)
		print_exit(out, model, failures[i]);
	print_more(out, count, most);
	return 0;
}

static int print_cgroup(struct text *out, const struct model *model, const struct cgroup *cgroup)
{
	_cleanup_(freep) char *path = model__cgroup_path(model, cgroup->id);

	if (!path)
		return -ENOMEM;
	text__string(out, "  ");
	cell_right(out, 11, wording__bytes, cgroup->now.usage_bytes);
	cell_right(out, 11, wording__bytes, cgroup->peak_usage_bytes);
	cell_right(out, 12, wording__delta, cgroup__grew_bytes(cgroup));
	cell_right(out, 12, wording__limit, cgroup->now.max_bytes);
	text__string(out, "  ");
	text__escaped(out, path, strlen(path));
	text__string(out, cgroup->gone_ns ? "  (removed)\n" : "\n");
	return 0;
}

/* Those of known usage: the root of v2 has none. */
static int print_cgroups(struct text *out, const struct model *model)
{
	const size_t count = model__cgroup_count(model);
	_cleanup_(freep) const struct cgroup **sorted = NULL;
	size_t listed = 0, known = 0;
	int err;

	err = model__cgroups_by_growth(model, &sorted);
	for (size_t i = 0; err == 0 && i < count; i++)
		known += sorted[i]->now.usage_bytes != EVENT_UNKNOWN;
	if (err < 0 || known == 0)
		return err;
	section__heading(out, "CGROUPS");
	text__printf(out, "  %11s%11s%12s%12s  %s\n", "last told", "peak", "grew", "limit",
		     "cgroup");
	for (size_t i = 0; i < count && listed < LISTED; i++) {
		if (sorted[i]->now.usage_bytes == EVENT_UNKNOWN)
			continue;
		err = print_cgroup(out, model, sorted[i]);
		if (err < 0)
			return err;
		listed++;
	}
	print_more(out, known, listed);
	return 0;
}

/* Those with a process left: the others hold nothing and are told by process. */
static int print_services(struct text *out, const struct model *model)
{
	_cleanup_(freep) struct service_sum *sums = NULL;
	size_t count, alive = 0, listed = 0;
	int err;

	err = model__services(model, &sums, &count);
	for (size_t i = 0; err == 0 && i < count; i++)
		alive += sums[i].alive > 0;
	if (err < 0 || alive == 0)
		return err;
	section__heading(out, "SERVICES");
	text__printf(out, "  %11s%12s%11s  %s\n", "now", "grew", "processes", "service");
	for (size_t i = 0; i < count && listed < LISTED; i++) {
		if (sums[i].alive == 0)
			continue;
		text__string(out, "  ");
		cell_right(out, 11, wording__bytes, sums[i].now_bytes);
		cell_right(out, 12, wording__delta, sums[i].grew_bytes);
		text__printf(out, "%11zu  ", sums[i].alive);
		wording__service(out, &sums[i].service);
		text__string(out, "\n");
		listed++;
	}
	print_more(out, alive, listed);
	return 0;
}

/* What the host had left, and what its shortage cost: a big cache is no shortage, stalls are one.
 */
static void print_host(struct text *out, const struct model *model)
{
	uint64_t time_ns;
	const struct meminfo meminfo = model__meminfo(model, &time_ns);
	const struct event_psi psi = model__psi_gained(model, 0);
	_cleanup_(text__free) struct text body = {0};

	if (time_ns == 0 || meminfo.available_bytes < 0 || meminfo.total_bytes < 0)
		return;
	wording__bytes(&body, meminfo.available_bytes);
	text__string(&body, " of ");
	wording__bytes(&body, meminfo.total_bytes);
	text__string(&body, " of memory available when last read; ");
	if (psi.some_us < 0) {
		text__string(&body, "stalls on memory are not measured on this host");
	} else if (psi.some_us == 0) {
		text__string(&body, "no task waited for memory");
	} else {
		text__string(&body, "tasks waited for memory for ");
		wording__duration(&body, (uint64_t)psi.some_us * NS_PER_US);
		if (psi.full_us >= 0) {
			text__string(&body, ", all of them at once for ");
			wording__duration(&body, (uint64_t)psi.full_us * NS_PER_US);
		}
	}
	text__string(out, "\n");
	wording__paragraph(out, "HOST", sizeof("HOST  ") - 1, &body);
}

int section__session(struct text *out, const struct model *model, bool brief)
{
	int err;

	print_title(out, model);
	print_host(out, model);
	err = section__held(out, model);
	if (err < 0)
		return err;
	err = print_processes(out, model, brief ? LISTED_BRIEF : LISTED);
	if (err < 0)
		return err;
	err = section__outlook(out, model);
	if (err < 0)
		return err;
	err = section__growth(out, model, brief);
	if (err < 0)
		return err;
	if (!brief) {
		err = print_services(out, model);
		if (err < 0)
			return err;
		err = print_cgroups(out, model);
		if (err < 0)
			return err;
	}
	err = print_exits(out, model, brief ? LISTED_BRIEF : LISTED);
	if (err < 0)
		return err;
	section__kills(out, model, LISTED);
	if (!brief)
		section__known(out, model, NULL);
	return 0;
}
