/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "source/order.h"

struct seen {
	uint64_t kills[4096]; /* identity of each event, carried in its payload */
	uint64_t times[4096];
	uint16_t flags[4096];
	size_t count;
	size_t refuse_at; /* 0: never */
};

static int see(void *context, const struct event_header *event)
{
	struct seen *seen = context;

	if (seen->refuse_at && seen->count + 1 == seen->refuse_at)
		return -ENOSPC;
	seen->kills[seen->count] = ((const struct event_oom_counter *)event)->kills;
	seen->times[seen->count] = event->time_ns;
	seen->flags[seen->count++] = event->flags;
	return 0;
}

static void push(struct order *order, uint64_t time_ns, int64_t identity)
{
	struct event_oom_counter event = {
		.header = {.size_bytes = sizeof(event),
			   .kind = EVENT_OOM_COUNTER,
			   .time_ns = time_ns},
		.kills = identity,
	};

	assert_int_equal(order__push(order, &event.header), 0);
}

static void sorts_by_time_then_arrival(void **state)
{
	struct order *order;
	struct seen seen = {0};

	(void)state;
	assert_int_equal(order__new(&order), 0);
	push(order, 30, 1);
	push(order, 10, 2);
	push(order, 20, 3);
	push(order, 10, 4);
	push(order, 10, 5);
	assert_int_equal(order__release(order, UINT64_MAX, see, &seen), 0);
	assert_int_equal(seen.count, 5);
	assert_int_equal(seen.kills[0], 2);
	assert_int_equal(seen.kills[1], 4);
	assert_int_equal(seen.kills[2], 5);
	assert_int_equal(seen.kills[3], 3);
	assert_int_equal(seen.kills[4], 1);
	order__free(order);
}

static void holds_what_is_younger_than_the_watermark(void **state)
{
	struct order *order;
	struct seen seen = {0};

	(void)state;
	assert_int_equal(order__new(&order), 0);
	push(order, 10, 1);
	push(order, 11, 2);
	assert_int_equal(order__release(order, 10, see, &seen), 0);
	assert_int_equal(seen.count, 1);
	order__free(order); /* frees what is held */
}

static void late_events_are_flagged_where_they_are_admitted(void **state)
{
	struct order *order;
	struct seen seen = {0};

	(void)state;
	assert_int_equal(order__new(&order), 0);
	push(order, 100, 1);
	assert_int_equal(order__release(order, 100, see, &seen), 0);
	push(order, 50, 2);
	push(order, 100, 3);
	assert_int_equal(order__release(order, 100, see, &seen), 0);
	assert_int_equal(seen.count, 3);
	assert_int_equal(seen.flags[0], 0);
	assert_int_equal(seen.kills[1], 2);
	assert_int_equal(seen.flags[1], EVENT_LATE);
	assert_int_equal(seen.times[1], 50);
	assert_int_equal(seen.flags[2], 0); /* same time as the youngest: not late */
	order__free(order);
}

static void a_sink_that_refuses_ends_the_release(void **state)
{
	struct order *order;
	struct seen seen = {.refuse_at = 2};

	(void)state;
	assert_int_equal(order__new(&order), 0);
	push(order, 1, 1);
	push(order, 2, 2);
	push(order, 3, 3);
	assert_int_equal(order__release(order, UINT64_MAX, see, &seen), -ENOSPC);
	/* What was not asked for yet is still held. */
	seen.refuse_at = 0;
	assert_int_equal(order__release(order, UINT64_MAX, see, &seen), 0);
	assert_int_equal(seen.count, 2);
	assert_int_equal(seen.kills[1], 3);
	order__free(order);
}

static void any_permutation_comes_out_sorted(void **state)
{
	struct order *order;
	struct seen *seen = calloc(1, sizeof(*seen));

	(void)state;
	assert_non_null(seen);
	assert_int_equal(order__new(&order), 0);
	for (uint32_t i = 0, x = 12345; i < 4096; i++) {
		x = x * 1664525 + 1013904223;
		push(order, x >> 20, i);
	}
	assert_int_equal(order__release(order, UINT64_MAX, see, seen), 0);
	assert_int_equal(seen->count, 4096);
	for (size_t i = 1; i < seen->count; i++) {
		assert_true(seen->times[i - 1] <= seen->times[i]);
		if (seen->times[i - 1] == seen->times[i])
			assert_true(seen->kills[i - 1] < seen->kills[i]);
	}
	order__free(order);
	free(seen);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sorts_by_time_then_arrival),
		cmocka_unit_test(holds_what_is_younger_than_the_watermark),
		cmocka_unit_test(late_events_are_flagged_where_they_are_admitted),
		cmocka_unit_test(a_sink_that_refuses_ends_the_release),
		cmocka_unit_test(any_permutation_comes_out_sorted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
