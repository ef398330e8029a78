/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "report/held.h"
#include "report/section.h"
#include "report/wording.h"

#define LISTED        15 /* the JSON has all of them */
#define LISTED_INSIDE 3
#define INDENT        12

static void say_when(struct text *out, const struct model *model, uint64_t time_ns)
{
	char offset[UNITS_MAX];

	text__string(out, units__offset(offset, (int64_t)(time_ns - model__span(model).first_ns)));
}

static void say_inside(struct text *out, const struct model *model, const struct held_back *held)
{
	const struct process *inside[LISTED_INSIDE];
	const size_t count = held_back__processes(model, held, inside, LISTED_INSIDE);

	for (size_t i = 0; i < count && i < LISTED_INSIDE; i++) {
		text__string(out, i ? "; " : ". In it: ");
		wording__task(out, inside[i]->comm, inside[i]->task.pid);
	}
	if (count > LISTED_INSIDE)
		text__printf(out, "; and %zu more", count - LISTED_INSIDE);
}

/* What is seen are looks: when it began and ended lies at most a second before each. */
static void say_full(struct text *out, const struct model *model, const struct held_back *held)
{
	const struct hold *hold = held->hold;

	text__string(out, ": full (");
	wording__bytes(out, hold->usage_bytes);
	text__string(out, hold->memsw ? " of memory and swap in use of " : " in use of ");
	wording__limit(out, hold->limit_bytes);
	text__string(out, "), and its OOM killer is switched off (memory.oom_control): tasks ");
	text__string(out, held->ended_ns ? "waited" : "wait");
	if (held_back__before(model, held)) {
		text__string(out, " since before the recording");
	} else {
		text__string(out, " since ");
		say_when(out, model, hold->from_ns);
	}
	if (held->ended_ns) {
		text__string(out, " and no longer at ");
		say_when(out, model, held->ended_ns);
	} else {
		text__string(out, ", still so at the end");
	}
	if (hold->times > 1) {
		text__string(out, " (");
		wording__count(out, hold->times);
		text__string(out, " such times in all)");
	}
	if (held->ended_ns)
		return;
	say_inside(out, model, held);
	text__printf(out,
		     ". To end it: raise %s, free memory in it, or write 0 to its "
		     "memory.oom_control to have one of them killed",
		     hold->memsw ? "memory.memsw.limit_in_bytes" : "memory.limit_in_bytes");
}

static void say_high(struct text *out, const struct model *model, const struct held_back *held)
{
	const struct hold *hold = held->hold;

	text__string(out, ": throttled ");
	wording__counted(out, hold->times, "time", "times");
	text__string(out, " for being above memory.high (");
	wording__limit(out, hold->limit_bytes);
	text__string(out, "; ");
	wording__bytes(out, hold->usage_bytes);
	text__string(out, " in use when last seen so), ");
	if (hold->to_ns == hold->from_ns) {
		text__string(out, "seen at ");
		say_when(out, model, hold->from_ns);
		return;
	}
	text__string(out, "seen from ");
	say_when(out, model, hold->from_ns);
	text__string(out, " to ");
	say_when(out, model, hold->to_ns);
}

static const char *label(const struct held_back *held)
{
	if (held->why == HELD_HIGH)
		return "  slowed    ";
	return held->ended_ns ? "  waited    " : "  waits     ";
}

static int print_one(struct text *out, const struct model *model, const struct held_back *held)
{
	_cleanup_(freep) char *path = model__cgroup_path(model, held->cgroup->id);
	_cleanup_(text__free) struct text body = {0};

	if (!path)
		return -ENOMEM;
	text__escaped(&body, path, strlen(path));
	if (held->why == HELD_FULL)
		say_full(&body, model, held);
	else
		say_high(&body, model, held);
	wording__paragraph(out, label(held), INDENT, &body);
	return 0;
}

int section__held(struct text *out, const struct model *model)
{
	_cleanup_(freep) struct held_back *list = NULL;
	size_t count;
	int err = model__held_back(model, &list, &count);

	if (err < 0 || count == 0)
		return err;
	section__heading(out, "HELD BACK (stopped or slowed at a limit, not killed)");
	for (size_t i = 0; i < count && i < LISTED && err == 0; i++)
		err = print_one(out, model, &list[i]);
	if (count > LISTED)
		text__printf(out, "  and %zu more\n", count - LISTED);
	return err;
}
