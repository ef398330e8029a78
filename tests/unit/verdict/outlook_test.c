/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/units.h"
#include "verdict/outlook.h"

#define MIB_(n) ((int64_t)(n) * (int64_t)MIB)
#define S(n)    ((uint64_t)(n)*NS_PER_S)

/* From 20 MiB, so much every ten seconds, for so long. */
static struct trend rise(int64_t step_bytes, unsigned int tens)
{
	struct trend_point points[512];
	size_t count = 0;

	for (unsigned int i = 0; i <= tens && count < 512; i++)
		points[count++] =
			(struct trend_point){S(10 * (i + 1)), MIB_(20) + step_bytes * (int64_t)i};
	return trend__of(points, count, points[count - 1].time_ns);
}

static struct outlook_facts facts_of(struct trend trend, int64_t limit_bytes, int64_t held_bytes)
{
	return (struct outlook_facts){
		.trend = trend, .limit_bytes = limit_bytes, .held_bytes = held_bytes};
}

static void classes(void **state)
{
	static const struct {
		const char *what;
		int64_t step_bytes;
		unsigned int tens;
		int64_t limit_bytes;
		enum outlook_class class;
	} cases[] = {
		{"50 MiB are normal", MIB_(5), 10, EVENT_UNKNOWN, OUTLOOK_NORMAL},
		{"a little more, quickly", MIB_(6), 10, EVENT_UNKNOWN, OUTLOOK_WARNING},
		{"a twentieth of the limit is normal", MIB_(10), 10, MIB_(2000), OUTLOOK_NORMAL},
		{"of a smaller one it is not", MIB_(10), 10, MIB_(1900), OUTLOOK_WARNING},
		{"100 MiB an hour are", MIB_(100) / 360, 360, EVENT_UNKNOWN, OUTLOOK_NORMAL},
		{"for longer than ten minutes", MIB_(1), 60, EVENT_UNKNOWN, OUTLOOK_LEAK},
		{"for less", MIB_(1), 59, EVENT_UNKNOWN, OUTLOOK_WARNING},
		{"a tenth of the limit an hour is normal", MIB_(1), 60, MIB_(3600), OUTLOOK_NORMAL},
		{"of a smaller one it is not", MIB_(1), 60, MIB_(1100), OUTLOOK_LEAK},
		{"nothing moves", 0, 60, MIB_(100), OUTLOOK_NORMAL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct outlook_facts facts = facts_of(
			rise(cases[i].step_bytes, cases[i].tens), cases[i].limit_bytes, MIB_(1));
		const struct outlook outlook = outlook__judge(&facts, &thresholds__default);

		if (outlook.class != cases[i].class)
			fail_msg("%s: %s, not %s", cases[i].what,
				 outlook_class__word(outlook.class),
				 outlook_class__word(cases[i].class));
	}
}

static void what_came_to_rest_is_no_leak(void **state)
{
	struct trend_point points[128];
	struct outlook_facts facts;
	size_t count = 0;

	(void)state;
	for (unsigned int i = 0; i <= 60; i++)
		points[count++] = (struct trend_point){S(10 * (i + 1)), MIB_(20 + 2 * i)};
	facts = facts_of(trend__of(points, count, S(1000)), EVENT_UNKNOWN, EVENT_UNKNOWN);
	assert_int_equal(outlook__judge(&facts, &thresholds__default).class, OUTLOOK_WARNING);
}

static void a_collector_is_no_leak_until_it_goes_beyond_what_was(void **state)
{
	static const int tooth[] = {20,  60,  100, 140, 180, 30,  70, 110,
				    150, 180, 30,  70,  110, 150, 170};
	struct trend_point points[16];
	struct outlook_facts facts;

	(void)state;
	for (unsigned int i = 0; i < 15; i++)
		points[i] = (struct trend_point){S(60 * (i + 1)), MIB_(tooth[i])};
	facts = facts_of(trend__of(points, 15, S(15 * 60)), EVENT_UNKNOWN, EVENT_UNKNOWN);
	assert_int_equal(facts.trend.shape, TREND_SAWTOOTH);
	assert_int_equal(outlook__judge(&facts, &thresholds__default).class, OUTLOOK_NORMAL);
	points[15] = (struct trend_point){S(60 * 16), MIB_(240)};
	facts = facts_of(trend__of(points, 16, S(60 * 16)), EVENT_UNKNOWN, EVENT_UNKNOWN);
	assert_int_equal(outlook__judge(&facts, &thresholds__default).class, OUTLOOK_WARNING);
}

static void levels(void **state)
{
	static const struct {
		int64_t limit_bytes, held_bytes;
		enum level level;
	} cases[] = {
		{MIB_(100), MIB_(80) - 1, LEVEL_INFO},    {MIB_(100), MIB_(80), LEVEL_WARNING},
		{MIB_(100), MIB_(95) - 1, LEVEL_WARNING}, {MIB_(100), MIB_(95), LEVEL_CRITICAL},
		{MIB_(100), MIB_(300), LEVEL_CRITICAL},   {EVENT_UNKNOWN, MIB_(300), LEVEL_INFO},
		{MIB_(100), EVENT_UNKNOWN, LEVEL_INFO},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct outlook_facts facts =
			facts_of(rise(0, 5), cases[i].limit_bytes, cases[i].held_bytes);

		assert_int_equal(outlook__judge(&facts, &thresholds__default).level,
				 cases[i].level);
	}
}

static void the_limit_that_binds_is_forecast(void **state)
{
	/* 100 KiB a second, and 60 MiB of room. */
	const struct outlook_facts facts = facts_of(rise(MIB_(1), 60), MIB_(160), MIB_(100));
	const struct outlook outlook = outlook__judge(&facts, &thresholds__default);

	(void)state;
	assert_true(outlook.forecast.known);
	assert_int_equal(outlook.forecast.in_ns / NS_PER_S, 600);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(classes),
		cmocka_unit_test(what_came_to_rest_is_no_leak),
		cmocka_unit_test(a_collector_is_no_leak_until_it_goes_beyond_what_was),
		cmocka_unit_test(levels),
		cmocka_unit_test(the_limit_that_binds_is_forecast),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
