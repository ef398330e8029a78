/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/units.h"
#include "source/observe.h"

#define TICK_NS (10 * (int64_t)NS_PER_MS)

static bool is_start(uint64_t ticks, uint64_t start_s, int64_t suspended_s)
{
	return observe__is_start(ticks, start_s * NS_PER_S, suspended_s * (int64_t)NS_PER_S,
				 TICK_NS);
}

static void start_is_recognised_to_a_tick(void **state)
{
	(void)state;
	assert_true(is_start(500, 5, 0));
	assert_true(is_start(501, 5, 0));
	assert_true(is_start(499, 5, 0));
	assert_false(is_start(502, 5, 0));
	assert_false(is_start(498, 5, 0));
}

/* Suspended for 60 s: before the process started, after, or some of both. */
static void suspension_does_not_hide_a_process(void **state)
{
	(void)state;
	assert_true(is_start(500 + 6000, 5, 60));
	assert_true(is_start(500, 5, 60));
	assert_true(is_start(500 + 2000, 5, 60));
	assert_false(is_start(500 + 6002, 5, 60));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(start_is_recognised_to_a_tick),
		cmocka_unit_test(suspension_does_not_hide_a_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
