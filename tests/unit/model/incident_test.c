/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/unit/model/stream.h"

#define M     ((int64_t)MIB)
#define LIMIT (1000 * M)
#define APP   2
#define OTHER 4

static struct memcg_counters usage(int64_t mib, int64_t failures)
{
	return counters(mib * M, LIMIT, failures);
}

/* /app and /app/inner, both of the domain, and /other. Recording begins at 0. */
static struct model *prepared(void)
{
	struct model *model = new_model();

	host(model, 0, FOLLOW_ALL, 1000000000LL * (int64_t)NS_PER_S);
	cgroup(model, 0, 1, 0, "", counters(0, EVENT_NO_LIMIT, 0));
	cgroup(model, 0, APP, 1, "app", usage(100, 0));
	cgroup(model, 0, 3, APP, "inner", usage(0, 0));
	cgroup(model, 0, OTHER, 1, "other", usage(0, 0));
	process(model, 0, state_of(1, 0, "init", 1, M));
	process(model, 0, state_of(10, 1, "leaker", APP, 10 * M));
	process(model, 0, state_of(11, 1, "big", 3, 400 * M));
	process(model, 0, state_of(12, 1, "asker", APP, 5 * M));
	process(model, 0, state_of(13, 1, "stranger", OTHER, 10 * M));
	argv_of(model, 0, 11, "big\0--data", 11);
	return model;
}

/* "big" dies on the request of "asker". */
static void kill_big(struct model *model, uint64_t ms)
{
	oom_kill(model, ms, state_of(11, 1, "big", 3, 410 * M),
		 state_of(12, 1, "asker", APP, 5 * M), APP, usage(1000, 7));
}

static const struct incident *only(const struct model *model)
{
	assert_int_equal(model__incident_count(model), 1);
	return model__incident(model, 0);
}

static void read_stat(struct model *model, uint64_t ms, int64_t bytes)
{
	struct event_memcg_stat stat = {.header = header(EVENT_MEMCG_STAT, sizeof(stat), ms),
					.cgroup_id = APP,
					.stat = {.anon_bytes = bytes}};
	struct event_meminfo meminfo = {.header = header(EVENT_MEMINFO, sizeof(meminfo), ms),
					.meminfo = {.free_bytes = bytes}};

	apply(model, &stat);
	apply(model, &meminfo);
}

static void test_roles(void **state)
{
	struct model *model = prepared();
	const struct incident *incident;

	(void)state;
	rss(model, 100000, 10, 50 * M);
	rss(model, 150000, 10, 550 * M);
	rss(model, 150000, 13, 900 * M);
	memcg(model, 150000, APP, usage(990, 2));
	kill_big(model, 160000);
	incident = only(model);
	assert_string_equal(incident->id, "20010909T014920Z-big-11");
	assert_true(incident->from_ns == 70000 * NS_PER_MS);
	assert_true(incident->domain_known);
	assert_int_equal(incident->domain_id, APP);
	assert_string_equal(incident->domain, "/app");
	assert_int_equal(incident->counters.usage_bytes, LIMIT);
	assert_int_equal(incident->total_bytes, LIMIT);
	assert_int_equal(incident->failures_in_window, 7);
	assert_int_equal(incident->domain_grew_bytes, 900 * M);
	assert_true(incident->followed_all);

	assert_int_equal(incident->victim.task.pid, 11);
	assert_true(incident->victim.exact);
	assert_string_equal(incident->victim.cgroup, "/app/inner");
	assert_memory_equal(incident->victim.argv, "big\0--data", 11);
	assert_int_equal(incident->victim.memory.anon_bytes, 410 * M);
	assert_int_equal(incident->victim.grew_bytes, 10 * M);
	assert_int_equal(incident->trigger.task.pid, 12);
	assert_int_equal(incident->trigger.grew_bytes, 0);
	assert_int_equal(incident->culprit.task.pid, 10);
	assert_int_equal(incident->culprit.grew_bytes, 540 * M);
	assert_true(incident->culprit.grew_over_ns == INCIDENT_WINDOW_NS);
	assert_int_equal(incident->processes_grew_bytes, 550 * M);

	assert_int_equal(incident->process_count, 3);
	assert_int_equal(incident->processes[0].task.pid, 10);
	assert_int_equal(incident->processes[1].task.pid, 11);
	assert_int_equal(incident->processes[2].task.pid, 12);
	assert_int_equal(incident->process_omitted, 0);
	model__free(model);
}

/* The frozen curves end at the kill, whatever happens later. */
static void test_series_are_frozen(void **state)
{
	struct model *model = prepared();
	const struct incident *incident;

	(void)state;
	rss(model, 100000, 10, 50 * M);
	memcg(model, 150000, APP, usage(990, 2));
	kill_big(model, 160000);
	rss(model, 160000, 11, 0);
	rss(model, 161000, 10, 700 * M);
	memcg(model, 161000, APP, usage(700, 7));
	model__finish(model);
	incident = only(model);
	assert_int_equal(series__count(incident->victim_series), 2);
	assert_true(series__time(incident->victim_series, 0) == incident->from_ns);
	assert_int_equal(series__values(incident->victim_series, 0)[MEMORY_ANON], 400 * M);
	assert_true(series__time(incident->victim_series, 1) == incident->time_ns);
	assert_int_equal(series__values(incident->victim_series, 1)[MEMORY_ANON], 410 * M);
	assert_int_equal(series__count(incident->culprit_series), 2);
	assert_int_equal(series__count(incident->domain_series), 3);
	assert_int_equal(series__values(incident->domain_series, 2)[USAGE_MEMORY], LIMIT);
	assert_int_equal(incident->culprit.memory.anon_bytes, 50 * M);
	model__free(model);
}

/* What a child inherits is no growth; what a program has since its exec is. */
static void test_growth_of_the_young(void **state)
{
	struct model *model = prepared();
	const struct incident *incident;

	(void)state;
	fork_of(model, 100000, state_of(20, 11, "big", APP, 390 * M));
	fork_of(model, 110000, state_of(21, 11, "big", APP, 390 * M));
	exec_of(model, 110001, state_of(21, 11, "tool", APP, M), "tool", 5);
	rss(model, 120000, 20, 395 * M);
	rss(model, 120000, 21, 30 * M);
	kill_big(model, 160000);
	incident = only(model);
	assert_int_equal(incident->process_count, 5);
	assert_int_equal(incident->processes[1].task.pid, 20);
	assert_int_equal(incident->processes[1].grew_bytes, 5 * M);
	assert_true(incident->processes[1].born_in_window);
	assert_true(incident->processes[1].grew_over_ns == 60000 * NS_PER_MS);
	assert_int_equal(incident->processes[2].task.pid, 21);
	assert_int_equal(incident->processes[2].grew_bytes, 30 * M);
	assert_int_equal(incident->culprit.task.pid, 21);
	model__free(model);
}

static void test_shared_memory_counts_once(void **state)
{
	struct model *model = prepared();
	struct process_state sharer = state_of(9, 10, "leaker", APP, 10 * M);
	const struct incident *incident;

	(void)state;
	sharer.mm_id = 10;
	sharer.task.start_ns = 50 * NS_PER_S;
	fork_of(model, 50000, sharer);
	rss(model, 100000, 10, 110 * M);
	kill_big(model, 160000);
	incident = only(model);
	assert_int_equal(incident->process_count, 4);
	assert_int_equal(incident->processes_grew_bytes, 110 * M);
	assert_int_equal(incident->culprit.task.pid, 10);
	model__free(model);
}

static void test_nobody_grew(void **state)
{
	struct model *model = prepared();
	const struct incident *incident;

	(void)state;
	oom_kill(model, 160000, state_of(11, 1, "big", 3, 400 * M), (struct process_state){0}, APP,
		 usage(1000, 7));
	incident = only(model);
	assert_int_equal(incident->culprit.task.pid, 0);
	assert_null(incident->culprit_series);
	assert_int_equal(incident->trigger.task.pid, 0);
	assert_null(incident->trigger.cgroup);
	assert_int_equal(incident->processes_grew_bytes, 0);
	assert_int_equal(series__count(incident->victim_series), 1);
	model__free(model);
}

static void test_kills_that_join(void **state)
{
	struct model *model = prepared();
	const struct incident *incident;

	(void)state;
	kill_big(model, 160000);
	exit_of(model, 160100, 11, SIGKILL_NUMBER);
	/* The same domain, another trigger. */
	oom_kill(model, 169000, state_of(10, 1, "leaker", APP, 10 * M),
		 state_of(10, 1, "leaker", APP, 10 * M), APP, usage(1000, 9));
	/* Another domain: an incident of its own. */
	oom_kill(model, 170000, state_of(13, 1, "stranger", OTHER, 10 * M),
		 state_of(13, 1, "stranger", OTHER, 10 * M), OTHER, usage(1000, 9));
	model__finish(model);
	assert_int_equal(model__incident_count(model), 2);
	incident = model__incident(model, 0);
	assert_int_equal(incident->kill_count, 2);
	assert_int_equal(incident->kills[0].task.pid, 11);
	assert_true(incident->kills[0].exit_ns == 160100 * NS_PER_MS);
	assert_int_equal(incident->kills[0].exit_code, SIGKILL_NUMBER);
	assert_int_equal(incident->kills[1].task.pid, 10);
	assert_int_equal(incident->kills[1].exit_ns, 0);
	assert_int_equal(incident->counters.failures, 7);
	assert_int_equal(model__incident(model, 1)->domain_id, OTHER);
	assert_int_equal(model__kill(model, 1)->incident, 0);
	assert_int_equal(model__kill(model, 2)->incident, 1);
	assert_int_equal(incident->storm.count, 0);
	model__free(model);
}

/* memory.oom.group: one call kills members of several cgroups. */
static void test_same_call_joins(void **state)
{
	struct model *model = prepared();

	(void)state;
	kill_big(model, 160000);
	oom_kill(model, 160001, state_of(13, 1, "stranger", OTHER, 10 * M),
		 state_of(12, 1, "asker", APP, 5 * M), OTHER, usage(1000, 7));
	assert_int_equal(model__incident_count(model), 1);
	assert_int_equal(model__incident(model, 0)->kill_count, 2);
	model__free(model);
}

static void oom_without_context(struct model *model, uint64_t ms, int32_t constraint, uint32_t way)
{
	struct event_oom_kill event = {
		.header = header(EVENT_OOM_KILL, sizeof(event), ms),
		.victim = state_of(10, 1, "leaker", APP, 90 * M),
		.trigger = state_of(12, 1, "asker", APP, 5 * M),
		.domain = {-1, -1, -1, -1, -1, -1, -1, -1, -1, 0},
		.domain_total_bytes = -1,
		.chosen_points = -1,
		.order = -1,
		.constraint = constraint,
		.way = way,
	};

	apply(model, &event);
}

static void test_unknown_level(void **state)
{
	struct model *model = prepared();
	const struct incident *incident;

	(void)state;
	oom_without_context(model, 160000, OOM_CONSTRAINT_UNKNOWN, OOM_WAY_NONE);
	incident = only(model);
	assert_false(incident->domain_known);
	assert_null(incident->domain);
	assert_int_equal(incident->domain_id, 0);
	assert_int_equal(incident->total_bytes, EVENT_UNKNOWN);
	assert_int_equal(incident->counters.usage_bytes, EVENT_UNKNOWN);
	assert_int_equal(incident->failures_in_window, EVENT_UNKNOWN);
	assert_false(incident->victim.exact);
	/* Of the victim's own cgroup only: 11 is in /app/inner. */
	assert_int_equal(incident->process_count, 2);
	assert_int_equal(incident->culprit.task.pid, 10);
	model__free(model);
}

static void test_whole_host(void **state)
{
	struct model *model = prepared();
	const struct incident *incident;

	(void)state;
	oom_without_context(model, 160000, OOM_CONSTRAINT_NONE, OOM_WAY_FENTRY);
	incident = only(model);
	assert_true(incident->domain_known);
	assert_string_equal(incident->domain, "the host");
	assert_int_equal(incident->domain_id, 0);
	assert_int_equal(incident->domain_grew_bytes, EVENT_UNKNOWN);
	assert_int_equal(incident->process_count, 5);
	/* Without a way, "none" says nothing. */
	model__free(model);
	model = prepared();
	oom_without_context(model, 160000, OOM_CONSTRAINT_NONE, OOM_WAY_NONE);
	assert_false(only(model)->domain_known);
	model__free(model);
}

static void test_more_processes_than_are_listed(void **state)
{
	struct model *model = prepared();
	const struct incident *incident;
	bool seen = false;

	(void)state;
	for (uint32_t pid = 1000; pid < 1100; pid++)
		process(model, 1, state_of(pid, 1, "many", APP, 500 * M + pid));
	kill_big(model, 160000);
	incident = only(model);
	assert_int_equal(incident->process_count, INCIDENT_PROCESSES);
	assert_int_equal(incident->process_omitted, 103 - INCIDENT_PROCESSES);
	assert_int_equal(incident->processes[0].task.pid, 1099);
	for (size_t i = 0; i < incident->process_count; i++)
		seen |= incident->processes[i].task.pid == 11;
	assert_true(seen);
	model__free(model);
}

static void test_kernel_threads_are_not_listed(void **state)
{
	struct model *model = prepared();
	struct process_state thread = state_of(50, 2, "kswapd0", APP, 0);

	(void)state;
	thread.mm_id = 0;
	thread.flags = PROCESS_NO_MM;
	process(model, 1, thread);
	kill_big(model, 160000);
	assert_int_equal(only(model)->process_count, 3);
	model__free(model);
}

static void test_first_reading_after_the_kill(void **state)
{
	struct model *model = prepared();

	(void)state;
	read_stat(model, 159000, 1);
	kill_big(model, 160000);
	assert_int_equal(only(model)->stat_ns, 0);
	assert_int_equal(only(model)->stat.anon_bytes, EVENT_UNKNOWN);
	read_stat(model, 160000, 2);
	read_stat(model, 161000, 3);
	assert_true(only(model)->stat_ns == 160000 * NS_PER_MS);
	assert_int_equal(only(model)->stat.anon_bytes, 2);
	assert_int_equal(only(model)->meminfo.free_bytes, 2);
	assert_true(only(model)->meminfo_ns == 160000 * NS_PER_MS);
	model__free(model);
}

static void test_reading_after_the_end_is_too_late(void **state)
{
	struct model *model = prepared();

	(void)state;
	kill_big(model, 160000);
	read_stat(model, 170001, 3);
	assert_int_equal(only(model)->stat_ns, 0);
	assert_int_equal(only(model)->meminfo_ns, 0);
	model__free(model);
}

static void test_names_are_safe_in_ids(void **state)
{
	struct model *model = new_model();
	struct process_state victim = state_of(10, 1, "../e\n x\xff", 0, M);

	(void)state;
	oom_kill(model, 1, victim, victim, 0, usage(1, 1));
	assert_string_equal(only(model)->id, "unknown-_._e__x_-10");
	assert_int_equal(only(model)->realtime_ns, EVENT_UNKNOWN);
	assert_false(only(model)->followed_all);
	model__free(model);

	model = new_model();
	victim = state_of(11, 1, "0123456789abcdef", 0, M);
	oom_kill(model, 1, victim, victim, 0, usage(1, 1));
	assert_string_equal(only(model)->id, "unknown-0123456789abcdef-11");
	model__free(model);

	model = new_model();
	victim = state_of(12, 1, "", 0, M);
	oom_kill(model, 1, victim, victim, 0, usage(1, 1));
	assert_string_equal(only(model)->id, "unknown-_-12");
	model__free(model);
}

static void test_losses_in_the_window(void **state)
{
	struct model *model = prepared();
	struct event_loss loss = {.header = header(EVENT_LOSS, sizeof(loss), 1000),
				  .reason = LOSS_RING_FULL,
				  .kind = EVENT_RSS,
				  .count = 10};

	(void)state;
	apply(model, &loss);
	loss.header.time_ns = 150000 * NS_PER_MS;
	loss.count = 15;
	apply(model, &loss);
	loss.reason = LOSS_OBSERVATION;
	loss.kind = 0;
	loss.count = 2;
	apply(model, &loss);
	kill_big(model, 160000);
	assert_int_equal(only(model)->lost_before, 7);
	model__free(model);
}

/* Nothing was known before: the event alone makes a report. */
static void test_first_event_of_all(void **state)
{
	struct model *model = new_model();
	const struct incident *incident;

	(void)state;
	kill_big(model, 160000);
	model__finish(model);
	incident = only(model);
	assert_true(incident->from_ns == incident->time_ns);
	assert_int_equal(incident->failures_in_window, EVENT_UNKNOWN);
	assert_string_equal(incident->domain, "(unknown)");
	assert_string_equal(incident->victim.comm, "big");
	assert_int_equal(incident->victim.grew_bytes, 0);
	assert_int_equal(series__count(incident->victim_series), 1);
	model__free(model);
}

static void test_incidents_are_bounded(void **state)
{
	struct model *model = new_model();

	(void)state;
	for (uint32_t i = 1; i <= 1100; i++) {
		struct process_state victim = state_of(i, 1, "x", i, M);

		oom_kill(model, i, victim, victim, i, usage(1, 1));
	}
	model__finish(model);
	assert_int_equal(model__incident_count(model), 1000);
	assert_int_equal(model__kill_count(model), 1100);
	assert_int_equal(model__kill(model, 1099)->incident, -1);
	assert_int_equal(model__loss(model, 0)->count, 100);
	model__free(model);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_roles),
		cmocka_unit_test(test_series_are_frozen),
		cmocka_unit_test(test_growth_of_the_young),
		cmocka_unit_test(test_shared_memory_counts_once),
		cmocka_unit_test(test_nobody_grew),
		cmocka_unit_test(test_kills_that_join),
		cmocka_unit_test(test_same_call_joins),
		cmocka_unit_test(test_unknown_level),
		cmocka_unit_test(test_whole_host),
		cmocka_unit_test(test_more_processes_than_are_listed),
		cmocka_unit_test(test_kernel_threads_are_not_listed),
		cmocka_unit_test(test_first_reading_after_the_kill),
		cmocka_unit_test(test_reading_after_the_end_is_too_late),
		cmocka_unit_test(test_names_are_safe_in_ids),
		cmocka_unit_test(test_losses_in_the_window),
		cmocka_unit_test(test_first_event_of_all),
		cmocka_unit_test(test_incidents_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
