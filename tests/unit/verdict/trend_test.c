/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/units.h"
#include "bpf/events.h"
#include "verdict/trend.h"

#define MIB_(n) ((int64_t)(n) * (int64_t)MIB)
#define S(n)    ((uint64_t)((n) * (double)NS_PER_S))

/* A point a second; values in MiB, ended by -1. */
static size_t course(struct trend_point *points, const int *mib)
{
	size_t count = 0;

	for (; mib[count] >= 0; count++)
		points[count] = (struct trend_point){S(100 + count), MIB_(mib[count])};
	return count;
}

struct shape_case {
	const char *what;
	int mib[32];
	enum trend_shape shape;
	int rise_from_s; /* after the first point; what is not of a rise is not looked at: -1 */
	int rose_mib;
	int fell_back_mib;
};

static const struct shape_case shape_cases[] = {
	{"one point", {50, -1}, TREND_UNKNOWN, -1, 0, 0},
	{"nothing moves", {50, 50, 50, 50, -1}, TREND_FLAT, -1, 0, 0},
	{"below the noise", {50, 51, 50, 52, 53, 50, 53, -1}, TREND_FLAT, -1, 0, 0},
	{"just above it", {50, 51, 51, 52, 52, 53, 53, 54, -1}, TREND_STEADY, 0, 4, 0},
	{"from the first point", {0, 10, 20, 30, 40, 50, 60, 70, 80, -1}, TREND_STEADY, 0, 80, 0},
	{"after a plateau",
	 {10, 10, 10, 10, 10, 20, 30, 40, 50, 60, 70, 80, -1},
	 TREND_STEADY,
	 4,
	 70,
	 0},
	{"a plateau that wavers",
	 {10, 12, 11, 10, 12, 30, 50, 70, 90, 110, 130, -1},
	 TREND_STEADY,
	 3,
	 120,
	 0},
	{"all at once", {10, 10, 10, 10, 10, 10, 10, 90, 90, -1}, TREND_STEPPING, 6, 80, 0},
	{"a step and another",
	 {10, 10, 50, 50, 50, 50, 50, 50, 50, 50, 50, 90, 90, 90, 90, 90, -1},
	 TREND_STEPPING,
	 1,
	 80,
	 0},
	{"a stair",
	 {10, 10, 20, 20, 30, 30, 40, 40, 50, 50, 60, 60, 70, 70, 80, 80, -1},
	 TREND_STEADY,
	 1,
	 70,
	 0},
	{"a small fall within",
	 {0, 10, 20, 30, 40, 35, 45, 55, 65, 75, 85, -1},
	 TREND_STEADY,
	 0,
	 85,
	 5},
	{"a fall that took most: the rise is what came behind",
	 {0, 20, 40, 60, 80, 5, 15, 25, 35, 45, 55, -1},
	 TREND_STEADY,
	 5,
	 50,
	 0},
	{"given back in the end", {10, 30, 50, 70, 90, 20, 20, 20, -1}, TREND_FLAT, -1, 0, 0},
	{"collected again and again",
	 {10, 30, 50, 70, 20, 40, 60, 70, 20, 40, 60, 70, -1},
	 TREND_SAWTOOTH,
	 8,
	 50,
	 0},
};

static void shapes_and_rises(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(shape_cases) / sizeof(shape_cases[0]); i++) {
		const struct shape_case *c = &shape_cases[i];
		struct trend_point points[32];
		const size_t count = course(points, c->mib);
		const struct trend trend = trend__of(
			points, count, points[count - 1].time_ns + (count > 1 ? S(1) : 0));

		if (trend.shape != c->shape)
			fail_msg("%s: shape %s, not %s", c->what, trend_shape__word(trend.shape),
				 trend_shape__word(c->shape));
		if (c->rise_from_s < 0)
			continue;
		if (trend.rise_from_ns != S(100 + c->rise_from_s) ||
		    trend.rose_bytes != MIB_(c->rose_mib) ||
		    trend.fell_back_bytes != MIB_(c->fell_back_mib))
			fail_msg("%s: from %lu s, %ld MiB, fell %ld MiB", c->what,
				 (unsigned long)(trend.rise_from_ns / NS_PER_S - 100),
				 (long)(trend.rose_bytes >> 20),
				 (long)(trend.fell_back_bytes >> 20));
	}
}

static void growth_is_told_for_as_long_as_it_is_known(void **state)
{
	struct trend_point points[] = {
		{S(0), MIB_(10)}, {S(40), MIB_(50)}, {S(95), MIB_(70)}, {S(98), MIB_(80)}};
	const struct trend trend = trend__of(points, 4, S(100));

	(void)state;
	assert_int_equal(trend.grew_bytes[TREND_SPAN_10_S], MIB_(30));
	/* At 40 s exactly the point of that moment is in force. */
	assert_int_equal(trend.grew_bytes[TREND_SPAN_1_MIN], MIB_(30));
	assert_int_equal(trend.grew_bytes[TREND_SPAN_10_MIN], EVENT_UNKNOWN);
	assert_int_equal(trend.grew_bytes[TREND_SPAN_1_H], EVENT_UNKNOWN);
}

static void a_forecast_has_its_uncertainty(void **state)
{
	/* 10 MiB/s at first, 20 in the last quarter. */
	struct trend_point points[] = {{S(0), MIB_(0)},    {S(2), MIB_(20)},  {S(4), MIB_(40)},
				       {S(6), MIB_(60)},   {S(8), MIB_(80)},  {S(9), MIB_(90)},
				       {S(11), MIB_(130)}, {S(12), MIB_(150)}};
	const struct trend trend = trend__of(points, 8, S(12));
	struct forecast forecast = trend__forecast(&trend, MIB_(150));

	(void)state;
	assert_int_equal(trend.rate, MIB_(150) / 12);
	assert_int_equal(trend.rate_most, MIB_(20));
	assert_true(forecast.known);
	assert_int_equal(trend.rate_lately, MIB_(15));
	assert_int_equal(forecast.in_ns, S(10));
	assert_int_equal(forecast.earliest_ns, S(5));
	/* Rates are whole bytes a second. */
	assert_true(forecast.latest_ns >= S(18) && forecast.latest_ns < S(18) + 1000);
	assert_false(trend__forecast(&trend, 0).known);
	assert_false(trend__forecast(&trend, MIB_(-20)).known);
}

static void what_has_stopped_may_never_get_there(void **state)
{
	/* Nothing in the last quarter. */
	struct trend_point points[] = {{S(0), MIB_(0)},
				       {S(2), MIB_(20)},
				       {S(4), MIB_(40)},
				       {S(6), MIB_(60)},
				       {S(8), MIB_(60)}};
	const struct trend trend = trend__of(points, 5, S(10));
	const struct forecast forecast = trend__forecast(&trend, MIB_(60));

	(void)state;
	assert_true(forecast.known);
	assert_int_equal(forecast.in_ns, S(15));
	assert_int_equal(forecast.latest_ns, UINT64_MAX);
}

/* Each tooth climbs by 40 and gives back 30: the next high counts, not the end of the last tooth.
 */
static void a_sawtooth_is_judged_by_its_highs(void **state)
{
	struct trend_point points[41];
	struct forecast forecast;
	struct trend trend;

	(void)state;
	for (unsigned int i = 0; i <= 40; i++) {
		const unsigned int tooth = i / 2;

		points[i] = (struct trend_point){S(1 + 10 * i),
						 MIB_(20 + 10 * tooth + (i % 2 ? 40 : 0))};
	}
	trend = trend__of(points, 41, S(401));
	forecast = trend__forecast(&trend, MIB_(130));
	assert_int_equal(trend.shape, TREND_SAWTOOTH);
	assert_int_equal(trend.falls, 20);
	/* The last is a low, 30 below the high before it; highs rise by 10 in 20 s. */
	assert_int_equal(trend.above_bytes, MIB_(30));
	assert_int_equal(trend.highs_rose_bytes, MIB_(190));
	assert_true(trend.rate > MIB_(10) / 21 && trend.rate <= MIB_(10) / 20);
	assert_true(forecast.in_ns > S(190) && forecast.in_ns < S(220));
	/* A fall here and there on the way up makes no sawtooth of it. */
	points[2].bytes = points[1].bytes - MIB_(11);
	points[4].bytes = points[3].bytes - MIB_(11);
	for (unsigned int i = 5; i <= 40; i++)
		points[i].bytes = points[i - 1].bytes + MIB_(20);
	trend = trend__of(points, 41, S(401));
	assert_int_equal(trend.shape, TREND_STEADY);
	assert_int_equal(trend.above_bytes, 0);
}

/* One step says how much, and nothing of how fast: it is taken with the time since its low. */
static void steps_have_the_rate_of_their_plateaus(void **state)
{
	struct trend_point points[] = {{S(0), MIB_(10)},
				       {S(10), MIB_(10)},
				       {S(10) + 50, MIB_(30)},
				       {S(20), MIB_(30)},
				       {S(20) + 50, MIB_(50)}};
	const struct trend trend = trend__of(points, 5, S(20) + 100);

	(void)state;
	assert_int_equal(trend.shape, TREND_STEPPING);
	assert_true(trend.rate > 0 && trend.rate <= MIB_(4));
}

static void absurd_sizes_overflow_nothing(void **state)
{
	struct trend_point points[] = {{1, 0}, {2, INT64_MAX / 4}, {3, INT64_MAX / 2}};
	const struct trend trend = trend__of(points, 3, 4);
	const struct forecast forecast = trend__forecast(&trend, INT64_MAX / 2);

	(void)state;
	assert_int_equal(trend.rose_bytes, INT64_MAX / 2);
	assert_true(trend.rate > 0);
	assert_true(forecast.known);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shapes_and_rises),
		cmocka_unit_test(growth_is_told_for_as_long_as_it_is_known),
		cmocka_unit_test(a_forecast_has_its_uncertainty),
		cmocka_unit_test(what_has_stopped_may_never_get_there),
		cmocka_unit_test(a_sawtooth_is_judged_by_its_highs),
		cmocka_unit_test(steps_have_the_rate_of_their_plateaus),
		cmocka_unit_test(absurd_sizes_overflow_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
