/* SPDX-License-Identifier: GPL-2.0-only */
#include "maps/map_order.h"

#include <errno.h>

#include "tests/unit/maps/told.h"

struct passed {
	uint64_t times[16];
	char paths[16][8];
	size_t count;
};

static int on_event(void *context, const struct map_event *event)
{
	struct passed *passed = context;

	passed->times[passed->count] = event->time_ns;
	snprintf(passed->paths[passed->count++], 8, "%s", event->mapping.path);
	return 0;
}

static void push(struct map_order *order, uint64_t time_ns, const char *path)
{
	struct map_event event = event_of(MAP_EVENT_MAPPED, time_ns, 1);
	char copy[8];

	/* It does not last. */
	snprintf(copy, sizeof(copy), "%s", path);
	event.mapping.path = copy;
	assert_int_equal(map_order__push(order, &event), 0);
	memset(copy, 0, sizeof(copy));
}

static void test_order_by_time_then_arrival(void **state)
{
	struct map_order *order;
	struct passed passed = {0};

	(void)state;
	assert_int_equal(map_order__new(&order), 0);
	push(order, 10, "a");
	push(order, 30, "b");
	push(order, 20, "c");
	push(order, 20, "d");
	assert_int_equal(map_order__peek(order, on_event, &passed), 0);
	assert_int_equal(passed.count, 4);
	assert_string_equal(passed.paths[3], "b");
	passed.count = 0;
	assert_int_equal(map_order__release(order, 20, on_event, &passed), 0);
	assert_int_equal(passed.count, 3);
	assert_string_equal(passed.paths[0], "a");
	assert_string_equal(passed.paths[1], "c");
	assert_string_equal(passed.paths[2], "d");
	assert_int_equal(map_order__waiting(order), 1);
	assert_int_equal(map_order__late(order), 0);
	/* Older than what is gone already: counted, and next. */
	push(order, 19, "e");
	assert_int_equal(map_order__late(order), 1);
	assert_int_equal(map_order__release(order, 40, on_event, &passed), 0);
	assert_string_equal(passed.paths[3], "e");
	assert_string_equal(passed.paths[4], "b");
	map_order__free(order);

	assert_int_equal(map_order__new(&order), 0);
	for (uint64_t i = 0; i < MAP_ORDER_MAX; i++)
		push(order, i, "");
	assert_int_equal(map_order__push(order, &(struct map_event){.time_ns = 1}), -ENOSPC);
	map_order__free(order);
	map_order__free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order_by_time_then_arrival),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
