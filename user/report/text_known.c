/* SPDX-License-Identifier: GPL-2.0-only */
#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "report/reading.h"
#include "report/section.h"
#include "report/wording.h"

#define LABEL_INDENT  18
#define PROGRAMS_SAID 4 /* the JSON has all of them */

/* A window that is shorter than it should be makes every growth look smaller than it was. */
static void say_window(struct text *out, const struct model *model, const struct incident *incident)
{
	const uint64_t window_ns = incident__window_ns(incident);
	const bool cut = window_ns < INCIDENT_WINDOW_NS;

	text__string(out, ", ");
	wording__duration(out, model__looked_ns(model, incident->time_ns));
	text__string(out, cut ? " before the kill: growth is judged over those "
			      : " before the kill; growth is judged over ");
	wording__duration(out, window_ns);
	if (cut) {
		text__string(out, ", not over ");
		wording__duration(out, INCIDENT_WINDOW_NS);
	}
}

static void print_since(struct text *out, const struct model *model,
			const struct incident *incident)
{
	const struct model_span span = model__span(model);
	_cleanup_(text__free) struct text body = {0};

	wording__utc(&body, model__since_ns(model));
	if (incident) {
		say_window(&body, model, incident);
	} else {
		text__string(&body, ", for ");
		wording__duration(&body, model__looked_ns(model, span.last_ns));
	}
	if (span.opened_ns == 0)
		text__string(&body, "; the opening snapshot did not complete: processes that were "
				    "already there may be missing");
	wording__paragraph(out, "  looking since", LABEL_INDENT, &body);
}

/* How far off is what has not moved since the last pass. */
static void say_resting(struct text *out, const struct model *model)
{
	const int64_t error_bytes = reading__resting_error_bytes(model);

	if (error_bytes == EVENT_UNKNOWN)
		return;
	text__string(out, "; at rest it is off by ");
	wording__bytes(out, error_bytes);
	text__string(out, " or 0.1% at most");
}

static void print_followed(struct text *out, const struct model *model)
{
	const struct event_host *host = model__host(model);
	_cleanup_(text__free) struct text body = {0};

	if (!host) {
		text__string(&body, "unknown");
	} else {
		if (host->scope == FOLLOW_ALL)
			text__string(&body, "the whole host");
		else
			text__escaped_array(&body, host->followed, sizeof(host->followed));
		text__string(&body, "; a size is recorded when it has changed by ");
		wording__bytes(&body, (int64_t)host->step_bytes);
		text__string(&body, " or by 1/64, whichever is more");
		say_resting(&body, model);
	}
	wording__paragraph(out, "  followed", LABEL_INDENT, &body);
}

static const char *way_words(uint32_t way)
{
	static const char *const ways[] = {
#define X(name, text) text,
		OOM_WAYS(X)
#undef X
	};

	_Static_assert(sizeof(ways) / sizeof(ways[0]) == OOM_WAY_END, "a way has no text");
	return way < OOM_WAY_END ? ways[way] : "a way unknown to this version";
}

/* A memory.oom.group's first victim is killed once and counted twice: as the one chosen, and again
 * as a member of the group. */
static uint64_t group_incidents(const struct model *model)
{
	uint64_t count = 0;

	for (size_t i = 0; i < model__incident_count(model); i++)
		count += incident__kills_group(model, model__incident(model, i));
	return count;
}

/* The kernel's count against ours: a kill nobody told us about must not go unsaid. */
static void print_kills(struct text *out, const struct model *model)
{
	const int64_t kernel = model__kernel_oom_kills(model);
	const struct event_host *host = model__host(model);
	const uint64_t seen = model__kills_of(model, KILL_OOM);
	const uint64_t exiting = model__kills_of(model, KILL_OOM_EXITING);
	_cleanup_(text__free) struct text body = {0};

	wording__count(&body, seen);
	text__string(&body, " seen; ");
	if (kernel < 0) {
		text__string(&body, "the kernel's own count is unknown");
	} else {
		wording__count(&body, (uint64_t)kernel);
		text__string(&body, " counted by the kernel");
	}
	if (kernel > 0 && (uint64_t)kernel > seen &&
	    (uint64_t)kernel - seen <= group_incidents(model))
		text__string(&body, ", which counts the first victim of a memory.oom.group twice");
	else if (kernel > 0 && (uint64_t)kernel > seen)
		text__string(&body,
			     host && host->scope == FOLLOW_ALL
				     ? ": some were missed"
				     : ": some were missed, or fell outside what was followed");
	if (exiting > 0) {
		text__string(&body, "; and ");
		wording__count(&body, exiting);
		text__string(&body, " chosen, but exiting already and not killed");
	}
	wording__paragraph(out, "  OOM kills", LABEL_INDENT, &body);
}

static void print_loss(struct text *out, const struct loss *loss)
{
	_cleanup_(text__free) struct text body = {0};
	char name[EVENT_NAME_MAX];
	const char *touches = loss__touches(loss);

	wording__count(&body, loss->count);
	text__string(&body, " lost");
	if (loss->kind != 0)
		text__printf(&body, " (%s)", event_kind__name(name, loss->kind));
	text__printf(&body, ": %s", loss__reason(loss));
	if (touches[0] != '\0')
		text__printf(&body, "; %s", touches);
	wording__paragraph(out, "", LABEL_INDENT, &body);
}

static void print_events(struct text *out, const struct model *model,
			 const struct incident *incident)
{
	const struct model_span span = model__span(model);
	const uint64_t lost = model__lost_events(model);
	const uint64_t span_ns = span.last_ns - span.first_ns;
	_cleanup_(text__free) struct text body = {0};

	wording__count(&body, span.events);
	if (span_ns >= NS_PER_S) {
		text__string(&body, ", on average ");
		wording__per_second(&body, span.events, span_ns);
		text__string(&body, " a second");
	}
	text__string(&body, "; ");
	wording__count(&body, lost);
	text__string(&body, " lost");
	if (incident && lost > 0) {
		text__string(&body, ", ");
		wording__count(&body, incident->lost_before);
		text__string(&body, " of them in the window before the kill");
	}
	text__string(&body, "; ");
	wording__count(&body, span.late_events);
	text__string(&body, " came late");
	wording__paragraph(out, "  events", LABEL_INDENT, &body);
	for (size_t i = 0; i < model__loss_count(model); i++)
		print_loss(out, model__loss(model, i));
}

static void say_cost(struct text *out, const struct event_recorder *recorder)
{
	text__string(out, "; at most ");
	wording__bytes(out, (int64_t)recorder->peak_rss_bytes);
	text__string(out, " resident, ");
	wording__bytes(out, (int64_t)recorder->kernel_bytes);
	text__string(out, " in the kernel; ");
	wording__percent(out, recorder->cpu_ns, recorder->wall_ns, 2);
	text__string(out, " of one CPU over ");
	wording__duration(out, recorder->wall_ns);
	text__string(out, " (and ");
	wording__duration(out, recorder->start_cpu_ns);
	text__string(out, " of CPU time to start)");
}

static void print_recorder(struct text *out, const struct model *model)
{
	const struct event_recorder *recorder = model__recorder(model);
	const struct event_host *host = model__host(model);
	_cleanup_(text__free) struct text body = {0};

	text__string(&body, "oomtrail ");
	if (host)
		text__escaped_array(&body, host->version, sizeof(host->version));
	else
		text__string(&body, "of unknown version");
	if (recorder)
		say_cost(&body, recorder);
	if (!model__is_closed(model))
		text__string(&body, "; INCOMPLETE: the recording was not closed, its last moments "
				    "may be missing");
	wording__paragraph(out, "  recorder", LABEL_INDENT, &body);
}

static bool program__is_before(const struct measured_program *a, const struct measured_program *b)
{
	return a->run_ns != b->run_ns ? a->run_ns > b->run_ns : strcmp(a->name, b->name) < 0;
}

static void say_mean(struct text *out, const struct measured_program *program)
{
	wording__ns(out, program->run_ns, program->runs);
	text__string(out, " over ");
	wording__counted(out, program->runs, "event", "events");
}

/* Those that took most of the time, dearest first. */
static void say_programs(struct text *out, const struct model *model)
{
	const struct measured_program *last = NULL;

	for (unsigned int said = 0; said < PROGRAMS_SAID; said++) {
		const struct measured_program *next = NULL;

		for (size_t i = 0; i < model__program_count(model); i++) {
			const struct measured_program *program = model__program(model, i);

			if (program->runs > 0 && (!last || program__is_before(last, program)) &&
			    (!next || program__is_before(program, next)))
				next = program;
		}
		if (!next)
			return;
		text__string(out, said == 0 ? ": " : ", ");
		text__escaped_array(out, next->name, sizeof(next->name));
		text__string(out, " ");
		say_mean(out, next);
		last = next;
	}
}

/* Nothing is said where nothing was measured. */
static void print_programs(struct text *out, const struct model *model)
{
	const struct measured_program all = model__programs_together(model);
	_cleanup_(text__free) struct text body = {0};

	if (all.runs == 0)
		return;
	say_mean(&body, &all);
	text__string(&body, " (bpf_stats)");
	say_programs(&body, model);
	wording__paragraph(out, "  per event", LABEL_INDENT, &body);
}

static void print_probe(struct text *out, const struct probe_choice *probe, bool first)
{
	_cleanup_(text__free) struct text body = {0};

	text__escaped_array(&body, probe->capability, sizeof(probe->capability));
	text__string(&body, ": ");
	if (probe->way[0] != '\0')
		text__escaped_array(&body, probe->way, sizeof(probe->way));
	else
		text__string(&body, "none, this is missing");
	if (probe->why[0] != '\0') {
		text__string(&body, "; ");
		text__escaped_array(&body, probe->why, sizeof(probe->why));
	}
	wording__paragraph(out, first ? "  probes" : "", LABEL_INDENT, &body);
}

static void print_host(struct text *out, const struct model *model)
{
	const struct event_host *host = model__host(model);
	_cleanup_(text__free) struct text body = {0};

	if (!host) {
		text__string(&body, "unknown");
	} else {
		wording__host(&body, host);
		if (host->cgroup_version != 0)
			text__printf(&body, ", cgroup v%" PRIu32, host->cgroup_version);
	}
	wording__paragraph(out, "  host", LABEL_INDENT, &body);
}

void section__known(struct text *out, const struct model *model, const struct incident *incident)
{
	_cleanup_(text__free) struct text way = {0};

	section__heading(out, "HOW THIS IS KNOWN");
	print_host(out, model);
	print_since(out, model, incident);
	print_followed(out, model);
	if (incident) {
		text__string(&way, way_words(incident->way));
		wording__paragraph(out, "  OOM context", LABEL_INDENT, &way);
	}
	print_kills(out, model);
	print_events(out, model, incident);
	print_recorder(out, model);
	print_programs(out, model);
	for (size_t i = 0; i < model__probe_count(model); i++)
		print_probe(out, model__probe(model, i), i == 0);
}
