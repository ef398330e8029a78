/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "source/tracked.h"

static struct tracked *new_tracked(void)
{
	struct tracked *tracked = NULL;

	assert_int_equal(tracked__new(&tracked), 0);
	return tracked;
}

static void add_up(void *context, uint64_t cgroup_id)
{
	*(uint64_t *)context += cgroup_id;
}

static uint64_t sum(const struct tracked *tracked)
{
	uint64_t sum = 0;

	tracked__each(tracked, add_up, &sum);
	return sum;
}

static void test_who_has_gone_is_known_until_forgotten(void **state)
{
	struct tracked *tracked = new_tracked();
	uint64_t id;
	bool gone;

	(void)state;
	tracked__add(tracked, 1);
	tracked__add(tracked, 2);
	tracked__add(tracked, 4);
	tracked__add(tracked, 4);
	tracked__end(tracked, 2, 100);
	tracked__end(tracked, 8, 100);
	assert_int_equal(sum(tracked), 5);
	for (uint64_t expected = 1; expected <= 4; expected *= 2) {
		assert_true(tracked__next(tracked, 1, &id, &gone));
		assert_int_equal(id, expected);
		assert_int_equal(gone, expected == 2);
	}
	assert_false(tracked__next(tracked, 1, &id, &gone));
	tracked__end(tracked, 4, 200);
	tracked__end(tracked, 2, 300); /* it had gone before */
	tracked__forget_gone(tracked, 199);
	assert_true(tracked__next(tracked, 2, &id, &gone));
	assert_int_equal(id, 1);
	assert_true(tracked__next(tracked, 2, &id, &gone));
	assert_int_equal(id, 4);
	assert_true(gone);
	assert_false(tracked__next(tracked, 2, &id, &gone));
	tracked__free(tracked);
}

static void test_the_gone_make_room(void **state)
{
	struct tracked *tracked = new_tracked();
	uint64_t all = 0, id;
	unsigned int left = 0;
	bool gone;

	(void)state;
	for (uint64_t i = 1; i <= TRACKED_MAX; i++) {
		tracked__add(tracked, i);
		all += i;
	}
	tracked__add(tracked, TRACKED_MAX + 1);
	assert_int_equal(sum(tracked), all);
	tracked__end(tracked, 7, 1);
	tracked__end(tracked, 9, 2);
	tracked__add(tracked, TRACKED_MAX + 1);
	assert_int_equal(sum(tracked), all - 7 - 9 + TRACKED_MAX + 1);
	while (tracked__next(tracked, 1, &id, &gone)) {
		assert_false(gone);
		left++;
	}
	assert_int_equal(left, TRACKED_MAX - 1);
	tracked__free(tracked);
}

static void test_pressure_begins_after_calm(void **state)
{
	struct tracked *tracked = new_tracked();

	(void)state;
	assert_true(tracked__pressed(tracked, 1, 100, 10));
	assert_false(tracked__pressed(tracked, 1, 110, 10));
	assert_true(tracked__pressed(tracked, 1, 121, 10));
	assert_true(tracked__pressed(tracked, 2, 122, 10));
	tracked__free(tracked);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_who_has_gone_is_known_until_forgotten),
		cmocka_unit_test(test_the_gone_make_room),
		cmocka_unit_test(test_pressure_begins_after_calm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
