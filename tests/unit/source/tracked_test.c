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
	tracked__add(tracked, 1, 0);
	tracked__add(tracked, 2, 0);
	tracked__add(tracked, 4, 0);
	tracked__add(tracked, 4, 0);
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
		tracked__add(tracked, i, 0);
		all += i;
	}
	tracked__add(tracked, TRACKED_MAX + 1, 0);
	assert_int_equal(sum(tracked), all);
	tracked__end(tracked, 7, 1);
	tracked__end(tracked, 9, 2);
	tracked__add(tracked, TRACKED_MAX + 1, 0);
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

#define S  1000000000ULL
#define MS 1000000ULL

static void assert_due(struct tracked *tracked, uint64_t now_ns, uint64_t expected_sum)
{
	uint64_t id, sum = 0;

	while (tracked__due(tracked, now_ns, &id))
		sum += id;
	assert_int_equal(sum, expected_sum);
}

static void test_the_pressed_are_looked_at_until_calm(void **state)
{
	struct tracked *tracked = new_tracked();

	(void)state;
	tracked__add(tracked, 1, 0);
	tracked__add(tracked, 2, 1);
	tracked__add(tracked, 4, 2);
	tracked__add(tracked, 8, 1);
	assert_due(tracked, UINT64_MAX, 0);
	tracked__watch(tracked, 4, 10 * S, 3 * S);
	assert_due(tracked, 10 * S, 0);
	assert_due(tracked, 10 * S + 100 * MS, 7);
	assert_due(tracked, 11 * S, 0);
	/* A later one does not wait for those before it. */
	tracked__watch(tracked, 8, 11 * S, 3 * S);
	assert_due(tracked, 11 * S + 50 * MS, 8);
	assert_due(tracked, 11 * S + 100 * MS, 7);
	assert_due(tracked, 12 * S + 100 * MS, 15);
	/* 2 and 4 for the last time; 1 was pressed by 8 as well. */
	assert_due(tracked, 13 * S + 100 * MS, 15);
	assert_due(tracked, 14 * S + 100 * MS, 1 + 8);
	assert_due(tracked, 20 * S, 0);
	tracked__free(tracked);
}

static void test_the_gone_are_looked_at_no_more(void **state)
{
	struct tracked *tracked = new_tracked();

	(void)state;
	tracked__add(tracked, 1, 0);
	tracked__add(tracked, 2, 1);
	tracked__add(tracked, 4, 1);
	tracked__watch(tracked, 2, S, 9 * S);
	tracked__watch(tracked, 4, S, 9 * S);
	tracked__end(tracked, 2, S);
	tracked__forget(tracked, 4);
	tracked__watch(tracked, 2, S, 9 * S);
	assert_due(tracked, 2 * S, 1);
	assert_due(tracked, UINT64_MAX, 1);
	assert_due(tracked, UINT64_MAX, 0);
	tracked__free(tracked);
}

static void test_a_circle_of_parents_ends(void **state)
{
	struct tracked *tracked = new_tracked();

	(void)state;
	tracked__add(tracked, 1, 2);
	tracked__add(tracked, 2, 1);
	tracked__watch(tracked, 1, S, S);
	assert_due(tracked, UINT64_MAX, 3);
	tracked__free(tracked);
}

static void test_only_what_has_changed_is_news(void **state)
{
	struct event_memcg_events look = {.header.size_bytes = sizeof(look), .cgroup_id = 1};
	struct tracked *tracked = new_tracked();

	(void)state;
	tracked__add(tracked, 1, 0);
	assert_true(tracked__is_news(tracked, &look, 0));
	assert_false(tracked__is_news(tracked, &look, 0));
	look.usage_bytes = 4096;
	look.header.time_ns = 7;
	assert_false(tracked__is_news(tracked, &look, 0));
	look.events.high++;
	assert_true(tracked__is_news(tracked, &look, 0));
	look.max_bytes++;
	assert_true(tracked__is_news(tracked, &look, 0));
	look.high_bytes++;
	assert_true(tracked__is_news(tracked, &look, 0));
	assert_false(tracked__is_news(tracked, &look, 0));
	/* One look was refused since: it may have been this one. */
	assert_true(tracked__is_news(tracked, &look, 1));
	assert_false(tracked__is_news(tracked, &look, 1));
	look.cgroup_id = 2; /* not tracked */
	assert_true(tracked__is_news(tracked, &look, 1));
	tracked__free(tracked);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_who_has_gone_is_known_until_forgotten),
		cmocka_unit_test(test_the_gone_make_room),
		cmocka_unit_test(test_pressure_begins_after_calm),
		cmocka_unit_test(test_the_pressed_are_looked_at_until_calm),
		cmocka_unit_test(test_the_gone_are_looked_at_no_more),
		cmocka_unit_test(test_a_circle_of_parents_ends),
		cmocka_unit_test(test_only_what_has_changed_is_news),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
