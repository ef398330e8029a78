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

	text__string(out, "oomtrail session ");
	wording__utc(out, model__realtime_ns(model, span.first_ns));
	text__string(out, "  ");
	if (!host)
		text__string(out, "(host unknown)");
	else if (host->scope == FOLLOW_ALL)
		text__escaped_array(out, host->name, sizeof(host->name));
	else
		text__escaped_array(out, host->followed, sizeof(host->followed));
	text__string(out, "  (");
	wording__duration(out, span.last_ns - span.first_ns);
	text__printf(out, ", %zu processes, %zu cgroups", model__process_count(model),
		     model__cgroup_count(model));
	if (model__incident_count(model) == 0)
		text__string(out, ", no OOM kill");
	text__string(out, ")\n");
}

static void say_exit(struct text *out, const struct process *process)
{
	if (process->exit_lost)
		text__string(out, "gone, its exit was not seen");
	else
		wording__exit_status(out, process->exit_code);
}

static void print_process(struct text *out, const struct process *process)
{
	const struct process_span span = process__span(process);
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
	size_t grown = 0;
	int err;

	err = model__processes_by_growth(model, &sorted);
	if (err < 0)
		return err;
	while (grown < count && process__span(sorted[grown]).grew_bytes > 0)
		grown++;
	section__heading(out, "PROCESSES THAT GREW MOST");
	if (grown == 0) {
		text__printf(out, "  none of %zu grew\n", count);
		return 0;
	}
	text__printf(out, "  %-32s%11s%11s%11s%12s\n", "resident and swap", "first", "last", "peak",
		     "grew");
	for (size_t i = 0; i < grown && i < most; i++)
		print_process(out, sorted[i]);
	print_more(out, grown, grown < most ? grown : most);
	return 0;
}

/* Exits a person asks about: whatever is not known to have ended with status 0. */
static bool exit__is_news(const struct process *process)
{
	return process->exit_ns != 0 && (process->exit_lost || process->exit_code != 0);
}

static void print_exits(struct text *out, const struct model *model)
{
	const size_t count = model__process_count(model);
	const struct model_span span = model__span(model);
	size_t exited = 0, news = 0;

	for (size_t i = 0; i < count; i++)
		exited += model__process(model, i)->exit_ns != 0;
	section__heading(out, "EXITED");
	text__printf(out, "  %zu of %zu processes\n", exited, count);
	for (size_t i = 0; i < count; i++) {
		const struct process *process = model__process(model, i);
		_cleanup_(text__free) struct text name = {0};
		char offset[UNITS_MAX];

		if (!exit__is_news(process))
			continue;
		if (news++ >= LISTED)
			continue;
		wording__task(&name, process->comm, process->task.pid);
		text__printf(out, "%12s  ",
			     units__offset(offset, (int64_t)(process->exit_ns - span.first_ns)));
		wording__cell_left(out, &name, 32);
		say_exit(out, process);
		text__string(out, ", peak ");
		wording__bytes(out, process__span(process).peak_bytes);
		text__string(out, "\n");
	}
	print_more(out, news, LISTED);
}

static int print_cgroups(struct text *out, const struct model *model)
{
	const size_t count = model__cgroup_count(model);
	_cleanup_(freep) const struct cgroup **sorted = NULL;
	int err;

	err = model__cgroups_by_growth(model, &sorted);
	if (err < 0 || count == 0)
		return err;
	section__heading(out, "CGROUPS");
	text__printf(out, "  %11s%11s%12s%12s  %s\n", "usage", "peak", "grew", "limit", "cgroup");
	for (size_t i = 0; i < count && i < LISTED; i++) {
		_cleanup_(freep) char *path = model__cgroup_path(model, sorted[i]->id);

		if (!path)
			return -ENOMEM;
		text__string(out, "  ");
		cell_right(out, 11, wording__bytes, sorted[i]->now.usage_bytes);
		cell_right(out, 11, wording__bytes, sorted[i]->peak_usage_bytes);
		cell_right(out, 12, wording__delta, cgroup__grew_bytes(sorted[i]));
		cell_right(out, 12, wording__limit, sorted[i]->now.max_bytes);
		text__string(out, "  ");
		text__escaped(out, path, strlen(path));
		text__string(out, sorted[i]->gone_ns ? "  (removed)\n" : "\n");
	}
	print_more(out, count, LISTED);
	return 0;
}

static int print_services(struct text *out, const struct model *model)
{
	_cleanup_(freep) struct service_sum *sums = NULL;
	size_t count;
	int err;

	err = model__services(model, &sums, &count);
	if (err < 0 || count == 0)
		return err;
	section__heading(out, "SERVICES");
	text__printf(out, "  %11s%12s%11s  %s\n", "now", "grew", "processes", "service");
	for (size_t i = 0; i < count && i < LISTED; i++) {
		text__string(out, "  ");
		cell_right(out, 11, wording__bytes, sums[i].now_bytes);
		cell_right(out, 12, wording__delta, sums[i].grew_bytes);
		text__printf(out, "%11zu  ", sums[i].alive);
		wording__service(out, &sums[i].service);
		text__string(out, "\n");
	}
	print_more(out, count, LISTED);
	return 0;
}

static void print_kill(struct text *out, const struct kill *kill, uint64_t start_ns)
{
	_cleanup_(text__free) struct text body = {0};
	char label[UNITS_MAX + 4], offset[UNITS_MAX];

	wording__task(&body, kill->target_comm, kill->target.pid);
	switch (kill->class) {
	case KILL_OOM:
		text__string(&body, ", by the OOM killer; asked: ");
		break;
	case KILL_OOM_SHARED_MM:
		text__string(&body, ", with an OOM victim whose memory it runs on; asked: ");
		break;
	case KILL_SIGNAL:
		text__string(&body, ", by ");
		break;
	case KILL_KERNEL:
		text__string(&body, ", by the kernel, not for memory; running: ");
		break;
	}
	if (kill->sender.pid != 0)
		wording__task(&body, kill->sender_comm, kill->sender.pid);
	else
		text__string(&body, "nobody known");
	snprintf(label, sizeof(label), "%12s  ",
		 units__offset(offset, (int64_t)(kill->time_ns - start_ns)));
	wording__paragraph(out, label, 14, &body);
}

static void print_kills(struct text *out, const struct model *model)
{
	const size_t count = model__kill_count(model);
	const struct model_span span = model__span(model);

	if (count == 0)
		return;
	section__heading(out, "KILLED (SIGKILL)");
	for (size_t i = 0; i < count && i < LISTED; i++)
		print_kill(out, model__kill(model, i), span.first_ns);
	print_more(out, count, LISTED);
}

int section__session(struct text *out, const struct model *model, bool brief)
{
	int err;

	print_title(out, model);
	err = print_processes(out, model, brief ? 5 : LISTED);
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
	print_exits(out, model);
	print_kills(out, model);
	if (!brief)
		section__known(out, model, NULL);
	return 0;
}
