/* SPDX-License-Identifier: GPL-2.0-only */
#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "report/reading.h"
#include "report/section.h"
#include "report/wording.h"

#define LABEL_INDENT 18

static void print_since(struct text *out, const struct model *model,
			const struct incident *incident)
{
	const struct model_span span = model__span(model);
	_cleanup_(text__free) struct text body = {0};

	wording__utc(&body, model__realtime_ns(model, span.first_ns));
	if (incident && incident->time_ns > span.first_ns) {
		text__string(&body, ", ");
		wording__duration(&body, incident->time_ns - span.first_ns);
		text__string(&body, " before the kill; growth is judged over ");
		wording__duration(&body, incident__window_ns(incident));
	} else if (!incident) {
		text__string(&body, ", for ");
		wording__duration(&body, span.last_ns - span.first_ns);
	}
	if (span.opened_ns == 0)
		text__string(&body, "; the opening snapshot did not complete: processes that were "
				    "already there may be missing");
	else if (incident && span.opened_ns > incident->from_ns)
		text__string(&body, "; the window begins with the recording");
	wording__paragraph(out, "  recorded since", LABEL_INDENT, &body);
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
	_cleanup_(text__free) struct text body = {0};
	uint64_t seen = 0;

	for (size_t i = 0; i < model__kill_count(model); i++)
		seen += model__kill(model, i)->class == KILL_OOM;
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
	_cleanup_(text__free) struct text body = {0};

	wording__count(&body, span.events);
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
	if (recorder) {
		text__string(&body, "; ");
		wording__percent(&body, recorder->cpu_ns, recorder->wall_ns, 2);
		text__string(&body, " of one CPU (and ");
		wording__duration(&body, recorder->start_cpu_ns);
		text__string(&body, " of CPU time to start), ");
		wording__bytes(&body, (int64_t)recorder->peak_rss_bytes);
		text__string(&body, " resident, ");
		wording__bytes(&body, (int64_t)recorder->kernel_bytes);
		text__string(&body, " in the kernel");
	} else {
		text__string(&body, "; INCOMPLETE: the recording was not closed, its last moments "
				    "may be missing");
	}
	wording__paragraph(out, "  recorder", LABEL_INDENT, &body);
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
	for (size_t i = 0; i < model__probe_count(model); i++)
		print_probe(out, model__probe(model, i), i == 0);
}
