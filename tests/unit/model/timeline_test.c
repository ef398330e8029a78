/* SPDX-License-Identifier: GPL-2.0-only */
#include "base/text.h"
#include "tests/unit/model/stream.h"

#define M     ((int64_t)MIB)
#define LIMIT (1000 * M)
#define APP   2

static struct model *prepared(uint64_t ms)
{
	struct model *model = new_model();

	cgroup(model, ms, 1, 0, "", counters(0, EVENT_NO_LIMIT, 0));
	cgroup(model, ms, APP, 1, "app", counters(100 * M, LIMIT, 0));
	cgroup(model, ms, 3, 1, "other", counters(100 * M, LIMIT, 0));
	process(model, ms, state_of(10, 1, "python3", APP, 10 * M));
	argv_of(model, ms, 10, "python3\0worker.py", 18);
	process(model, ms, state_of(12, 1, "nginx", APP, 5 * M));
	return model;
}

static void kill_python(struct model *model, uint64_t ms)
{
	oom_kill(model, ms, state_of(10, 1, "python3", APP, 900 * M),
		 state_of(12, 1, "nginx", APP, 5 * M), APP, counters(LIMIT, LIMIT, 7));
}

/* "-1000 words\n" for each entry, the time in ms relative to the kill. */
static void assert_timeline(struct model *model, const char *expected)
{
	const struct incident *incident;
	struct text text = {0};

	model__finish(model);
	assert_int_equal(model__incident_count(model), 1);
	incident = model__incident(model, 0);
	for (size_t i = 0; i < incident->timeline_count; i++) {
		int64_t offset_ns = (int64_t)(incident->timeline[i].time_ns - incident->time_ns);

		text__printf(&text, "%lld %s\n", (long long)(offset_ns / (int64_t)NS_PER_MS),
			     incident->timeline[i].what);
	}
	assert_true(text__ok(&text));
	assert_string_equal(text.data, expected);
	text__free(&text);
	model__free(model);
}

static void test_kill_and_aftermath(void **state)
{
	struct model *model = prepared(0);

	(void)state;
	tick(model, 200000);
	kill_python(model, 200000);
	rss(model, 200020, 10, 500 * M);
	rss(model, 200040, 10, 2 * M);
	rss_flagged(model, 200050, 10, 10, 0, RSS_GONE);
	exit_of(model, 200310, 10, SIGKILL_NUMBER);
	fork_of(model, 201000, state_of(20, 1, "init", APP, M));
	exec_of(model, 201200, state_of(20, 1, "python3", APP, M), "python3\0worker.py", 18);
	exec_of(model, 201300, state_of(21, 1, "python3", APP, M), "python3\0other.py", 17);
	exit_of(model, 202000, 12, 0);
	assert_timeline(model, "0 OOM kill: python3 (pid 10), asked for by nginx (pid 12)\n"
			       "40 python3 (pid 10) gave back 898 MiB\n"
			       "310 python3 (pid 10) exited, killed by SIGKILL\n"
			       "1200 python3 started again (pid 20)\n");
}

static void test_it_ends_with_the_incident(void **state)
{
	struct model *model = prepared(0);

	(void)state;
	kill_python(model, 200000);
	exit_of(model, 210001, 10, SIGKILL_NUMBER);
	assert_timeline(model, "0 OOM kill: python3 (pid 10), asked for by nginx (pid 12)\n");
}

static void test_recording_began(void **state)
{
	struct model *model = prepared(150000);
	struct process_state victim = state_of(10, 1, "python3", APP, 900 * M);

	(void)state;
	oom_kill(model, 200000, victim, victim, APP, counters(LIMIT, LIMIT, 7));
	exit_of(model, 200005, 10, 3 << 8);
	assert_timeline(model, "-50000 recording began\n"
			       "0 OOM kill: python3 (pid 10), on its own request for memory\n"
			       "5 python3 (pid 10) exited with status 3\n");
}

static void test_starts_and_moves(void **state)
{
	struct model *model = prepared(0);

	(void)state;
	fork_of(model, 150000, state_of(20, 12, "nginx", APP, 4 * M));
	fork_of(model, 151000, state_of(21, 12, "nginx", APP, 4 * M));
	exec_of(model, 151001, state_of(21, 12, "convert", APP, 0), "convert", 8);
	rss(model, 152000, 21, 60 * M);
	fork_of(model, 153000, state_of(22, 12, "tiny", APP, M / 2));
	exec_of(model, 154000, state_of(12, 1, "nginx2", APP, 3 * M), "nginx2", 7);
	fork_of(model, 155000, state_of(23, 12, "gone", APP, 100 * M));
	exit_of(model, 156000, 23, 0);
	attach(model, 120000, 10, 3);
	attach(model, 121000, 10, APP);
	attach(model, 122000, 12, 3);
	kill_python(model, 200000);
	assert_timeline(model, "-80000 python3 (pid 10) moved into /other\n"
			       "-79000 python3 (pid 10) moved into /app\n"
			       "-50000 nginx (pid 20) forked by nginx (pid 12)\n"
			       "-48999 convert (pid 21) started\n"
			       "-46000 nginx (pid 12) began a new program\n"
			       "0 OOM kill: python3 (pid 10), asked for by nginx (pid 12)\n");
}

static void test_limits(void **state)
{
	struct model *model = prepared(0);
	struct memcg_counters now = counters(200 * M, 2 * LIMIT, 0);

	(void)state;
	memcg(model, 50000, APP, now);
	now.max_bytes = EVENT_NO_LIMIT;
	memcg(model, 150000, APP, now);
	now.max_bytes = LIMIT;
	now.high_bytes = 900 * M;
	memcg(model, 160000, APP, now);
	memcg(model, 160000, 3, counters(1, 2, 3));
	now = counters(LIMIT, LIMIT, 7);
	now.high_bytes = 900 * M;
	oom_kill(model, 200000, state_of(10, 1, "python3", APP, 900 * M),
		 state_of(12, 1, "nginx", APP, 5 * M), APP, now);
	now.max_bytes = 3 * LIMIT;
	memcg(model, 201000, APP, now);
	assert_timeline(model, "-50000 limit of /app changed from 1.95 GiB to none\n"
			       "-40000 limit of /app changed from none to 1000 MiB\n"
			       "-40000 memory.high of /app changed from none to 900 MiB\n"
			       "0 OOM kill: python3 (pid 10), asked for by nginx (pid 12)\n"
			       "1000 limit of /app changed from 1000 MiB to 2.93 GiB\n");
}

static void test_reclaim(void **state)
{
	struct model *model = prepared(0);

	(void)state;
	reclaim(model, 100000, 100500, 12, APP, 5 * (uint64_t)M, 100);
	reclaim(model, 109000, 120500, 12, APP, 7 * (uint64_t)M, 200);
	reclaim(model, 140000, 140100, 13, 3, 500 * (uint64_t)M, 900); /* elsewhere */
	reclaim(model, 190000, 190100, 10, APP, 31 * (uint64_t)M, 2100);
	kill_python(model, 200000);
	assert_timeline(model,
			"-90000 reclaim under way since 100 s before the kill; until the kill "
			"12 MiB taken back in 2 runs, 300 ms of stalls\n"
			"-10000 reclaim begins; until the kill 31 MiB taken back in 1 run, "
			"2.1 s of stalls\n"
			"0 OOM kill: python3 (pid 10), asked for by nginx (pid 12)\n");
}

/* Two cgroups of the domain reclaiming at once are one thing. */
static void test_reclaim_of_several_cgroups(void **state)
{
	struct model *model = prepared(0);

	(void)state;
	cgroup(model, 1, 5, APP, "a", counters(0, 0, 0));
	cgroup(model, 1, 6, APP, "b", counters(0, 0, 0));
	reclaim(model, 150000, 150100, 12, 5, (uint64_t)M, 100);
	reclaim(model, 165000, 165100, 12, 5, (uint64_t)M, 100);
	reclaim(model, 157000, 158000, 10, 6, (uint64_t)M, 100);
	kill_python(model, 200000);
	assert_timeline(model, "-50000 reclaim begins; until the kill 3.0 MiB taken back in 3 "
			       "runs, 300 ms of stalls\n"
			       "0 OOM kill: python3 (pid 10), asked for by nginx (pid 12)\n");
}

static void test_signals_and_sharers(void **state)
{
	struct model *model = prepared(0);
	struct process_state sharer = state_of(14, 10, "python3", APP, 10 * M);

	(void)state;
	sharer.mm_id = 10;
	process(model, 1, sharer);
	sigkill(model, 50000, 12, 14, 0);
	sigkill(model, 199000, 99, 12, 0);
	sigkill(model, 199000, 99, 98, 0); /* elsewhere */
	kill_python(model, 200000);
	sigkill(model, 200001, 12, 14, 1);
	sigkill(model, 201000, 99, 12, 0);
	assert_timeline(model, "-1000 target (pid 12) sent SIGKILL by sender (pid 99)\n"
			       "0 OOM kill: python3 (pid 10), asked for by nginx (pid 12)\n"
			       "1 target (pid 14) killed with it: it runs on the same memory\n"
			       "1000 target (pid 12) sent SIGKILL by sender (pid 99)\n");
}

static void test_it_is_bounded(void **state)
{
	struct model *model = prepared(0);
	const struct incident *incident;

	(void)state;
	kill_python(model, 200000);
	for (uint32_t ms = 1; ms <= 100; ms++)
		sigkill(model, 200000 + ms, 99, 12, 0);
	model__finish(model);
	incident = model__incident(model, 0);
	assert_int_equal(incident->timeline_count, INCIDENT_TIMELINE);
	assert_int_equal(incident->timeline_omitted, 101 - INCIDENT_TIMELINE);
	model__free(model);
}

/* Many kills must not fill it: the first ones are told, then the 100th. */
static void test_many_kills_take_little_room(void **state)
{
	struct model *model = prepared(0);
	const struct incident *incident;

	(void)state;
	for (uint32_t pid = 1000; pid < 1100; pid++) {
		oom_kill(model, 200000 + pid, state_of(pid, 1, "x", APP, M),
			 state_of(pid, 1, "x", APP, M), APP, counters(LIMIT, LIMIT, 7));
		exit_of(model, 200000 + pid, pid, SIGKILL_NUMBER);
	}
	model__finish(model);
	incident = model__incident(model, 0);
	assert_int_equal(incident->kill_count, 100);
	assert_int_equal(incident->timeline_omitted, 0);
	assert_int_equal(incident->timeline_count, 2 * 16 + 1);
	assert_string_equal(incident->timeline[32].what,
			    "the same cause again, kill 100: x (pid 1099)");
	for (size_t i = 0; i < 100; i++)
		assert_true(incident->kills[i].exit_ns == incident->kills[i].time_ns);
	model__free(model);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kill_and_aftermath),
		cmocka_unit_test(test_it_ends_with_the_incident),
		cmocka_unit_test(test_recording_began),
		cmocka_unit_test(test_starts_and_moves),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_reclaim),
		cmocka_unit_test(test_reclaim_of_several_cgroups),
		cmocka_unit_test(test_signals_and_sharers),
		cmocka_unit_test(test_it_is_bounded),
		cmocka_unit_test(test_many_kills_take_little_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
