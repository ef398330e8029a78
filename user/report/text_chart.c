/* SPDX-License-Identifier: GPL-2.0-only */
#include <string.h>

#include "base/units.h"
#include "report/chart.h"
#include "report/reading.h"
#include "report/section.h"
#include "report/wording.h"

#define LARGEST_VALUE (1LL << 56) /* so that differences of what a recording claims are safe */

static int64_t bounded(int64_t value)
{
	if (value < 0)
		return EVENT_UNKNOWN;
	return value > LARGEST_VALUE ? LARGEST_VALUE : value;
}

static int64_t usage_value(const int64_t *values)
{
	return bounded(values[USAGE_MEMORY]);
}

static int64_t resident_value(const int64_t *values)
{
	const struct memory memory = {
		.anon_bytes = values[MEMORY_ANON],
		.file_bytes = values[MEMORY_FILE],
		.shmem_bytes = values[MEMORY_SHMEM],
	};

	return bounded(memory__resident(&memory));
}

static void set_line(struct chart_line *line, char mark, const struct series *series,
		     int64_t (*value)(const int64_t *), const struct party *party,
		     const char *words)
{
	line->mark = mark;
	line->series = series;
	line->value = value;
	if (party) {
		wording__task(&line->legend, party->comm, party->task.pid);
		text__string(&line->legend, ": ");
	}
	text__string(&line->legend, words);
}

/* The first moment a line leaves the value it had at from_ns by a sixteenth of `highest`. */
static uint64_t line__moves_at(const struct chart_line *line, const struct chart *chart,
			       int64_t highest)
{
	const size_t count = series__count(line->series);
	int64_t start = 0; /* what a process born later held */

	for (size_t i = 0; i < count; i++) {
		const uint64_t time_ns = series__time(line->series, i);
		const int64_t value = line->value(series__values(line->series, i));

		if (value == EVENT_UNKNOWN)
			continue;
		if (time_ns <= chart->from_ns)
			start = value;
		else if (value - start > highest / 16 || start - value > highest / 16)
			return time_ns;
	}
	return chart->to_ns;
}

/* 6, 12, 30, 60, 120, ... ms: what the axis divides into round steps. */
static uint64_t next_span(uint64_t span_ns)
{
	uint64_t unit_ns = 6 * NS_PER_MS;

	while (unit_ns * 10 <= span_ns)
		unit_ns *= 10;
	if (span_ns < 2 * unit_ns)
		return 2 * unit_ns;
	return span_ns < 5 * unit_ns ? 5 * unit_ns : 10 * unit_ns;
}

/* Growth of a second would be one column of a minute and a half: show one and a half times the
 * time in which anything moved, when that is less than half of the window. */
static uint64_t chart__start(const struct chart *chart)
{
	const uint64_t window_ns = chart->to_ns - chart->from_ns;
	uint64_t moving_ns = 0, shown_ns = 6 * NS_PER_MS;
	int64_t highest = 0;

	for (size_t i = 0; i < 3; i++) {
		const struct chart_line *line = &chart->lines[i];

		for (size_t j = 0; j < series__count(line->series); j++) {
			const int64_t value = line->value(series__values(line->series, j));

			highest = value > highest ? value : highest;
		}
	}
	for (size_t i = 0; i < 3; i++) {
		const uint64_t since_ns =
			chart->to_ns - line__moves_at(&chart->lines[i], chart, highest);

		moving_ns = since_ns > moving_ns ? since_ns : moving_ns;
	}
	while (shown_ns < window_ns && shown_ns / 3 * 2 < moving_ns)
		shown_ns = next_span(shown_ns);
	if (moving_ns == 0 || shown_ns >= window_ns / 2)
		return chart->from_ns;
	return chart->to_ns - shown_ns;
}

static void print_heading(struct text *out, const struct incident *incident,
			  const struct chart *chart)
{
	text__string(out, "\nMEMORY OVER TIME  (resident; the last ");
	wording__duration(out, chart->to_ns - chart->from_ns);
	if (chart->from_ns > incident->from_ns) {
		text__string(out, " of ");
		wording__duration(out, incident__window_ns(incident));
		text__string(out, ": nothing much moved before");
	}
	text__string(out, ")\n");
}

void section__chart(struct text *out, const struct incident *incident)
{
	const bool one = task_ref__same(&incident->culprit.task, &incident->victim.task);
	struct chart chart = {
		.from_ns = incident->from_ns,
		.to_ns = incident->time_ns,
		.limit_bytes = incident->domain_known && incident->domain_id
				       ? incident->counters.max_bytes
				       : EVENT_UNKNOWN,
		.killed = 2,
	};
	struct text drawn = {0}, domain = {0};

	if (chart.to_ns <= chart.from_ns)
		return;
	text__printf(&domain, "usage of %s", incident__domain_noun(incident));
	set_line(&chart.lines[0], '*', incident->domain_series, usage_value, NULL,
		 text__ok(&domain) ? domain.data : "");
	set_line(&chart.lines[1], 'o', one ? NULL : incident->culprit_series, resident_value,
		 &incident->culprit, "grew most");
	set_line(&chart.lines[2], '#', incident->victim_series, resident_value, &incident->victim,
		 incident__victim_was_exiting(incident)
			 ? one ? "grew most and was chosen (X)" : "was chosen (X)"
		 : one ? "grew most and was killed (X)"
		       : "was killed (X)");
	chart.from_ns = chart__start(&chart);
	chart__draw(&drawn, &chart);
	if (drawn.length > 0) {
		print_heading(out, incident, &chart);
		text__append(out, drawn.data, drawn.length);
	}
	out->failed |= drawn.failed;
	text__free(&drawn);
	text__free(&domain);
	for (size_t i = 0; i < 3; i++) {
		out->failed |= chart.lines[i].legend.failed;
		text__free(&chart.lines[i].legend);
	}
}
