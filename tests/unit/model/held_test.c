/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/unit/model/rolling.h"

#define WEB 2

static struct event_memcg_events look_at(uint64_t ms, struct memcg_events events)
{
	return (struct event_memcg_events){
		.header = header(EVENT_MEMCG_EVENTS, sizeof(struct event_memcg_events), ms),
		.cgroup_id = WEB,
		.events = events,
		.usage_bytes = 33 * M,
		.max_bytes = 64 * M,
		.high_bytes = 32 * M,
		.memsw_usage_bytes = EVENT_UNKNOWN,
		.memsw_max_bytes = EVENT_UNKNOWN,
	};
}

static void throttled(struct model *model, uint64_t ms, int64_t times)
{
	struct event_memcg_events look = look_at(
		ms, (struct memcg_events){.high = times, .under_oom = -1, .oom_kill_disable = -1});

	apply(model, &look);
}

static struct event_memcg_events v1(uint64_t ms, int64_t under_oom, int64_t disabled, int64_t usage)
{
	struct event_memcg_events look =
		look_at(ms, (struct memcg_events){.low = -1,
						  .high = -1,
						  .max = -1,
						  .oom = -1,
						  .under_oom = under_oom,
						  .oom_kill_disable = disabled});

	look.usage_bytes = usage;
	look.high_bytes = EVENT_UNKNOWN;
	return look;
}

static void waits(struct model *model, uint64_t ms, int64_t under_oom, int64_t disabled,
		  int64_t usage)
{
	struct event_memcg_events look = v1(ms, under_oom, disabled, usage);

	apply(model, &look);
}

static const struct held *held_of(const struct model *model)
{
	const struct cgroup *cgroup = model__cgroup_by_id(model, WEB);

	assert_non_null(cgroup);
	return cgroup->held;
}

static struct model *begin(int64_t watermark)
{
	struct memcg_counters now = counters(watermark, 64 * M, 0);
	struct model *model = new_model();

	now.watermark_bytes = watermark;
	host(model, 1, FOLLOW_ALL, 0);
	cgroup(model, 2, WEB, 0, "web", now);
	return model;
}

static void test_what_was_before_the_first_look_does_not_count(void **state)
{
	struct model *model = begin(5 * M);

	(void)state;
	assert_null(held_of(model));
	throttled(model, 10, 700);
	assert_int_equal(held_of(model)->high.from_ns, 0);
	throttled(model, 20, 705);
	throttled(model, 30, 710);
	assert_int_equal(held_of(model)->high.times, 10);
	assert_int_equal(held_of(model)->high.from_ns, 20 * NS_PER_MS);
	assert_int_equal(held_of(model)->high.to_ns, 30 * NS_PER_MS);
	assert_int_equal(held_of(model)->high.limit_bytes, 32 * M);
	assert_int_equal(held_of(model)->high.usage_bytes, 33 * M);
	throttled(model, 40, 710);
	assert_int_equal(held_of(model)->high.to_ns, 30 * NS_PER_MS);
	model__free(model);
}

static void test_all_of_a_new_cgroup_counts(void **state)
{
	struct model *model = begin(0);

	(void)state;
	throttled(model, 10, 7);
	assert_int_equal(held_of(model)->high.times, 7);
	model__free(model);
}

static void test_a_count_that_is_not_known_or_falls_is_none(void **state)
{
	struct model *model = begin(0);

	(void)state;
	throttled(model, 10, EVENT_UNKNOWN);
	throttled(model, 20, 9);
	throttled(model, 30, 8);
	assert_int_equal(held_of(model)->high.times, 0);
	throttled(model, 40, EVENT_UNKNOWN);
	throttled(model, 50, 100);
	assert_int_equal(held_of(model)->high.times, 0);
	/* A look that came late. */
	throttled(model, 45, 1000);
	assert_int_equal(held_of(model)->now.high, 100);
	model__free(model);
}

static void test_waiting_begins_and_ends(void **state)
{
	struct model *model = begin(5 * M);
	const struct hold *full;

	(void)state;
	waits(model, 10, 0, 1, 64 * M);
	full = &held_of(model)->full;
	assert_int_equal(full->from_ns, 0);
	waits(model, 20, 1, 0, 64 * M); /* it may kill */
	waits(model, 21, 1, -1, 64 * M);
	waits(model, 22, -1, 1, 64 * M);
	waits(model, 23, 1, 1, 62 * M); /* another level is full */
	waits(model, 24, 1, 1, EVENT_UNKNOWN);
	assert_int_equal(full->from_ns, 0);
	waits(model, 30, 1, 1, 63 * M);
	assert_int_equal(full->from_ns, 30 * NS_PER_MS);
	assert_int_equal(full->ended_ns, 0);
	assert_false(full->from_first);
	waits(model, 40, 1, 1, 64 * M);
	assert_int_equal(full->from_ns, 30 * NS_PER_MS);
	assert_int_equal(full->to_ns, 40 * NS_PER_MS);
	assert_int_equal(full->times, 1);
	assert_int_equal(full->limit_bytes, 64 * M);
	waits(model, 50, 0, 1, 60 * M);
	assert_int_equal(full->ended_ns, 50 * NS_PER_MS);
	waits(model, 60, 1, 1, 64 * M);
	assert_int_equal(full->from_ns, 60 * NS_PER_MS);
	assert_int_equal(full->ended_ns, 0);
	assert_int_equal(full->times, 2);
	waits(model, 70, 1, 0, 64 * M);
	assert_int_equal(full->ended_ns, 70 * NS_PER_MS);
	model__free(model);
}

static void test_memory_and_swap_may_be_what_is_full(void **state)
{
	struct event_memcg_events look = v1(10, 1, 1, 50 * M);
	struct model *model = begin(5 * M);

	(void)state;
	look.memsw_usage_bytes = look.memsw_max_bytes = 96 * M;
	apply(model, &look);
	assert_true(held_of(model)->full.from_first);
	assert_true(held_of(model)->full.memsw);
	assert_int_equal(held_of(model)->full.limit_bytes, 96 * M);
	look.header.time_ns++;
	look.memsw_max_bytes = EVENT_NO_LIMIT;
	apply(model, &look);
	assert_int_not_equal(held_of(model)->full.ended_ns, 0);
	model__free(model);
}

static void assert_hold(const struct hold *a, const struct hold *b)
{
	assert_int_equal(a->from_ns, b->from_ns);
	assert_int_equal(a->to_ns, b->to_ns);
	assert_int_equal(a->ended_ns, b->ended_ns);
	assert_int_equal(a->times, b->times);
	assert_int_equal(a->usage_bytes, b->usage_bytes);
	assert_int_equal(a->limit_bytes, b->limit_bytes);
	assert_int_equal(a->from_first, b->from_first);
	assert_int_equal(a->memsw, b->memsw);
}

static struct model *told(uint64_t ended_ms)
{
	struct model *model = begin(5 * M);
	struct event_memcg_events look = v1(10, 1, 1, 50 * M);

	look.events.high = 10;
	look.memsw_usage_bytes = look.memsw_max_bytes = 96 * M;
	apply(model, &look);
	look.header.time_ns += 5 * NS_PER_MS;
	look.events.high = 12;
	look.high_bytes = 32 * M;
	apply(model, &look);
	if (ended_ms)
		waits(model, ended_ms, 0, 1, 50 * M);
	return model;
}

static void test_a_roll_keeps_it(void **state)
{
	struct model *model = told(20), *same = told(20);

	(void)state;
	model = go_on(model, UINT64_MAX);
	assert_hold(&held_of(model)->full, &held_of(same)->full);
	assert_hold(&held_of(model)->high, &held_of(same)->high);
	assert_int_equal(held_of(model)->high.times, 2);
	/* Both go on counting from the same. */
	throttled(model, 30, 20);
	throttled(same, 30, 20);
	assert_int_equal(held_of(model)->looked_ns, held_of(same)->looked_ns);
	assert_hold(&held_of(model)->high, &held_of(same)->high);
	model__free(model);
	model__free(same);
}

static void test_a_roll_forgets_what_has_long_been_over(void **state)
{
	struct model *over = told(20), *waiting = told(0);

	(void)state;
	tick(over, 200 * SECOND);
	over = go_on(over, UINT64_MAX);
	assert_int_equal(held_of(over)->full.from_ns, 0);
	assert_int_equal(held_of(over)->high.from_ns, 0);
	throttled(over, 201 * SECOND, 13);
	throttled(over, 202 * SECOND, 14);
	assert_int_equal(held_of(over)->high.from_ns, 202 * SECOND * NS_PER_MS);
	tick(waiting, 200 * SECOND);
	waiting = go_on(waiting, UINT64_MAX);
	assert_int_equal(held_of(waiting)->full.from_ns, 10 * NS_PER_MS);
	assert_int_equal(held_of(waiting)->full.ended_ns, 0);
	model__free(over);
	model__free(waiting);
}

static void test_it_is_part_of_the_state(void **state)
{
	struct model *model = begin(5 * M), *other = begin(5 * M);

	(void)state;
	throttled(model, 10, 1);
	throttled(other, 10, 2);
	assert_int_not_equal(model__digest(model), model__digest(other));
	model__free(model);
	model__free(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_was_before_the_first_look_does_not_count),
		cmocka_unit_test(test_all_of_a_new_cgroup_counts),
		cmocka_unit_test(test_a_count_that_is_not_known_or_falls_is_none),
		cmocka_unit_test(test_waiting_begins_and_ends),
		cmocka_unit_test(test_memory_and_swap_may_be_what_is_full),
		cmocka_unit_test(test_a_roll_keeps_it),
		cmocka_unit_test(test_a_roll_forgets_what_has_long_been_over),
		cmocka_unit_test(test_it_is_part_of_the_state),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
