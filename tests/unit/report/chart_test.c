/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "bpf/events.h"
#include "report/chart.h"

static int64_t first_value(const int64_t *values)
{
	return values[0];
}

static struct series *steps(const int64_t (*points)[2], size_t count)
{
	struct series *series = NULL;

	assert_int_equal(series__new(&series, 1), 0);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(series__add(series, (uint64_t)points[i][0], &points[i][1]), 0);
	return series;
}

#define STEPS(...)                               \
	steps((const int64_t[][2]){__VA_ARGS__}, \
	      sizeof((const int64_t[][2]){__VA_ARGS__}) / sizeof(int64_t[2]))

static char legend[] = "memory";

static struct chart chart_of(struct series *series, int64_t limit)
{
	return (struct chart){
		.from_ns = 10 * NS_PER_S,
		.to_ns = 100 * NS_PER_S,
		.limit_bytes = limit,
		.lines[0] = {.series = series,
			     .value = first_value,
			     .mark = '#',
			     .legend = {.data = legend, .length = sizeof(legend) - 1}},
	};
}

static const char *row_with(const char *text, const char *label)
{
	const char *found = strstr(text, label);

	assert_non_null(found);
	return found;
}

static void assert_bounds(const struct text *text)
{
	size_t rows = 0;
	const char *line = text->data;

	while (*line) {
		const char *end = strchr(line, '\n');

		assert_non_null(end);
		assert_true((size_t)(end - line) <= CHART_COLUMNS);
		assert_true(end == line || end[-1] != ' ');
		rows++;
		line = end + 1;
	}
	assert_true(rows <= 20);
}

static void test_a_ramp_reaches_its_limit(void **state)
{
	_cleanup_(text__free) struct text out = {0};
	struct series *series =
		STEPS({10 * (int64_t)NS_PER_S, 0}, {40 * (int64_t)NS_PER_S, 32 << 20},
		      {100 * (int64_t)NS_PER_S, 64 << 20});
	struct chart chart = chart_of(series, 64 << 20);

	(void)state;
	chart__draw(&out, &chart);
	assert_true(text__ok(&out));
	assert_bounds(&out);
	row_with(out.data, "    MiB\n     64 |====");
	row_with(out.data, "\n      0 |");
	row_with(out.data, "-90 s      -75 s      -60 s      -45 s      -30 s      -15 s      0\n");
	row_with(out.data, "= limit\n");
	assert_int_equal(row_with(out.data, "     64 |")[9 + 65], 'X');
	/* From a third of the window on, at half of the limit. */
	assert_int_equal(row_with(out.data, "     32 |")[9 + 30], '#');
	assert_null(memchr(row_with(out.data, "     32 |") + 9, '#', 20));
	series__free(series);
}

static void test_a_peak_between_two_columns_is_seen(void **state)
{
	_cleanup_(text__free) struct text out = {0};
	struct series *series =
		STEPS({10 * (int64_t)NS_PER_S, 1 << 20}, {50 * (int64_t)NS_PER_S, 1 << 30},
		      {50 * (int64_t)NS_PER_S + 1, 1 << 20});
	struct chart chart = chart_of(series, EVENT_NO_LIMIT);

	(void)state;
	chart__draw(&out, &chart);
	row_with(out.data, "    GiB\n");
	row_with(out.data, "   1.00 |                             #\n");
	assert_null(strchr(out.data, '='));
	series__free(series);
}

static void test_a_limit_far_above_is_left_out(void **state)
{
	_cleanup_(text__free) struct text out = {0};
	struct series *series = STEPS({10 * (int64_t)NS_PER_S, 5 << 20});
	struct chart chart = chart_of(series, 1LL << 40);

	(void)state;
	chart__draw(&out, &chart);
	assert_null(strchr(out.data, '='));
	assert_bounds(&out);
	series__free(series);
}

static void test_nothing_known_draws_nothing(void **state)
{
	_cleanup_(text__free) struct text out = {0};
	struct series *series = STEPS({10 * (int64_t)NS_PER_S, EVENT_UNKNOWN});
	struct chart chart = chart_of(series, 1 << 20);

	(void)state;
	chart__draw(&out, &chart);
	assert_int_equal(out.length, 0);
	chart.lines[0].series = NULL;
	chart__draw(&out, &chart);
	assert_int_equal(out.length, 0);
	chart.lines[0].series = series;
	chart.to_ns = chart.from_ns;
	chart__draw(&out, &chart);
	assert_int_equal(out.length, 0);
	series__free(series);
}

static void test_absurd_values_stay_inside(void **state)
{
	static const int64_t values[] = {1, 4096, 4097, (1LL << 52), INT64_MAX};

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		_cleanup_(text__free) struct text out = {0};
		struct series *series = STEPS({0, 0}, {10 * (int64_t)NS_PER_S, values[i]},
					      {90 * (int64_t)NS_PER_S, INT64_MIN});
		struct chart chart = chart_of(series, INT64_MAX - 1);

		chart__draw(&out, &chart);
		assert_true(text__ok(&out));
		assert_bounds(&out);
		chart.from_ns = 0;
		chart.to_ns = UINT64_MAX;
		chart__draw(&out, &chart);
		assert_true(text__ok(&out));
		series__free(series);
	}
}

static void test_short_windows_have_labels_apart(void **state)
{
	_cleanup_(text__free) struct text out = {0};
	struct series *series = STEPS({0, 1 << 20});
	struct chart chart = chart_of(series, EVENT_UNKNOWN);

	(void)state;
	chart.to_ns = chart.from_ns + 30 * NS_PER_MS;
	chart__draw(&out, &chart);
	row_with(out.data, "-30.0 ms   -25.0 ms");
	chart.to_ns = chart.from_ns + 6 * NS_PER_S;
	chart__draw(&out, &chart);
	row_with(out.data, "-6.0 s     -5.0 s");
	chart.to_ns = chart.from_ns + 3 * NS_PER_S;
	chart__draw(&out, &chart);
	row_with(out.data, "-3.00 s    -2.50 s");
	series__free(series);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_ramp_reaches_its_limit),
		cmocka_unit_test(test_a_peak_between_two_columns_is_seen),
		cmocka_unit_test(test_a_limit_far_above_is_left_out),
		cmocka_unit_test(test_nothing_known_draws_nothing),
		cmocka_unit_test(test_absurd_values_stay_inside),
		cmocka_unit_test(test_short_windows_have_labels_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
