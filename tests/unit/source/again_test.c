/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "source/live_internal.h"

/* When births and deaths that were lost are made good by a walk. */

#define LOST_NS (1000 * NS_PER_S)

static void test_a_lull_is_waited_for(void **state)
{
	struct again again = {.behind_ns = LOST_NS, .grown_ns = LOST_NS + NS_PER_S};

	(void)state;
	assert_false(again__is_due(&again, again.grown_ns + AGAIN_LULL_NS - 1));
	assert_true(again__is_due(&again, again.grown_ns + AGAIN_LULL_NS));
	again.behind_ns = 0;
	assert_false(again__is_due(&again, again.grown_ns + AGAIN_LULL_NS));
}

/* More is lost every second. */
static void test_a_lull_that_never_comes(void **state)
{
	struct again again = {.behind_ns = LOST_NS};
	uint64_t now_ns = LOST_NS;

	(void)state;
	for (; now_ns < LOST_NS + AGAIN_EVERY_NS; now_ns += NS_PER_S) {
		again.grown_ns = now_ns;
		assert_false(again__is_due(&again, now_ns));
	}
	again.grown_ns = now_ns;
	assert_true(again__is_due(&again, now_ns));
}

static void test_walks_keep_their_distance(void **state)
{
	struct again again = {
		.behind_ns = LOST_NS,
		.grown_ns = LOST_NS,
		.next_ns = LOST_NS + 2 * AGAIN_EVERY_NS,
	};

	(void)state;
	assert_false(again__is_due(&again, again.next_ns - 1));
	assert_true(again__is_due(&again, again.next_ns));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_lull_is_waited_for),
		cmocka_unit_test(test_a_lull_that_never_comes),
		cmocka_unit_test(test_walks_keep_their_distance),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
