/* SPDX-License-Identifier: GPL-2.0-only */
#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "report/reading.h"
#include "report/section.h"
#include "report/wording.h"

#define ARGV_COLUMNS 270 /* three lines; the JSON has all of it */

const char *incident__domain_noun(const struct incident *incident)
{
	if (!incident->domain_known)
		return "the victim's cgroup"; /* all that could be compared */
	return incident->domain_id ? "the cgroup" : "the host";
}

static void print_title(struct text *out, const struct incident *incident)
{
	_cleanup_(text__free) struct text body = {0};
	const struct party *victim = &incident->victim;

	wording__utc(&body, incident->realtime_ns);
	text__string(&body, "  ");
	if (victim->service.kind != SERVICE_NONE && victim->service.kind != SERVICE_TREE)
		wording__service(&body, &victim->service);
	else if (victim->cgroup)
		text__escaped(&body, victim->cgroup, strlen(victim->cgroup));
	else
		text__string(&body, "(cgroup unknown)");
	text__printf(&body, "  (kernel OOM, %s)", incident__scope_words(incident));
	wording__paragraph(out, "oomtrail incident ", 18, &body);
	text__string(out, "\n");
}

/* Before anything else: what follows is only the first of many. */
static void print_storm(struct text *out, const struct model *model,
			const struct incident *incident)
{
	const uint64_t kills = incident->storm.count;
	const uint64_t span_ns = incident->storm.last_ns - incident->storm.first_ns;
	_cleanup_(text__free) struct text body = {0};

	if (kills == 0)
		return;
	wording__counted(&body, kills, "kill", "kills");
	text__string(&body, " of this cause in ");
	wording__duration(&body, span_ns);
	/* Members of a group die together: a mean would be no interval. */
	if (kills > 2 && !incident__kills_group(model, incident)) {
		text__string(&body, " (on average every ");
		wording__duration(&body, span_ns / (kills - 1));
		text__string(&body, ")");
	}
	text__string(&body, "; this is the first, all of them: see KILLED AS WELL");
	wording__paragraph(out, "STORM", ANSWER_INDENT, &body);
}

static void print_killed(struct text *out, const struct incident *incident)
{
	_cleanup_(text__free) struct text body = {0};
	_cleanup_(text__free) struct text command = {0};
	const struct party *victim = &incident->victim;
	const bool exiting = incident__victim_was_exiting(incident);

	wording__task(&body, victim->comm, victim->task.pid);
	text__string(&body, ": ");
	wording__memory(&body, &victim->memory);
	if (exiting)
		text__string(&body, "; it was exiting already and was sent no SIGKILL");
	if (incident->burst_kills > 1) {
		text__string(&body, "; and ");
		wording__count(&body, incident->burst_kills - 1);
		text__string(&body, " more, see KILLED AS WELL");
	}
	wording__paragraph(out, exiting ? "CHOSEN" : "KILLED", ANSWER_INDENT, &body);
	wording__argv(&command, victim->argv, victim->argv_bytes, victim->argv_flags, ARGV_COLUMNS);
	wording__paragraph(out, "", ANSWER_INDENT, &command);
}

/* "one page (4.0 KiB, gfp 0xcc0)" */
static void say_request(struct text *out, const struct model *model,
			const struct incident *incident)
{
	const struct event_host *host = model__host(model);

	if (incident->order < 0 || incident->order > 30) {
		text__string(out, "for how much is not known");
		return;
	}
	if (incident->order == 0)
		text__string(out, "for one page (");
	else
		text__printf(out, "for %lu contiguous pages (order %" PRId32 ", ",
			     1UL << incident->order, incident->order);
	if (host && host->page_bytes != 0) {
		wording__bytes(out, (int64_t)host->page_bytes << incident->order);
		text__string(out, ", ");
	}
	text__printf(out, "gfp 0x%" PRIx32 ")", incident->gfp_mask);
}

static void say_own_growth(struct text *out, const struct party *party)
{
	if (party->grew_bytes == EVENT_UNKNOWN) {
		text__string(out, "whether it grew is not known");
		return;
	}
	text__string(out, party->grew_bytes > 0 ? "it grew itself: " : "it did not grow");
	if (party->grew_bytes < 0)
		text__string(out, ": ");
	if (party->grew_bytes != 0)
		wording__delta(out, party->grew_bytes);
	text__string(out, " in ");
	wording__duration(out, party->grew_over_ns);
	if (party->born_in_window)
		text__string(out, ", its whole life");
}

static void print_asked(struct text *out, const struct model *model,
			const struct incident *incident)
{
	_cleanup_(text__free) struct text body = {0};
	const struct party *trigger = &incident->trigger;

	if (trigger->task.pid == 0) {
		text__string(&body, "not known");
		wording__paragraph(out, "ASKED", ANSWER_INDENT, &body);
		return;
	}
	wording__task(&body, trigger->comm, trigger->task.pid);
	if (incident__by_hand(incident)) {
		text__string(&body, ", through sysrq");
	} else if (task_ref__same(&trigger->task, &incident->victim.task)) {
		text__string(&body, ", the victim itself: ");
		say_request(&body, model, incident);
	} else if (task_ref__same(&trigger->task, &incident->culprit.task)) {
		text__string(&body, ", the one that grew: ");
		say_request(&body, model, incident);
	} else if (incident__on_victims_memory(incident, &trigger->task)) {
		text__string(&body, ", which runs on the victim's memory: ");
		say_request(&body, model, incident);
	} else {
		text__string(&body, ": ");
		say_request(&body, model, incident);
		text__string(&body, "; ");
		say_own_growth(&body, trigger);
	}
	wording__paragraph(out, "ASKED", ANSWER_INDENT, &body);
}

static void say_nobody_grew(struct text *out, const struct incident *incident)
{
	text__printf(out, "no process of %s was seen to grow in the ",
		     incident__domain_noun(incident));
	wording__duration(out, incident__window_ns(incident));
	text__string(out, " before");
	if (incident->domain_grew_bytes == EVENT_UNKNOWN)
		return;
	text__printf(out, "; %s's usage changed by ", incident__domain_noun(incident));
	wording__delta(out, incident->domain_grew_bytes);
}

static void say_share(struct text *out, const struct incident *incident)
{
	const struct share share = incident__culprit_share(incident);
	const char *noun = incident__domain_noun(incident);

	if (share.whole > 0) {
		text__string(out, ", ");
		wording__percent(out, (uint64_t)share.part, (uint64_t)share.whole, 0);
		text__printf(out,
			     share.of_domain ? " of %s's growth ("
					     : " of the growth of %s's processes (",
			     noun);
		wording__delta(out, share.whole);
		text__string(out, ")");
	}
	if (!share.of_domain && incident->domain_grew_bytes != EVENT_UNKNOWN) {
		text__printf(out, "; %s's usage changed by ", noun);
		wording__delta(out, incident->domain_grew_bytes);
	}
}

static void print_grew(struct text *out, const struct incident *incident)
{
	_cleanup_(text__free) struct text body = {0};
	_cleanup_(text__free) struct text command = {0};
	const struct party *culprit = &incident->culprit;
	const bool is_victim = task_ref__same(&culprit->task, &incident->victim.task);

	if (culprit->task.pid == 0) {
		say_nobody_grew(&body, incident);
	} else {
		wording__task(&body, culprit->comm, culprit->task.pid);
		if (is_victim)
			text__string(&body, ", the victim itself");
		text__string(&body, ": ");
		wording__delta(&body, culprit->grew_bytes);
		text__string(&body, " in ");
		wording__duration(&body, culprit->grew_over_ns);
		text__string(&body, " (");
		wording__rate(&body, culprit->grew_bytes, culprit->grew_over_ns);
		text__string(&body, ")");
		if (culprit->born_in_window)
			text__string(&body, ", its whole life");
		say_share(&body, incident);
	}
	if (!incident->followed_all)
		text__string(&body, "; only the followed processes were compared");
	wording__paragraph(out, "GREW", ANSWER_INDENT, &body);
	if (culprit->task.pid == 0 || is_victim)
		return;
	wording__argv(&command, culprit->argv, culprit->argv_bytes, culprit->argv_flags,
		      ARGV_COLUMNS);
	wording__paragraph(out, "", ANSWER_INDENT, &command);
}

void section__answer(struct text *out, const struct model *model, const struct incident *incident,
		     const struct ledger_division *ledger, const struct verdict *verdict)
{
	print_title(out, incident);
	print_storm(out, model, incident);
	print_killed(out, incident);
	section__limit(out, model, incident);
	section__held_by_kind(out, ledger);
	print_asked(out, model, incident);
	print_grew(out, incident);
	section__verdict(out, incident, verdict);
}
