/* SPDX-License-Identifier: GPL-2.0-only */
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "base/units.h"
#include "bpf/events.h"
#include "report/chart.h"
#include "report/wording.h"

#define GUTTER   8  /* columns of the vertical axis' labels, without the axis */
#define WIDTH    66 /* columns of the plot; CHART_COLUMNS has room for GUTTER, axis and this */
#define TICKS    6  /* horizontal axis: WIDTH / TICKS columns between two labels */
#define MAX_ROWS 16
#define HIGHEST  (1LL << 56) /* bytes; whatever a recording claims above it is drawn there */

#define LINES    (sizeof(((struct chart *)0)->lines) / sizeof(((struct chart *)0)->lines[0]))

struct range {
	int64_t low; /* EVENT_UNKNOWN: nothing known in it */
	int64_t high;
};

struct canvas {
	int64_t step_bytes; /* between two labels; a power of two */
	unsigned int ticks; /* labels above 0 */
	unsigned int rows_per_tick;
	unsigned int rows; /* row 0 is the axis */
	char cells[MAX_ROWS][WIDTH];
};

static uint64_t column_time(const struct chart *chart, unsigned int column)
{
	const unsigned __int128 span = chart->to_ns - chart->from_ns;

	return chart->from_ns + (uint64_t)(span * column / WIDTH);
}

static void range__add(struct range *range, int64_t value)
{
	if (value == EVENT_UNKNOWN)
		return;
	if (range->low == EVENT_UNKNOWN || value < range->low)
		range->low = value;
	if (range->high == EVENT_UNKNOWN || value > range->high)
		range->high = value;
}

static struct range line__range(const struct chart_line *line, uint64_t from_ns, uint64_t to_ns)
{
	const size_t count = series__count(line->series);
	const long first = series__at(line->series, from_ns);
	struct range range = {EVENT_UNKNOWN, EVENT_UNKNOWN};

	for (size_t i = first < 0 ? 0 : (size_t)first; i < count; i++) {
		if (series__time(line->series, i) > to_ns)
			break;
		range__add(&range, line->value(series__values(line->series, i)));
	}
	return range;
}

static bool limit__drawable(const struct chart *chart, int64_t highest)
{
	/* A limit far above everything would press the curves flat. */
	return chart->limit_bytes != EVENT_UNKNOWN && chart->limit_bytes != EVENT_NO_LIMIT &&
	       chart->limit_bytes > 0 && chart->limit_bytes / 4 <= highest;
}

/* Three to seven labels above 0, a power of two apart: limits tend to be round in that sense. */
static void canvas__scale(struct canvas *canvas, int64_t highest)
{
	if (highest > HIGHEST)
		highest = HIGHEST;
	canvas->step_bytes = 4096;
	while (highest / 7 >= canvas->step_bytes)
		canvas->step_bytes *= 2;
	canvas->ticks = (unsigned int)((highest + canvas->step_bytes - 1) / canvas->step_bytes);
	if (canvas->ticks < 3)
		canvas->ticks = 3;
	canvas->rows_per_tick = (MAX_ROWS - 1) / canvas->ticks;
	canvas->rows = canvas->ticks * canvas->rows_per_tick + 1;
	memset(canvas->cells, ' ', sizeof(canvas->cells));
	memset(canvas->cells[0], '-', sizeof(canvas->cells[0]));
	for (unsigned int column = 0; column < WIDTH; column += WIDTH / TICKS)
		canvas->cells[0][column] = '+';
}

static unsigned int canvas__row(const struct canvas *canvas, int64_t value)
{
	const __int128 scaled = (__int128)value * canvas->rows_per_tick;
	const __int128 row = (scaled + canvas->step_bytes / 2) / canvas->step_bytes;

	if (row < 0)
		return 0;
	return row >= canvas->rows ? canvas->rows - 1 : (unsigned int)row;
}

static void canvas__draw_line(struct canvas *canvas, const struct chart *chart,
			      const struct chart_line *line)
{
	for (unsigned int column = 0; line->series && column < WIDTH; column++) {
		const struct range range = line__range(line, column_time(chart, column),
						       column_time(chart, column + 1));

		if (range.high == EVENT_UNKNOWN)
			continue;
		for (unsigned int row = canvas__row(canvas, range.low);
		     row <= canvas__row(canvas, range.high); row++)
			canvas->cells[row][column] = line->mark;
	}
}

static void canvas__draw_kill(struct canvas *canvas, const struct chart *chart)
{
	const struct chart_line *line = &chart->lines[chart->killed];
	const struct range range = line->series ? line__range(line, chart->to_ns, chart->to_ns)
						: (struct range){EVENT_UNKNOWN, EVENT_UNKNOWN};

	if (range.high != EVENT_UNKNOWN)
		canvas->cells[canvas__row(canvas, range.high)][WIDTH - 1] = 'X';
}

/* Value of one label: `step` is a power of two, so at most two decimals tell it exactly. */
static void label__print(struct text *out, int64_t bytes, int64_t unit, int64_t step)
{
	const size_t start = out->length;
	struct text number = {0};

	text__printf(&number, "%" PRId64, bytes / unit);
	if (step < unit) {
		const int64_t hundredths = (int64_t)((__int128)(bytes % unit) * 100 / unit);

		if (step * 2 == unit)
			text__printf(&number, ".%" PRId64, hundredths / 10);
		else
			text__printf(&number, ".%02" PRId64, hundredths);
	}
	text__pad(out, ' ', number.length + 1 < GUTTER ? GUTTER - 1 - number.length : 0);
	text__append(out, number.data, number.length);
	text__pad_to(out, start, GUTTER);
	out->failed |= number.failed;
	text__free(&number);
}

static int64_t canvas__unit(const struct canvas *canvas, const char **name)
{
	const int64_t top = canvas->step_bytes * canvas->ticks;

	*name = top >= (int64_t)GIB ? "GiB" : top >= (int64_t)MIB ? "MiB" : "KiB";
	return top >= (int64_t)GIB   ? (int64_t)GIB
	       : top >= (int64_t)MIB ? (int64_t)MIB
				     : (int64_t)KIB;
}

static void canvas__print(struct text *out, const struct canvas *canvas)
{
	const char *name;
	const int64_t unit = canvas__unit(canvas, &name);

	text__printf(out, "%*s\n", GUTTER - 1, name);
	for (unsigned int row = canvas->rows; row-- > 0;) {
		const char *cells = canvas->cells[row];
		size_t length = WIDTH;

		if (row % canvas->rows_per_tick == 0)
			label__print(out, canvas->step_bytes * (row / canvas->rows_per_tick), unit,
				     canvas->step_bytes);
		else
			text__pad(out, ' ', GUTTER);
		while (length > 0 && cells[length - 1] == ' ')
			length--;
		text__string(out, "|");
		text__append(out, cells, length);
		text__string(out, "\n");
	}
}

/* A moment before the end, in the precision that keeps neighbouring labels apart. */
static void tick__print(struct text *out, uint64_t before_ns, uint64_t span_ns)
{
	const uint64_t ms = (before_ns + NS_PER_MS / 2) / NS_PER_MS;
	const uint64_t tenths = before_ns / (NS_PER_MS / 10); /* of a millisecond */

	if (before_ns == 0)
		text__string(out, "0");
	else if (span_ns >= 60 * NS_PER_S)
		text__printf(out, "-%" PRIu64 " s", (ms + 500) / 1000);
	else if (span_ns >= 6 * NS_PER_S)
		text__printf(out, "-%" PRIu64 ".%" PRIu64 " s", (ms + 50) / 1000,
			     (ms + 50) / 100 % 10);
	else if (span_ns >= NS_PER_S)
		text__printf(out, "-%" PRIu64 ".%02" PRIu64 " s", (ms + 5) / 1000,
			     (ms + 5) / 10 % 100);
	else
		text__printf(out, "-%" PRIu64 ".%" PRIu64 " ms", tenths / 10, tenths % 10);
}

static void print_time_axis(struct text *out, const struct chart *chart)
{
	const uint64_t span = chart->to_ns - chart->from_ns;
	const size_t start = out->length;

	for (unsigned int i = 0; i <= TICKS; i++) {
		const unsigned __int128 before = (unsigned __int128)span * (TICKS - i) / TICKS;

		text__pad_to(out, start, GUTTER + 1 + i * (WIDTH / TICKS));
		tick__print(out, (uint64_t)before, span);
	}
	text__string(out, "\n");
}

/* Entries side by side while they fit. */
static void print_legend(struct text *out, const struct chart *chart, bool limit)
{
	size_t column = 0;

	for (unsigned int i = 0; i <= LINES; i++) {
		struct text entry = {0};

		if (i == LINES && limit)
			text__string(&entry, "= limit");
		else if (i < LINES && chart->lines[i].series) {
			text__printf(&entry, "%c ", chart->lines[i].mark);
			text__append(&entry, chart->lines[i].legend.data,
				     chart->lines[i].legend.length);
		}
		if (entry.length > 0)
			wording__flow(out, &column, GUTTER + 1, CHART_COLUMNS, &entry);
		text__free(&entry);
	}
	text__string(out, "\n");
}

void chart__draw(struct text *out, const struct chart *chart)
{
	struct range all = {EVENT_UNKNOWN, EVENT_UNKNOWN};
	struct canvas canvas;
	bool limit;

	for (unsigned int i = 0; i < LINES; i++) {
		const struct range range =
			line__range(&chart->lines[i], chart->from_ns, chart->to_ns);

		range__add(&all, range.high);
	}
	if (all.high <= 0 || chart->to_ns <= chart->from_ns)
		return;
	limit = limit__drawable(chart, all.high);
	canvas__scale(&canvas,
		      limit && chart->limit_bytes > all.high ? chart->limit_bytes : all.high);
	if (limit)
		memset(canvas.cells[canvas__row(&canvas, chart->limit_bytes)], '=', WIDTH);
	for (unsigned int i = 0; i < LINES; i++)
		canvas__draw_line(&canvas, chart, &chart->lines[i]);
	canvas__draw_kill(&canvas, chart);
	canvas__print(out, &canvas);
	print_time_axis(out, chart);
	print_legend(out, chart, limit);
}
