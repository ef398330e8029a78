/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/unit/model/rolling.h"

/* A block, and what is done to it. */

static void collect_block(struct events *block)
{
	struct model *model = new_model();
	struct state_options options;

	host(model, 1, FOLLOW_ALL, 0);
	cgroup(model, 1, 2, 0, "", counters(M, M, 0));
	memcg(model, 2, 2, counters(2 * M, M, 5));
	process(model, 1, state_of(30, 0, "some", 2, M));
	rss(model, 2, 30, 5 * M);
	attach(model, 3, 30, 4);
	tell_loss(model, 4, EVENT_RSS, 5);
	options = options_at(model);
	assert_int_equal(model__move_out(model, &options, keep_event, block), 0);
	model__free(model);
}

static bool is_kept(const struct event_header *event)
{
	return event->kind >= EVENT_KEPT_PROCESS && event->kind <= EVENT_KEPT_ATTACH;
}

static void test_what_is_kept_means_nothing_outside_its_block(void **state)
{
	struct model *model = new_model();
	struct events block = {0};
	size_t told = 0;

	(void)state;
	collect_block(&block);
	for (size_t i = 0; i < block.count; i++) {
		if (!is_kept(block.list[i]))
			continue;
		apply(model, block.list[i]);
		told++;
	}
	assert_int_equal(told, 7);
	assert_int_equal(model__process_count(model), 0);
	assert_int_equal(model__cgroup_count(model), 0);
	assert_int_equal(lost(model, LOSS_MALFORMED, EVENT_KEPT_SERIES), 4);
	assert_int_equal(lost(model, LOSS_MALFORMED, EVENT_KEPT_ATTACH), 1);
	model__free(model);
	free_events(&block);
}

static void test_nothing_is_restored_twice(void **state)
{
	struct model *model = new_model();
	struct events block = {0};

	(void)state;
	collect_block(&block);
	for (size_t i = 0; i < block.count; i++) {
		apply(model, block.list[i]);
		if (is_kept(block.list[i]))
			apply(model, block.list[i]);
	}
	assert_int_equal(model__process_count(model), 1);
	assert_int_equal(lost(model, LOSS_MALFORMED, EVENT_KEPT_PROCESS), 1);
	assert_int_equal(lost(model, LOSS_MALFORMED, EVENT_KEPT_CGROUP), 1);
	assert_int_equal(lost(model, LOSS_MALFORMED, EVENT_KEPT_SERIES), 3);
	model__free(model);
	free_events(&block);
}

static void test_times_of_a_series_must_ascend(void **state)
{
	struct model *model = new_model();
	struct events block = {0};

	(void)state;
	collect_block(&block);
	for (size_t i = 0; i < block.count; i++) {
		struct event_kept_series *series = (struct event_kept_series *)block.list[i];

		if (block.list[i]->kind == EVENT_KEPT_SERIES && series->of != KEPT_SERIES_LOST)
			series->rows[0] = -1;
		apply(model, block.list[i]);
	}
	assert_null(model__process(model, 0)->series);
	assert_null(model__cgroup(model, 0)->series);
	assert_int_equal(lost(model, LOSS_MALFORMED, EVENT_KEPT_SERIES), 3);
	model__free(model);
	free_events(&block);
}

static void test_a_torn_block_is_told(void **state)
{
	struct model *model = new_model();
	struct events block = {0};

	(void)state;
	collect_block(&block);
	apply_some(model, &block, 0, block.count - 1);
	assert_true(model__is_restoring(model));
	assert_int_equal(model__finish(model), 0);
	model__free(model);
	free_events(&block);
}

struct refusing {
	struct model *model;
	unsigned int count;
	unsigned int refused; /* the one that finds no room */
};

static int refuse_one(void *context, const struct event_header *event)
{
	struct refusing *refusing = context;

	return ++refusing->count == refusing->refused ? -ENOSPC
						      : model__apply(refusing->model, event);
}

/* Whichever event finds no room, the next model is past its block and goes on. */
static void test_an_error_of_the_sink_ends_the_block(void **state)
{
	(void)state;
	for (unsigned int refused = 1; refused < 20; refused++) {
		struct refusing refusing = {.model = new_model(), .refused = refused};
		struct model *model = new_model();
		struct state_options options;

		host(model, 1, FOLLOW_ALL, 0);
		for (uint32_t pid = 1; pid < 100; pid++)
			process(model, 1, state_of(pid, 0, "some", 1, M));
		options = options_at(model);
		assert_int_equal(model__move_out(model, &options, refuse_one, &refusing), -ENOSPC);
		assert_int_equal(refusing.count, refused + 1);
		assert_false(model__is_restoring(refusing.model));
		process(refusing.model, 2, state_of(100, 0, "next", 1, M));
		assert_int_equal(model__span(refusing.model).last_ns, 2 * NS_PER_MS);
		model__free(model);
		model__free(refusing.model);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_kept_means_nothing_outside_its_block),
		cmocka_unit_test(test_nothing_is_restored_twice),
		cmocka_unit_test(test_times_of_a_series_must_ascend),
		cmocka_unit_test(test_a_torn_block_is_told),
		cmocka_unit_test(test_an_error_of_the_sink_ends_the_block),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
