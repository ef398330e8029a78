/* SPDX-License-Identifier: GPL-2.0-only */
#include "flight.h"

/* Later kills of a cause whose window is kept, and the reports that wait to be written. */

static char ids[IDS_MAX][STORE_ID_BYTES];

/* An incident whose window is over and whose first report is written. */
static const char *begin_storm(struct flight *flight)
{
	flight__begin(flight);
	flight__kill(flight, 500, TRAIL_CGROUP);
	flight__settle(flight, flight->ms);
	flight__settle(flight, flight->ms + AFTER_MS);
	assert_int_equal(flight__incidents(flight, ids), 1);
	assert_string_equal(flight__do_job(flight), ids[0]);
	return ids[0];
}

static void later_kill(struct flight *flight, uint32_t pid, uint64_t ms)
{
	flight->ms = ms;
	flight__kill(flight, pid, TRAIL_CGROUP);
	flight__settle(flight, ms);
}

/* --- which kills ------------------------------------------------------------------------------ */

static void test_later_kills_are_in_the_storm(void **state)
{
	struct flight *flight = *state;
	const char *id = begin_storm(flight);
	ino_t window = flight__inode(flight, id, "window.trail");
	struct told told;

	later_kill(flight, 501, flight->ms + 60 * SECOND);
	later_kill(flight, 502, flight->ms + 60 * SECOND);
	assert_int_equal(flight__incident_count(flight), 1);
	assert_int_equal(flight__inode(flight, id, "window.trail"), window);
	told = flight__told_by(flight, id);
	assert_int_equal(told.burst, 1);
	assert_int_equal(told.kills, 3);
	assert_int_equal(told.storm, 3);
	/* The kill is no reason to end the chunk. */
	assert_int_equal(flight__chunk_count(flight), 2);
}

static void test_a_cgroup_made_anew_is_the_same_cause(void **state)
{
	struct flight *flight = *state;
	const char *id = begin_storm(flight);

	for (uint32_t i = 0; i < 3; i++) {
		flight->ms += 30 * SECOND;
		flight__cgroup(flight, 900 + i, "shop");
		flight__kill(flight, 600 + i, 900 + i);
		flight__settle(flight, flight->ms);
	}
	assert_int_equal(flight__incident_count(flight), 1);
	assert_int_equal(flight__told_by(flight, id).kills, 4);
}

static void test_quiet_for_long_enough_is_another_incident(void **state)
{
	struct flight *flight = *state;

	begin_storm(flight);
	later_kill(flight, 501, FLIGHT_MS + 600 * SECOND);
	later_kill(flight, 502, FLIGHT_MS + 1200 * SECOND);
	assert_int_equal(flight__incident_count(flight), 1);
	later_kill(flight, 503, FLIGHT_MS + 1800 * SECOND + 1);
	assert_int_equal(flight__incidents(flight, ids), 2);
	assert_int_equal(flight__told_by(flight, ids[0]).kills, 3);
	flight__settle(flight, flight->ms + AFTER_MS);
	assert_int_equal(flight__told_by(flight, ids[1]).kills, 1);
	/* What comes next belongs to the new one. */
	later_kill(flight, 504, flight->ms + SECOND);
	assert_int_equal(flight__told_by(flight, ids[0]).kills, 3);
	assert_int_equal(flight__told_by(flight, ids[1]).kills, 2);
}

static void test_how_long_is_a_setting(void **state)
{
	struct flight *flight = *state;
	const char *id;

	flight->config.storm_ns = 3600 * NS_PER_S;
	id = begin_storm(flight);
	later_kill(flight, 501, FLIGHT_MS + 3600 * SECOND);
	assert_int_equal(flight__incident_count(flight), 1);
	/* Whoever reads the folder arrives at the same. */
	assert_int_equal(flight__told_by(flight, id).kills, 2);
	flight->config.storm_ns = 30 * NS_PER_S;
	recorder__configure(flight->recorder, &flight->config);
	later_kill(flight, 502, flight->ms + 31 * SECOND);
	assert_int_equal(flight__incident_count(flight), 2);
}

static void test_the_window_knows_the_setting(void **state)
{
	struct flight *flight = *state;
	struct frozen *frozen;
	char why[256];

	flight->config.window_ns = 100 * 3600 * NS_PER_S;
	flight->config.storm_ns = 3600 * NS_PER_S;
	begin_storm(flight);
	later_kill(flight, 501, flight->ms + SECOND);
	later_kill(flight, 502, flight->ms + 1800 * SECOND);
	flight__close(flight);
	assert_int_equal(flight__newest(flight), 1);
	assert_int_equal(frozen__open_chunk(&frozen, flight->folder->store, 1, why, sizeof(why)),
			 0);
	assert_int_equal(model__incident_count(frozen__model(frozen)), 1);
	frozen__free(frozen);
}

static void test_a_removed_incident_takes_no_more_kills(void **state)
{
	struct flight *flight = *state;
	const char *id = begin_storm(flight);

	assert_int_equal(store__remove_incident(flight->folder->store, id), 0);
	later_kill(flight, 501, flight->ms + SECOND);
	assert_int_equal(flight__told(flight, "was removed: this kill of its cause is another one"),
			 1);
	assert_int_equal(flight__incidents(flight, ids), 1);
	assert_string_equal(strstr(ids[0], "-leaker"), "-leaker-501");
	assert_true(flight__has(flight, ids[0], "window.trail"));
}

static void test_kills_without_number_are_counted(void **state)
{
	struct flight *flight = *state;
	const char *id;
	uint32_t pid = 501;
	struct told told;

	flight->config.memory_bytes = 64 * MIB;
	id = begin_storm(flight);
	while (pid <= 501 + 10100) {
		for (size_t i = 0; i < 100; i++)
			flight__kill(flight, pid++, TRAIL_CGROUP);
		flight__settle(flight, flight->ms + 100);
	}
	flight__settle(flight, flight->ms + 600 * SECOND);
	told = flight__told_by(flight, id);
	assert_int_equal(told.storm, pid - 500);
	assert_in_range(told.storm - told.counted, 10000, 10002);
	assert_int_equal(flight__incident_count(flight), 1);
	assert_int_equal(flight__told(flight, "more kills than one incident lists"), 3);
}

/* --- on the disk ------------------------------------------------------------------------------ */

static off_t trail_bytes(const struct flight *flight, const char *id)
{
	char path[160];

	snprintf(path, sizeof(path), "incidents/%s/storm.trail", id);
	return folder__stat(flight->folder, path).st_size;
}

/* What `storm.trail` holds, each kill once, in the order of their pids. */
static size_t count_kills(const struct flight *flight, const char *id, uint32_t first_pid)
{
	_cleanup_(closep) int fd = store__open_file(flight->folder->store, id, "storm.trail");
	const struct event_header *event;
	struct reader *reader;
	size_t kills = 0;
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	assert_int_equal(reader__new(&reader, path), 0);
	while ((event = reader__next(reader))) {
		if (event->kind == EVENT_OOM_KILL)
			assert_int_equal(((const struct event_oom_kill *)event)->victim.task.pid,
					 first_pid + kills++);
	}
	assert_int_equal(reader__end(reader), READER_INCOMPLETE);
	assert_int_equal(reader__torn_bytes(reader), 0);
	reader__free(reader);
	return kills;
}

static void test_many_kills_in_one_batch(void **state)
{
	struct flight *flight = *state;
	const char *id = begin_storm(flight);

	flight->ms += SECOND;
	for (uint32_t i = 0; i < 200; i++)
		flight__kill(flight, 501 + i, TRAIL_CGROUP);
	flight__settle(flight, flight->ms);
	assert_int_equal(count_kills(flight, id, 501), 200);
	assert_true(trail_bytes(flight, id) > 0);
}

static void test_what_the_disk_took_is_not_written_twice(void **state)
{
	struct flight *flight = *state;
	const char *id;
	size_t first;

	skip_unmounted(flight->folder, SMALL_BYTES);
	flight->config.max_size_bytes = 8 * MIB;
	id = begin_storm(flight);
	later_kill(flight, 501, flight->ms + SECOND);
	fill_up(flight->folder);
	/* What its last page has room for fits. */
	flight->ms += SECOND;
	for (uint32_t i = 0; i < 60; i++)
		flight__kill(flight, 502 + i, TRAIL_CGROUP);
	flight__settle(flight, flight->ms);
	first = count_kills(flight, id, 501);
	assert_in_range(first, 2, 60);
	flight__settle(flight, flight->ms + SECOND);
	assert_int_equal(count_kills(flight, id, 501), first);
	assert_int_equal(unlink(folder__path(flight->folder, "filler")), 0);
	flight__settle(flight, flight->ms + SECOND);
	assert_int_equal(count_kills(flight, id, 501), 61);
}

/* --- reports ---------------------------------------------------------------------------------- */

static void test_reports_of_a_storm_come_less_and_less(void **state)
{
	struct flight *flight = *state;
	const char *id = begin_storm(flight);
	uint64_t reported_ms[12];
	uint32_t pid = 501;
	size_t reports = 0;

	reported_ms[reports++] = flight->ms;
	while (reports < 12) {
		assert_true(pid < 20000);
		later_kill(flight, pid++, flight->ms + SECOND);
		if (!strcmp(flight__do_job(flight), id))
			reported_ms[reports++] = flight->ms;
	}
	/* The kill that asked for the first one came a second after. */
	assert_int_equal(reported_ms[1] - reported_ms[0], 11 * SECOND);
	for (size_t i = 2; i < 12; i++) {
		uint64_t wait_ms = 10 * SECOND << (i - 1);

		assert_int_equal(reported_ms[i] - reported_ms[i - 1],
				 wait_ms < 640 * SECOND ? wait_ms : 640 * SECOND);
	}
}

static void test_a_kill_behind_a_report_is_in_the_next_one(void **state)
{
	struct flight *flight = *state;
	const char *id;

	flight__begin(flight);
	flight__kill(flight, 500, TRAIL_CGROUP);
	flight__settle(flight, flight->ms);
	flight__settle(flight, flight->ms + AFTER_MS);
	flight__incidents(flight, ids);
	id = ids[0];
	/* The first report still waits, and will tell of this one too. */
	later_kill(flight, 501, flight->ms + 100);
	assert_string_equal(flight__do_job(flight), id);
	later_kill(flight, 502, flight->ms + SECOND);
	flight__settle(flight, flight->ms + 10 * SECOND);
	assert_string_equal(flight__do_job(flight), id);
	assert_string_equal(flight__do_job(flight), "");
}

static void test_the_end_waits_for_no_report(void **state)
{
	struct flight *flight = *state;
	const char *id = begin_storm(flight);

	later_kill(flight, 501, flight->ms + SECOND);
	assert_string_equal(flight__do_job(flight), "");
	flight__close(flight);
	assert_string_equal(flight__do_job(flight), id);
}

static void test_reports_in_order_one_at_a_time(void **state)
{
	static const char *const names[] = {"first", "second", "third"};
	struct flight *flight = *state;
	char id[STORE_ID_BYTES], other[STORE_ID_BYTES];
	uint64_t now_ns = flight->ms * NS_PER_MS;

	flight__start(flight);
	flight__settle(flight, flight->ms);
	assert_false(recorder__next_job(flight->recorder, now_ns, id));
	recorder__job_done(flight->recorder, true, now_ns); /* of nothing */
	for (size_t i = 0; i < 3; i++) {
		recorder__add_job(flight->recorder, names[i]);
		recorder__add_job(flight->recorder, names[i]);
	}
	assert_true(recorder__next_job(flight->recorder, now_ns, id));
	assert_string_equal(id, "first");
	assert_false(recorder__next_job(flight->recorder, now_ns, other));
	/* Asked for while it is being done: once more, behind the others. */
	recorder__add_job(flight->recorder, "first");
	recorder__job_done(flight->recorder, true, now_ns);
	assert_string_equal(flight__do_job(flight), "second");
	assert_string_equal(flight__do_job(flight), "third");
	assert_string_equal(flight__do_job(flight), "first");
	assert_string_equal(flight__do_job(flight), "");
}

static void test_a_report_that_fails_is_tried_again(void **state)
{
	static const uint64_t waits_s[] = {10, 20, 40, 80, 160};
	struct flight *flight = *state;
	char id[STORE_ID_BYTES];

	flight__start(flight);
	recorder__add_job(flight->recorder, "hopeless");
	recorder__add_job(flight->recorder, "good");
	assert_true(recorder__next_job(flight->recorder, flight->ms * NS_PER_MS, id));
	assert_string_equal(id, "hopeless");
	recorder__job_done(flight->recorder, false, flight->ms * NS_PER_MS);
	assert_string_equal(flight__do_job(flight), "good");
	for (size_t i = 0; i < 5; i++) {
		flight->ms += waits_s[i] * SECOND - 1;
		assert_false(recorder__next_job(flight->recorder, flight->ms * NS_PER_MS, id));
		flight->ms++;
		assert_true(recorder__next_job(flight->recorder, flight->ms * NS_PER_MS, id));
		assert_string_equal(id, "hopeless");
		assert_int_equal(flight__told(flight, "its report cannot be written"), 0);
		recorder__job_done(flight->recorder, false, flight->ms * NS_PER_MS);
	}
	assert_int_equal(flight__told(flight, "incident hopeless: its report cannot be written"),
			 1);
	flight->ms += 3600 * SECOND;
	assert_string_equal(flight__do_job(flight), "");
}

static void test_more_reports_than_can_wait(void **state)
{
	struct flight *flight = *state;
	char id[STORE_ID_BYTES];
	uint64_t now_ns = flight->ms * NS_PER_MS;
	size_t done = 0;

	flight__start(flight);
	for (size_t i = 0; i < 128; i++) {
		snprintf(id, sizeof(id), "incident%zu", i);
		recorder__add_job(flight->recorder, id);
	}
	assert_true(recorder__next_job(flight->recorder, now_ns, id));
	recorder__add_job(flight->recorder, "another");
	assert_int_equal(flight__told(flight, "another: too many reports wait"), 1);
	/* The one that comes again has kept its place. */
	recorder__job_done(flight->recorder, false, now_ns);
	recorder__add_job(flight->recorder, "another");
	assert_int_equal(flight__told(flight, "another: too many reports wait"), 2);
	flight->ms += 10 * SECOND;
	while (*flight__do_job(flight))
		done++;
	assert_int_equal(done, 128);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name)  cmocka_unit_test_setup_teardown(name, flight__setup, flight__teardown)
#define SMALL(name) cmocka_unit_test_setup_teardown(name, small_disk__setup, small_disk__teardown)
		TEST(test_later_kills_are_in_the_storm),
		TEST(test_a_cgroup_made_anew_is_the_same_cause),
		TEST(test_quiet_for_long_enough_is_another_incident),
		TEST(test_how_long_is_a_setting),
		TEST(test_the_window_knows_the_setting),
		TEST(test_a_removed_incident_takes_no_more_kills),
		TEST(test_kills_without_number_are_counted),
		TEST(test_many_kills_in_one_batch),
		SMALL(test_what_the_disk_took_is_not_written_twice),
		TEST(test_reports_of_a_storm_come_less_and_less),
		TEST(test_a_kill_behind_a_report_is_in_the_next_one),
		TEST(test_the_end_waits_for_no_report),
		TEST(test_reports_in_order_one_at_a_time),
		TEST(test_a_report_that_fails_is_tried_again),
		TEST(test_more_reports_than_can_wait),
	};

	return cmocka_run_group_tests_name("recorder_storm", tests, NULL, NULL);
}
