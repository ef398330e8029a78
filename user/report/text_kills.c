/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <signal.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "report/reading.h"
#include "report/report.h"
#include "report/section.h"
#include "report/wording.h"
#include "verdict/death.h"
#include "verdict/points.h"

/* Everybody who was sent SIGKILL, and by whom. */

#define INDENT       14
#define ARGV_COLUMNS 240
#define ECHO_NS      1000000000ULL /* a shell ends right behind its child */

static const struct process *known(const struct model *model, const struct task_ref *task)
{
	const struct process *process = model__process_by_pid(model, task->pid);

	return process && process->task.start_ns == task->start_ns ? process : NULL;
}

static void say_how(struct text *out, const struct kill *kill, enum death death)
{
	switch (kill->class) {
	case KILL_OOM:
		text__string(out, ", by the OOM killer; asked: ");
		break;
	case KILL_OOM_EXITING:
		text__string(out, ", chosen by the OOM killer, but exiting already and not "
				  "killed; asked: ");
		break;
	case KILL_OOM_SHARED_MM:
		text__string(out, ", with an OOM victim whose memory it runs on; asked: ");
		break;
	case KILL_SIGNAL:
		text__string(out, ", by ");
		break;
	case KILL_KERNEL:
		if (death == DEATH_CPU_LIMIT) {
			text__printf(out, ", by the kernel, %s", death__words(death));
			return;
		}
		text__string(out, ", by the kernel, not for memory; running: ");
		break;
	}
	if (kill->sender.pid != 0)
		wording__task(out, kill->sender_comm, kill->sender.pid);
	else
		text__string(out, "nobody known");
	if (*death__words(death))
		text__printf(out, ", %s", death__words(death));
}

static void print_kill(struct text *out, const struct model *model, const struct kill *kill)
{
	_cleanup_(text__free) struct text body = {0};
	char label[UNITS_MAX + 4], offset[UNITS_MAX];

	wording__task(&body, kill->target_comm, kill->target.pid);
	say_how(&body, kill, death__of_kill(model, kill));
	snprintf(label, sizeof(label), "%12s  ",
		 units__offset(offset, (int64_t)(kill->time_ns - model__span(model).first_ns)));
	wording__paragraph(out, label, INDENT, &body);
}

static void print_command(struct text *out, const char *whose, const struct process *process)
{
	_cleanup_(text__free) struct text body = {0};

	if (!process || !process->argv)
		return;
	text__printf(&body, "%s: ", whose);
	wording__argv(&body, process->argv, process->argv_bytes, process->argv_flags, ARGV_COLUMNS);
	wording__paragraph(out, "", INDENT, &body);
}

/* A shell, or who runs others as one does, ends with what its child was killed by. */
static void print_echo(struct text *out, const struct model *model, const struct process *target)
{
	const struct process *parent = target ? known(model, &target->parent) : NULL;
	_cleanup_(text__free) struct text body = {0};

	if (!parent || parent->exit_ns < target->exit_ns ||
	    parent->exit_ns - target->exit_ns > ECHO_NS || parent->exit_lost ||
	    parent->exit_code != (128 + SIGKILL) << 8)
		return;
	text__string(&body, "its parent ");
	wording__task(&body, parent->comm, parent->task.pid);
	text__string(&body,
		     ", ended with 137 for that: 128 and SIGKILL, of its child and not its own");
	wording__paragraph(out, "", INDENT, &body);
}

/* "it held 96 MiB at last, which had risen by 80 MiB in 40 s, steady"; 0 or -ENOMEM. */
static int print_trend(struct text *out, const struct process *target, const struct kill *kill)
{
	_cleanup_(text__free) struct text body = {0};
	struct trend trend;

	if (points__trend(&trend, target->series, target->exec_ns, kill->time_ns))
		return -ENOMEM;
	if (trend.shape == TREND_UNKNOWN)
		return 0;
	text__string(&body, "it held ");
	wording__bytes(&body, trend.last_bytes);
	text__string(&body, " at last");
	if (trend.shape != TREND_FLAT && trend.rose_bytes > 0) {
		text__string(&body, ", which had risen by ");
		wording__bytes(&body, trend.rose_bytes);
		text__string(&body, " in ");
		wording__duration(&body, trend.to_ns - trend.rise_from_ns);
	}
	text__printf(&body, ", %s", trend_shape__word(trend.shape));
	wording__paragraph(out, "", INDENT, &body);
	return 0;
}

static int print_details(struct text *out, const struct model *model, const struct kill *kill)
{
	const struct process *target = known(model, &kill->target);

	print_command(out, "it", target);
	if (kill->class == KILL_SIGNAL && !task_ref__same(&kill->sender, &kill->target))
		print_command(out, "by", known(model, &kill->sender));
	print_echo(out, model, target);
	if (target && print_trend(out, target, kill))
		return -ENOMEM;
	if (target && target->peak_rss_bytes > 0) {
		text__pad(out, ' ', INDENT);
		text__string(out, "it held at most ");
		wording__bytes(out, target->peak_rss_bytes);
		text__string(out, "\n");
	}
	if (kill->incident < 0)
		return 0;
	text__pad(out, ' ', INDENT);
	text__printf(out, "incident %s\n", model__incident(model, (size_t)kill->incident)->id);
	return 0;
}

void section__kills(struct text *out, const struct model *model, size_t most)
{
	const size_t count = model__kill_count(model);

	if (count == 0)
		return;
	section__heading(out, "KILLED (SIGKILL)");
	for (size_t i = 0; i < count && i < most; i++)
		print_kill(out, model, model__kill(model, i));
	if (count > most)
		text__printf(out, "  and %zu more; report --kills lists all\n", count - most);
}

int report__kills(const struct model *model, struct text *out)
{
	const size_t count = model__kill_count(model);
	_cleanup_(text__free) struct text report = {0};

	wording__counted(&report, count, "kill", "kills");
	text__string(&report, " by SIGKILL since ");
	wording__utc(&report, model__realtime_ns(model, model__span(model).first_ns));
	text__string(&report, "\n");
	for (size_t i = 0; i < count; i++) {
		print_kill(&report, model, model__kill(model, i));
		if (print_details(&report, model, model__kill(model, i)))
			return -ENOMEM;
	}
	text__append(out, report.data, report.length);
	return text__ok(&report) && text__ok(out) ? 0 : -ENOMEM;
}
