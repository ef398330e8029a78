/* SPDX-License-Identifier: GPL-2.0-only */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "report/outlooks.h"
#include "report/report.h"
#include "report/section.h"
#include "report/wording.h"

static void say_rise(struct text *out, const struct trend *trend)
{
	const bool of_highs = trend->shape == TREND_SAWTOOTH;
	const int64_t rose_bytes = of_highs ? trend->highs_rose_bytes : trend->rose_bytes;
	const uint64_t ns = trend->to_ns - (of_highs ? trend->highs_from_ns : trend->rise_from_ns);

	if (trend->shape == TREND_UNKNOWN)
		return;
	text__printf(out, ", %s", trend_shape__word(trend->shape));
	if (rose_bytes <= 0 || ns == 0)
		return;
	text__string(out, of_highs ? ", its highs: " : ": ");
	wording__delta(out, rose_bytes);
	text__string(out, " in ");
	wording__duration(out, ns);
	text__string(out, " (");
	wording__rate(out, rose_bytes, ns);
	text__string(out, ")");
}

static void say_forecast(struct text *out, const struct trend *trend,
			 const struct forecast *forecast)
{
	if (!forecast->known || forecast->in_ns == UINT64_MAX)
		return;
	if (trend->rate_lately > 0) {
		text__string(out, "; lately ");
		wording__rate(out, trend->rate_lately, NS_PER_S);
		text__string(out, ", by which it is full in ");
		wording__duration(out, forecast->in_ns);
		text__string(out, ", by how it went in ");
	} else {
		text__string(out, "; lately it did not rise, and is full in ");
	}
	wording__duration(out, forecast->earliest_ns);
	if (forecast->latest_ns == UINT64_MAX) {
		text__string(out, " at the earliest");
	} else {
		text__string(out, " to ");
		wording__duration(out, forecast->latest_ns);
	}
}

static void say_limit(struct text *out, const struct model *model, const struct outlook_row *row)
{
	const struct outlook_facts *facts = &row->facts;
	char *path;

	if (facts->limit_bytes <= 0)
		return;
	text__string(out, "; processes hold ");
	wording__bytes(out, facts->held_bytes);
	text__string(out, " of the ");
	wording__bytes(out, facts->limit_bytes);
	if (facts->limit_cgroup) {
		text__string(out, " that ");
		path = model__cgroup_path(model, facts->limit_cgroup);
		text__escaped(out, path ?: "(unknown)", strlen(path ?: "(unknown)"));
		free(path);
		text__string(out, " may have");
	} else {
		text__string(out, " of the host");
	}
	say_forecast(out, &facts->trend, &row->outlook.forecast);
}

static void print_row(struct text *out, const struct model *model, const struct outlook_row *row)
{
	_cleanup_(text__free) struct text body = {0};

	wording__task(&body, row->process->comm, row->process->task.pid);
	text__printf(&body, ": %s", outlook_class__words(row->outlook.class));
	say_rise(&body, &row->facts.trend);
	say_limit(&body, model, row);
	wording__paragraph(out,
			   row->outlook.level == LEVEL_CRITICAL  ? "  CRITICAL "
			   : row->outlook.level == LEVEL_WARNING ? "  WARNING  "
								 : "  INFO     ",
			   11, &body);
}

int section__outlook(struct text *out, const struct model *model)
{
	struct outlook_row rows[OUTLOOKS_MAX];
	size_t count, told = 0;
	const int error = outlooks__read(rows, &count, model);

	if (error || count == 0)
		return error;
	section__heading(out, "GROWTH, JUDGED (of those that live)");
	for (size_t i = 0; i < count; i++) {
		if (outlook_row__is_quiet(&rows[i]))
			continue;
		print_row(out, model, &rows[i]);
		told++;
	}
	if (told < count) {
		_cleanup_(text__free) struct text rest = {0};

		wording__counted(&rest, count - told, "process that grew", "processes that grew");
		text__printf(out, "  %s%.*s: within what is normal\n", told ? "and " : "",
			     (int)rest.length, rest.data ?: "");
	}
	section__thresholds(out, report__thresholds(), THRESHOLD_OUTLOOKS, THRESHOLD_END);
	return 0;
}
