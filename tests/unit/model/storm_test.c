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

static void kill_in(struct model *model, uint64_t ms, uint32_t pid, const char *comm,
		    uint64_t domain)
{
	struct process_state victim = state_of(pid, 1, comm, domain, 10 * M);

	oom_kill(model, ms, victim, victim, domain, usage(1000, 9));
}

/* Killed, started again in a new cgroup of the same path, killed again. */
static void test_same_cause_again_is_a_storm(void **state)
{
	struct model *model = prepared();
	const struct incident *incident;

	(void)state;
	kill_big(model, 160000);
	assert_int_equal(model__last_oom_incident(model), 0);
	assert_true(model__incident_is_open(model, 0));
	kill_in(model, 165000, 10, "leaker", APP);
	tick(model, 175000);
	assert_true(model__incident_is_open(model, 0));
	tick(model, 175001);
	assert_false(model__incident_is_open(model, 0));
	cgroup(model, 180000, 20, 1, "app", usage(0, 0));
	kill_in(model, 200000, 30, "leaker", 20);
	assert_int_equal(model__last_oom_incident(model), 0);
	assert_false(model__incident_is_open(model, 0));
	exit_of(model, 200100, 30, SIGKILL_NUMBER);
	read_stat(model, 200200, 3);
	/* In time only since the one before. */
	kill_in(model, 799000, 31, "other", 20);
	exit_of(model, 809001, 31, SIGKILL_NUMBER); /* too late to belong to the kill */
	model__finish(model);
	incident = only(model);
	assert_string_equal(incident->victim.comm, "big");
	assert_int_equal(incident->stat_ns, 0);
	assert_int_equal(incident->kill_count, 4);
	assert_false(incident->kills[1].later);
	assert_true(incident->kills[2].later);
	assert_true(incident->kills[2].exit_ns == 200100 * NS_PER_MS);
	assert_true(incident->kills[3].later);
	assert_int_equal(incident->kills[3].exit_ns, 0);
	assert_int_equal(incident->burst_kills, 2);
	assert_int_equal(incident->storm.count, 4);
	assert_true(incident->storm.first_ns == 160000 * NS_PER_MS);
	assert_true(incident->storm.last_ns == 799000 * NS_PER_MS);
	assert_int_equal(model__kill(model, 3)->incident, 0);
	model__free(model);
}

static void test_a_storm_ends(void **state)
{
	struct model *model = prepared();

	(void)state;
	kill_big(model, 160000);
	kill_in(model, 760000, 30, "leaker", APP);
	kill_in(model, 1360001, 31, "leaker", APP);
	assert_int_equal(model__last_oom_incident(model), 1);
	assert_true(model__incident_is_open(model, 1));
	assert_int_equal(model__incident_count(model), 2);
	assert_int_equal(model__incident(model, 0)->storm.count, 2);
	assert_int_equal(model__incident(model, 1)->storm.count, 0);
	assert_string_equal(model__incident(model, 0)->fingerprint,
			    model__incident(model, 1)->fingerprint);
	/* The latest of one cause takes what comes. */
	kill_in(model, 1390000, 32, "leaker", APP);
	assert_int_equal(model__last_oom_incident(model), 1);
	model__free(model);
}

/* Kills that never pause would keep the window open for ever. */
static void test_a_burst_ends(void **state)
{
	struct model *model = prepared();
	const struct incident *incident;

	(void)state;
	for (uint32_t i = 0; i <= 14; i++)
		kill_in(model, 160000 + i * 5000, 1000 + i, "x", APP);
	incident = only(model);
	assert_false(model__incident_is_open(model, 0));
	assert_int_equal(incident->kill_count, 15);
	assert_false(incident->kills[12].later); /* 60 s after the first */
	assert_true(incident->kills[13].later);
	assert_int_equal(incident->burst_kills, 13);
	assert_int_equal(incident->storm.count, 15);
	model__free(model);
}

static void test_other_causes_are_other_incidents(void **state)
{
	struct model *model = prepared();

	(void)state;
	kill_big(model, 160000);
	kill_in(model, 180000, 13, "stranger", OTHER);
	assert_int_equal(model__last_oom_incident(model), 1);
	kill_in(model, 200000, 12, "asker", 0);
	assert_int_equal(model__last_oom_incident(model), 2);
	kill_in(model, 220000, 14, "stranger", OTHER);
	assert_int_equal(model__last_oom_incident(model), 1);
	/* A second mark of the same victim is no kill. */
	kill_in(model, 220001, 14, "stranger", OTHER);
	assert_int_equal(model__last_oom_incident(model), -1);
	assert_int_equal(model__incident_count(model), 3);
	model__free(model);
}

/* memory.oom.group, a second time: its members' own cgroups are not the cause. */
static void test_same_call_joins_a_storm(void **state)
{
	struct model *model = prepared();

	(void)state;
	kill_big(model, 160000);
	oom_kill(model, 200000, state_of(10, 1, "leaker", APP, 10 * M),
		 state_of(12, 1, "asker", APP, 5 * M), APP, usage(1000, 9));
	oom_kill(model, 200001, state_of(13, 1, "stranger", OTHER, 10 * M),
		 state_of(12, 1, "asker", APP, 5 * M), OTHER, usage(1000, 7));
	assert_int_equal(only(model)->storm.count, 3);
	model__free(model);
}

/* Later kills that were kept without the names of their cgroups, long after the one before. */
static void test_a_storm_that_is_expected(void **state)
{
	struct model *model = prepared();

	(void)state;
	kill_big(model, 160000);
	kill_in(model, 180000, 13, "stranger", OTHER);
	model__expect_storm(model, 7); /* there is none */
	model__expect_storm(model, 0);
	kill_in(model, 1800000, 30, "leaker", 77);
	assert_int_equal(model__last_oom_incident(model), 0);
	assert_int_equal(model__incident_count(model), 2);
	assert_int_equal(model__incident(model, 0)->storm.count, 2);
	assert_int_equal(model__incident(model, 0)->storm.last_ns, 1800000 * NS_PER_MS);
	assert_int_equal(model__incident(model, 1)->storm.count, 0);
	model__free(model);
}

static void tell_more(struct model *model, uint64_t ms, uint64_t count)
{
	struct event_loss event = {.header = header(EVENT_LOSS, sizeof(event), ms),
				   .reason = LOSS_KILLS_COUNTED,
				   .kind = EVENT_OOM_KILL,
				   .count = count};

	apply(model, &event);
}

/* Kills that no room was found for: the recorder tells how many they were, again and again. */
static void test_kills_known_by_their_number_count(void **state)
{
	struct model *model = prepared();
	const struct incident *incident = NULL;

	(void)state;
	kill_big(model, 160000);
	tell_more(model, 165000, 1); /* of which incident? */
	incident = only(model);
	assert_int_equal(incident->storm.count, 0);
	model__expect_storm(model, 0);
	kill_in(model, 200000, 30, "leaker", APP);
	tell_more(model, 300000, 41);
	assert_int_equal(incident->storm.count, 42);
	tell_more(model, 300000, 41);
	kill_in(model, 400000, 31, "leaker", APP);
	tell_more(model, 500000, 43);
	assert_int_equal(incident->kill_count, 3);
	assert_int_equal(incident->kill_omitted, 42);
	assert_int_equal(incident->storm.count, 45);
	assert_int_equal(incident->storm.first_ns, 160000 * NS_PER_MS);
	assert_int_equal(incident->storm.last_ns, 500000 * NS_PER_MS);
	assert_int_equal(model__loss(model, 0)->count, 43);
	tell_more(model, 500000, UINT64_MAX);
	kill_in(model, 600000, 32, "leaker", APP);
	assert_true(incident->storm.count > UINT64_MAX / 2);
	model__free(model);
}

/* A setting of the recorder, and so told in the stream. */
static void test_the_stream_says_how_long_a_storm_pauses(void **state)
{
	struct state_options options = {.storm_ns = 20 * NS_PER_S};
	struct event_state first = model__first_state(&options);
	struct model *model = prepared();

	(void)state;
	apply(model, &first);
	kill_big(model, 160000);
	kill_in(model, 180000, 30, "leaker", APP);
	assert_int_equal(only(model)->storm.count, 2);
	kill_in(model, 200001, 31, "leaker", APP);
	assert_int_equal(model__incident_count(model), 2);
	model__free(model);
}

/* Told by a version that did not know the setting, whatever lies behind the event. */
static void test_a_stream_without_that_has_the_default(void **state)
{
	struct state_options options = {.storm_ns = 20 * NS_PER_S};
	struct event_state first = model__first_state(&options);
	struct model *model = prepared();

	(void)state;
	first.header.size_bytes = EVENT_STATE_FIRST_BYTES;
	apply(model, &first);
	assert_int_equal(model__state(model)->storm_ns, 0);
	kill_big(model, 160000);
	kill_in(model, 160000 + INCIDENT_STORM_NS / NS_PER_MS, 30, "leaker", APP);
	assert_int_equal(only(model)->storm.count, 2);
	model__free(model);
}

/* As the versions before told a kill, whatever lies behind the event: it has no ledger. */
static void test_an_older_kill_is_one_as_well(void **state)
{
	struct event_oom_kill kill = {
		.header = header(EVENT_OOM_KILL, EVENT_OOM_KILL_FIRST_BYTES, 160000),
		.victim = state_of(30, 1, "leaker", 3, M),
		.trigger = state_of(30, 1, "leaker", 3, M),
		.domain_cgroup_id = APP,
		.constraint = OOM_CONSTRAINT_MEMCG,
		.way = OOM_WAY_FENTRY,
		.ledger = {.flags = LEDGER_TAKEN, .usage_bytes = 4096},
	};
	struct model *model = prepared();

	(void)state;
	apply(model, &kill);
	assert_int_equal(model__kill_count(model), 1);
	assert_int_equal(model__kill(model, 0)->class, KILL_OOM);
	assert_int_equal(only(model)->ledger.flags, 0);
	model__free(model);
}

static void test_kills_of_a_storm_are_bounded(void **state)
{
	struct model *model = prepared();
	const struct incident *incident;

	(void)state;
	for (uint32_t i = 0; i < 10100; i++)
		kill_in(model, 160000 + i * 60, 1000 + i, "x", APP);
	incident = only(model);
	assert_int_equal(incident->kill_count, 10000);
	assert_int_equal(incident->kill_omitted, 100);
	assert_int_equal(incident->storm.count, 10100);
	assert_true(incident->storm.last_ns == (160000 + 10099 * 60) * NS_PER_MS);
	assert_int_equal(model__loss(model, 0)->count, 100);
	assert_true(incident->timeline_count <= INCIDENT_TIMELINE);
	assert_int_equal(incident->timeline_omitted, 0);
	model__free(model);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_cause_again_is_a_storm),
		cmocka_unit_test(test_a_storm_ends),
		cmocka_unit_test(test_a_burst_ends),
		cmocka_unit_test(test_other_causes_are_other_incidents),
		cmocka_unit_test(test_same_call_joins_a_storm),
		cmocka_unit_test(test_a_storm_that_is_expected),
		cmocka_unit_test(test_kills_known_by_their_number_count),
		cmocka_unit_test(test_the_stream_says_how_long_a_storm_pauses),
		cmocka_unit_test(test_a_stream_without_that_has_the_default),
		cmocka_unit_test(test_an_older_kill_is_one_as_well),
		cmocka_unit_test(test_kills_of_a_storm_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
