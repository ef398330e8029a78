/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/unit/model/rolling.h"

/* --- what stays behind ------------------------------------------------------------------------ */

static void exit_with_peak(struct model *model, uint64_t ms, uint32_t pid, int64_t peak)
{
	struct event_exit event = {
		.header = header(EVENT_EXIT, sizeof(event), ms),
		.task = task(pid),
		.memory = memory_unknown(),
		.peak_rss_bytes = peak,
	};

	apply(model, &event);
}

static void test_those_who_ended_long_ago_stay_behind(void **state)
{
	struct model *model = new_model();

	(void)state;
	process(model, 1, state_of(1, 0, "systemd", 1, M));
	process(model, 1, state_of(20, 1, "old", 1, 9 * M));
	process(model, 1, state_of(21, 1, "young", 1, M));
	rss(model, 2, 20, 19 * M);
	exit_of(model, 10 * SECOND, 20, 0);
	exit_of(model, 11 * SECOND, 21, 0);
	tick(model, 101 * SECOND);
	model = go_on(model, INCIDENT_WINDOW_NS);
	assert_int_equal(model__process_count(model), 2);
	assert_null(model__process_by_pid(model, 20));
	assert_non_null(model__process_by_pid(model, 21));
	assert_int_equal(model__state(model)->forgotten_processes, 1);
	assert_int_equal(model__state(model)->forgotten_early, 0);
	tick(model, 102 * SECOND);
	model = go_on(model, INCIDENT_WINDOW_NS);
	assert_int_equal(model__state(model)->forgotten_processes, 2);
	model__free(model);
}

static void test_of_too_many_dead_the_largest_go_on(void **state)
{
	static const int64_t peaks[] = {5, 7, 1, 7, 7, 9, 0, 3};
	struct model *model = new_model();
	struct state_options options;

	(void)state;
	for (uint32_t i = 0; i < 8; i++) {
		process(model, 1, state_of(100 + i, 0, "dead", 1, 0));
		exit_with_peak(model, 2, 100 + i, peaks[i] * M);
	}
	options = options_at(model);
	options.dead_max = 3;
	model = go_on_with(model, &options);
	/* Of equals those that were first. */
	assert_int_equal(model__process_count(model), 3);
	assert_int_equal(model__process(model, 0)->task.pid, 101);
	assert_int_equal(model__process(model, 1)->task.pid, 103);
	assert_int_equal(model__process(model, 2)->task.pid, 105);
	assert_int_equal(model__state(model)->forgotten_early, 5);
	options.dead_max = 0;
	model = go_on_with(model, &options);
	assert_int_equal(model__process_count(model), 0);
	assert_int_equal(model__state(model)->forgotten_early, 8);
	model__free(model);
}

static void test_the_living_are_named_after_dead_ancestors(void **state)
{
	struct model *model = new_model();
	const struct process *process_of_12;
	struct service service;

	(void)state;
	cgroup(model, 1, 2, 0, "", counters(M, EVENT_NO_LIMIT, 0));
	process(model, 1, state_of(1, 0, "systemd", 1, M));
	process(model, 1, state_of(10, 1, "PM2 v5.3.0: God", 2, M));
	fork_of(model, 2, state_of(11, 10, "sh", 2, M));
	exec_of(model, 2, state_of(11, 10, "node", 2, M), "node\0/srv/api.js", 17);
	fork_of(model, 3, state_of(12, 11, "node", 2, M));
	fork_of(model, 3, state_of(13, 12, "unrelated", 2, M));
	rss(model, 4, 11, 90 * M);
	exit_of(model, 5, 11, 0);
	exit_of(model, 5, 13, 0);
	tick(model, 1000 * SECOND);
	for (int i = 0; i < 3; i++) {
		model = go_on(model, INCIDENT_WINDOW_NS);
		process_of_12 = model__process_by_pid(model, 12);
		service = model__service(model, process_of_12);
		assert_int_equal(service.kind, SERVICE_PM2);
		assert_string_equal(service.name, "api.js");
		assert_null(model__process_by_pid(model, 13));
		assert_null(model__process_by_pid(model, 11)->series);
		assert_int_equal(model__state(model)->forgotten_series, 1);
	}
	model__free(model);
}

static void test_empty_cgroups_that_are_gone_stay_behind(void **state)
{
	struct model *model = new_model();
	char *path;

	(void)state;
	cgroup(model, 1, 1, 0, "", counters(M, EVENT_NO_LIMIT, 0));
	for (uint64_t id = 2; id < 6; id++)
		cgroup(model, 1, id, id == 5 ? 4 : 1, "some", counters(M, EVENT_NO_LIMIT, 0));
	process(model, 1, state_of(50, 0, "lives", 5, M));
	for (uint64_t id = 2; id < 6; id++) {
		struct event_cgroup_gone gone = {
			header(EVENT_CGROUP_GONE, sizeof(gone), id == 3 ? 50 * SECOND : 2), id};

		tell_psi(model, 2, id, 5);
		apply(model, &gone);
	}
	tick(model, 100 * SECOND);
	model = go_on(model, INCIDENT_WINDOW_NS);
	assert_non_null(model__cgroup_by_id(model, 1));
	assert_null(model__cgroup_by_id(model, 2));
	assert_non_null(model__cgroup_by_id(model, 3)); /* gone lately */
	assert_non_null(model__cgroup_by_id(model, 4)); /* above one with a process */
	assert_non_null(model__cgroup_by_id(model, 5));
	assert_int_equal(model__state(model)->forgotten_cgroups, 1);
	path = model__cgroup_path(model, 5);
	assert_string_equal(path, "/some/some");
	free(path);
	model__free(model);
}

/* --- kills ----------------------------------------------------------------------------------- */

static struct model *new_model_after_kill(uint64_t counter_ms)
{
	struct model *model = new_model();

	host(model, 1, FOLLOW_ALL, 0);
	tell_oom_counter(model, 2, 10);
	cgroup(model, 3, 2, 0, "", counters(M, M, 0));
	process(model, 3, state_of(30, 0, "victim", 2, M));
	oom_kill(model, 100, state_of(30, 0, "victim", 2, M), state_of(30, 0, "victim", 2, M), 2,
		 counters(M, M, 1));
	tell_oom_counter(model, counter_ms, 11);
	tick(model, 200 * SECOND);
	assert_int_equal(model__incident_count(model), 1);
	return go_on(model, INCIDENT_WINDOW_NS);
}

static void test_who_was_killed_long_ago_and_lives_on_was_killed(void **state)
{
	struct model *model = new_model();

	(void)state;
	process(model, 1, state_of(30, 0, "in D state", 2, M));
	sigkill(model, 2, 1, 30, 0);
	tick(model, 500 * SECOND);
	model = go_on(model, INCIDENT_WINDOW_NS);
	assert_int_equal(model__kill_count(model), 0);
	assert_true(model__process_by_pid(model, 30)->killed);
	assert_false(model__process_by_pid(model, 30)->oom_killed);
	model__free(model);
}

static void test_a_second_mark_is_no_second_kill_in_the_next_model(void **state)
{
	struct model *model = new_model_after_kill(101);

	(void)state;
	assert_int_equal(model__incident_count(model), 0);
	oom_kill(model, 201 * SECOND, state_of(30, 0, "victim", 2, M),
		 state_of(30, 0, "victim", 2, M), 2, counters(M, M, 1));
	assert_int_equal(model__incident_count(model), 0);
	assert_int_equal(model__kill_count(model), 0);
	model__free(model);
}

static void test_the_kernels_count_begins_behind_the_kills_left_behind(void **state)
{
	struct model *model = new_model_after_kill(101);

	(void)state;
	assert_int_equal(model__kernel_oom_kills(model), 0);
	tell_oom_counter(model, 202 * SECOND, 12);
	assert_int_equal(model__kernel_oom_kills(model), 1);
	model__free(model);

	/* The reading is older than the kill: what it lacks must not look missed. */
	model = new_model_after_kill(99);
	assert_int_equal(model__kernel_oom_kills(model), EVENT_UNKNOWN);
	tell_oom_counter(model, 202 * SECOND, 11);
	assert_int_equal(model__kernel_oom_kills(model), EVENT_UNKNOWN);
	tell_oom_counter(model, 203 * SECOND, 11);
	assert_int_equal(model__kernel_oom_kills(model), 0);
	model__free(model);
}

/* --- bounds ---------------------------------------------------------------------------------- */

static void test_the_stream_bounds_the_processes(void **state)
{
	struct state_options options = {.processes_max = 3};
	struct event_state first = model__first_state(&options);
	struct model *model = new_model();

	(void)state;
	apply(model, &first);
	for (uint32_t pid = 1; pid < 10; pid++)
		process(model, 1, state_of(pid, 0, "some", 1, M));
	assert_int_equal(model__process_count(model), 3);
	assert_int_equal(lost(model, LOSS_MODEL_FULL, EVENT_PROCESS), 6);
	model = go_on(model, INCIDENT_WINDOW_NS);
	assert_int_equal(lost(model, LOSS_MODEL_FULL, EVENT_PROCESS), 6);
	/* 0: the defaults again. */
	process(model, 2, state_of(20, 0, "some", 1, M));
	assert_int_equal(model__process_count(model), 4);
	model__free(model);
}

static void test_series_are_given_up_by_the_dead_then_by_the_small(void **state)
{
	struct state_options options = {.series_max_bytes = 40 * KIB};
	struct event_state first = model__first_state(&options);
	struct model *model = new_model();

	(void)state;
	apply(model, &first);
	process(model, 1, state_of(9, 0, "dead", 1, M));
	for (uint32_t pid = 10; pid < 80; pid++)
		process(model, 1, state_of(pid, 0, "some", 1, (int64_t)pid * M));
	process(model, 1, state_of(80, 0, "large", 1, 1000 * M));
	rss(model, 2, 9, 700 * M);
	exit_of(model, 3, 9, 0);
	for (uint64_t i = 0; i < 60; i++) {
		rss(model, 10 + i, 80, (int64_t)(1000 + i) * M);
		for (uint32_t pid = 10; pid < 80; pid++)
			rss(model, 10 + i, pid, (int64_t)(pid + i) * M);
	}
	assert_null(model__process_by_pid(model, 9)->series);
	assert_int_equal(series__count(model__process_by_pid(model, 80)->series), 60);
	assert_true(lost(model, LOSS_MODEL_FULL, EVENT_RSS) > 0);
	model__free(model);
}

static void test_growth_is_not_judged_by_what_was_given_up(void **state)
{
	struct state_options options = {.series_max_bytes = 1};
	struct event_state first = model__first_state(&options);
	struct model *model = new_model();

	(void)state;
	host(model, 1, FOLLOW_ALL, 0);
	apply(model, &first);
	cgroup(model, 1, 2, 0, "", counters(M, M, 0));
	process(model, 1, state_of(10, 0, "grown", 2, M));
	rss(model, 2, 10, 900 * M);
	process(model, 100 * SECOND, state_of(11, 0, "victim", 2, M));
	rss(model, 190 * SECOND, 10, 901 * M);
	oom_kill(model, 191 * SECOND, state_of(11, 0, "victim", 2, M),
		 state_of(11, 0, "victim", 2, M), 2, counters(M, M, 1));
	for (size_t i = 0; i < model__incident(model, 0)->process_count; i++)
		assert_true(model__incident(model, 0)->processes[i].grew_bytes <= M);
	model__free(model);
}

static void test_a_command_line_that_many_share_stays_one(void **state)
{
	static char argv[EVENT_ARGV_BYTES];
	struct model *model = new_model();
	size_t before;

	(void)state;
	memset(argv, 'a', sizeof(argv));
	process(model, 1, state_of(2, 0, "parent", 1, M));
	argv_of(model, 1, 2, argv, sizeof(argv));
	for (uint32_t pid = 3; pid < 200; pid++)
		fork_of(model, 1, state_of(pid, 2, "child", 1, M));
	before = model__bytes(model);
	model = go_on(model, INCIDENT_WINDOW_NS);
	assert_int_equal(model__bytes(model), before);
	assert_ptr_equal(model__process_by_pid(model, 199)->argv,
			 model__process_by_pid(model, 2)->argv);
	assert_int_equal(model__process_by_pid(model, 199)->argv_bytes, EVENT_ARGV_BYTES);
	model__free(model);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_those_who_ended_long_ago_stay_behind),
		cmocka_unit_test(test_of_too_many_dead_the_largest_go_on),
		cmocka_unit_test(test_the_living_are_named_after_dead_ancestors),
		cmocka_unit_test(test_empty_cgroups_that_are_gone_stay_behind),
		cmocka_unit_test(test_who_was_killed_long_ago_and_lives_on_was_killed),
		cmocka_unit_test(test_a_second_mark_is_no_second_kill_in_the_next_model),
		cmocka_unit_test(test_the_kernels_count_begins_behind_the_kills_left_behind),
		cmocka_unit_test(test_the_stream_bounds_the_processes),
		cmocka_unit_test(test_series_are_given_up_by_the_dead_then_by_the_small),
		cmocka_unit_test(test_growth_is_not_judged_by_what_was_given_up),
		cmocka_unit_test(test_a_command_line_that_many_share_stays_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
