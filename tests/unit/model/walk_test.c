/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/unit/model/rolling.h"

/* Walks over all processes, after births or deaths were lost. */

static void tell_walk(struct model *model, uint64_t ms, uint64_t walk_ms)
{
	struct event_opened event = {header(EVENT_OPENED, sizeof(event), ms), walk_ms * NS_PER_MS};

	apply(model, &event);
}

static struct model *prepared(void)
{
	struct model *model = new_model();

	for (uint32_t pid = 10; pid < 16; pid++)
		process(model, 1, state_of(pid, 1, "some", 2, M));
	return model;
}

static const struct process *by_pid(const struct model *model, uint32_t pid)
{
	const struct process *process = model__process_by_pid(model, pid);

	assert_non_null(process);
	return process;
}

static bool is_alive(const struct model *model, uint32_t pid)
{
	return !by_pid(model, pid)->exit_ns;
}

static void test_who_is_not_met_has_gone(void **state)
{
	struct model *model = prepared();

	(void)state;
	tell_walk(model, 100, 100);
	process(model, 101, state_of(10, 1, "some", 2, M));
	exec_of(model, 101, state_of(11, 1, "other", 2, M), "x", 2);
	fork_of(model, 102, state_of(20, 1, "born", 2, M));
	rss(model, 103, 21, M); /* nobody has told of its birth */
	exit_of(model, 104, 13, 0);
	rss(model, 105, 14, 2 * M);
	assert_true(is_alive(model, 12));
	tell_walk(model, 110, 100);
	assert_true(is_alive(model, 10));
	assert_true(is_alive(model, 11));
	assert_true(is_alive(model, 20));
	assert_true(is_alive(model, 21));
	assert_int_equal(by_pid(model, 13)->exit_ns, 104 * NS_PER_MS);
	assert_false(by_pid(model, 13)->exit_lost);
	for (uint32_t pid = 12; pid < 16; pid++) {
		if (pid == 13)
			continue;
		assert_int_equal(by_pid(model, pid)->exit_ns, 100 * NS_PER_MS);
		assert_true(by_pid(model, pid)->exit_lost);
	}
	assert_int_equal(model__span(model).opened_ns, 0);
	model__free(model);
}

/* Its memory was gone when the walk came by, its exit is told behind it. */
static void test_an_exit_behind_the_walk_is_believed(void **state)
{
	struct model *model = prepared();

	(void)state;
	tell_walk(model, 100, 100);
	tell_walk(model, 110, 100);
	exit_of(model, 120, 10, 7);
	assert_int_equal(by_pid(model, 10)->exit_ns, 120 * NS_PER_MS);
	assert_false(by_pid(model, 10)->exit_lost);
	assert_int_equal(by_pid(model, 10)->exit_code, 7);
	model__free(model);
}

static void test_only_a_whole_walk_ends_anybody(void **state)
{
	struct event_opened opened = {header(EVENT_OPENED, EVENT_OPENED_FIRST_BYTES, 50), 40};
	struct model *model = prepared();

	(void)state;
	apply(model, &opened); /* the opening one, as it was once told */
	tell_walk(model, 90, 80);
	tell_walk(model, 100, 100);
	tell_walk(model, 200, 200);
	tell_walk(model, 210, 100);
	assert_true(is_alive(model, 10));
	process(model, 211, state_of(10, 1, "some", 2, M));
	tell_walk(model, 220, 200);
	assert_true(is_alive(model, 10));
	assert_false(is_alive(model, 11));
	assert_int_equal(model__span(model).opened_ns, 50 * NS_PER_MS);
	model__free(model);
}

static void test_met_in_an_earlier_walk_does_not_count(void **state)
{
	struct model *model = prepared();

	(void)state;
	tell_walk(model, 100, 100);
	process(model, 101, state_of(10, 1, "some", 2, M));
	tell_walk(model, 200, 200);
	tell_walk(model, 210, 200);
	assert_false(is_alive(model, 10));
	model__free(model);
}

static void test_kernel_threads_are_in_no_walk(void **state)
{
	struct process_state worker = state_of(30, 2, "kworker", 0, -1);
	struct model *model = prepared();

	(void)state;
	worker.mm_id = 0;
	worker.flags = PROCESS_NO_MM;
	oom_kill(model, 50, state_of(10, 1, "some", 2, M), worker, 2, counters(M, M, 1));
	tell_walk(model, 100, 100);
	tell_walk(model, 110, 100);
	assert_true(is_alive(model, 30));
	assert_false(is_alive(model, 11));
	model__free(model);
}

static void test_a_walk_goes_on_in_the_next_model(void **state)
{
	struct model *model = prepared();

	(void)state;
	tell_walk(model, 100, 100);
	process(model, 101, state_of(10, 1, "some", 2, M));
	model = go_on(model, INCIDENT_WINDOW_NS);
	process(model, 103, state_of(11, 1, "some", 2, M));
	fork_of(model, 104, state_of(20, 1, "born", 2, M));
	model = go_on(model, INCIDENT_WINDOW_NS);
	tell_walk(model, 110, 100);
	assert_true(is_alive(model, 10));
	assert_true(is_alive(model, 11));
	assert_true(is_alive(model, 20));
	assert_false(is_alive(model, 12));
	assert_int_equal(by_pid(model, 12)->exit_ns, 100 * NS_PER_MS);
	model__free(model);
}

/* Told again with a walk, a command line that many share stays one. */
static void test_a_command_line_told_again_takes_no_room(void **state)
{
	struct model *model = new_model();
	size_t before;

	(void)state;
	process(model, 1, state_of(10, 0, "parent", 2, M));
	argv_of(model, 1, 10, "parent", 7);
	fork_of(model, 2, state_of(11, 10, "child", 2, M));
	before = model__bytes(model);
	argv_of(model, 3, 11, "parent", 7);
	assert_int_equal(model__bytes(model), before);
	assert_ptr_equal(by_pid(model, 10)->argv, by_pid(model, 11)->argv);
	argv_of(model, 4, 11, "changed", 8);
	assert_string_equal(by_pid(model, 11)->argv, "changed");
	assert_string_equal(by_pid(model, 10)->argv, "parent");
	model__free(model);
}

/* What closing walks costs is bounded by what has been told, however many there are. */
static void test_walks_alone_cost_little(void **state)
{
	struct model *model = new_model();
	uint64_t ms = 1;
	uint64_t last_ns = 0;
	size_t closed = 0;

	(void)state;
	for (uint32_t pid = 10; pid < 100010; pid++)
		process(model, 1, state_of(pid, 1, "some", 2, M));
	for (uint32_t i = 0; i < 1000; i++) {
		process(model, ms, state_of(200000 + i, 1, "one", 2, M));
		ms += 2;
		tell_walk(model, ms, ms);
		tell_walk(model, ms + 1, ms);
	}
	for (uint32_t i = 0; i < 1000; i++) {
		closed += by_pid(model, 200000 + i)->exit_ns > last_ns;
		last_ns = by_pid(model, 200000 + i)->exit_ns;
	}
	assert_in_range(closed, 200, 300);
	model__free(model);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_who_is_not_met_has_gone),
		cmocka_unit_test(test_an_exit_behind_the_walk_is_believed),
		cmocka_unit_test(test_only_a_whole_walk_ends_anybody),
		cmocka_unit_test(test_met_in_an_earlier_walk_does_not_count),
		cmocka_unit_test(test_kernel_threads_are_in_no_walk),
		cmocka_unit_test(test_a_walk_goes_on_in_the_next_model),
		cmocka_unit_test(test_a_command_line_told_again_takes_no_room),
		cmocka_unit_test(test_walks_alone_cost_little),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
