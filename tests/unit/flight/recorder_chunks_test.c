/* SPDX-License-Identifier: GPL-2.0-only */
#include <time.h>

#include "flight.h"

/* The row of chunks: when one ends and the next begins, what is thrown away, what goes on. */

static char ids[IDS_MAX][STORE_ID_BYTES];

/* No two alike, so that it takes its room on disk, too. */
static void tell_argv(struct flight *flight, uint32_t pid)
{
	static union {
		struct event_argv event;
		unsigned char bytes[sizeof(struct event_argv) + EVENT_ARGV_BYTES];
	} argv;
	static uint64_t random = 88172645463325252ULL;

	argv.event.header = trail__header(EVENT_ARGV, sizeof(argv), flight->ms);
	argv.event.task = (struct task_ref){.pid = pid, .tid = pid, .start_ns = pid * NS_PER_MS};
	argv.event.argv_bytes = EVENT_ARGV_BYTES;
	for (size_t i = sizeof(struct event_argv); i < sizeof(argv); i++) {
		random ^= random << 13;
		random ^= random >> 7;
		random ^= random << 17;
		argv.bytes[i] = (unsigned char)random;
	}
	flight__admit(flight, &argv);
}

/* --- when ------------------------------------------------------------------------------------- */

static void test_a_chunk_lasts_an_eighth_of_the_window(void **state)
{
	struct flight *flight = *state;
	uint64_t begun_ms;

	flight->config.window_ns = 480 * NS_PER_S;
	flight__begin(flight);
	for (size_t i = 1; i <= 3; i++) {
		begun_ms = flight->ms;
		flight__settle(flight, begun_ms + 60 * SECOND - 1);
		assert_int_equal(flight__chunk_count(flight), i);
		flight__settle(flight, begun_ms + 60 * SECOND);
		assert_int_equal(flight__chunk_count(flight), i + 1);
	}
	assert_int_equal(flight__check_chunks(flight, 3), 3);
}

static void test_a_chunk_needs_no_more_than_an_eighth_of_the_disk_space(void **state)
{
	struct flight *flight = *state;
	uint64_t bytes;

	flight->config.max_size_bytes = 8 * MIB;
	flight__begin(flight);
	flight__fork(flight, 500, TRAIL_CGROUP);
	while (flight__chunk_count(flight) == 1) {
		bytes = recorder__written_bytes(flight->recorder);
		assert_true(bytes <= MIB / 2);
		for (size_t i = 0; i < 10; i++)
			tell_argv(flight, 500);
		flight__settle(flight, flight->ms + 1);
	}
	assert_true(recorder__written_bytes(flight->recorder) > MIB / 2);
	assert_int_equal(flight__check_chunks(flight, 1), 1);
	/* The new one has its space already. */
	assert_true(folder__stat(flight->folder, "window/0000000000000001.trail").st_blocks * 512 >=
		    (blkcnt_t)MIB);
	assert_true(folder__stat(flight->folder, "window/0000000000000000.trail").st_blocks * 512 <
		    (blkcnt_t)MIB);
}

static void test_a_chunk_ends_with_what_its_model_may_take(void **state)
{
	struct flight *flight = *state;
	uint32_t pid = 500, first_pids;

	flight->config.memory_bytes = 1 * MIB;
	flight__begin(flight);
	for (; flight__chunk_count(flight) == 1; pid++) {
		assert_true(pid < 20000);
		flight__fork(flight, pid, TRAIL_CGROUP);
		flight__settle(flight, flight->ms + 1);
	}
	first_pids = pid - 500;
	/* All of them are alive and go on: half as many more fit before it rolls again. */
	for (; flight__chunk_count(flight) == 2; pid++) {
		flight__fork(flight, pid, TRAIL_CGROUP);
		flight__settle(flight, flight->ms + 1);
	}
	assert_in_range(pid - 500, first_pids + first_pids / 4, 2 * first_pids);
	assert_int_equal(flight__check_chunks(flight, 2), 2);
}

static void test_the_dead_stay_behind(void **state)
{
	struct flight *flight = *state;

	flight->config.window_ns = 8000 * NS_PER_S;
	flight->config.memory_bytes = 1 * MIB;
	flight__begin(flight);
	for (uint32_t pid = 500; pid < 60500; pid++) {
		flight__fork(flight, pid, TRAIL_CGROUP);
		flight__exit(flight, pid);
		flight__settle(flight, flight->ms + 1);
	}
	/* 60 s, all of them dead lately: only the largest 512 go on each time. */
	assert_in_range(flight__newest(flight), 10, 60);
	flight__check_chunks(flight, flight__newest(flight));
}

static void test_an_incident_too_large_for_its_chunk_ends_early(void **state)
{
	struct flight *flight = *state;
	uint32_t pid = 600;

	flight->config.memory_bytes = 1 * MIB;
	flight__begin(flight);
	flight__kill(flight, 500, TRAIL_CGROUP);
	flight__settle(flight, flight->ms);
	for (; flight__chunk_count(flight) == 1; pid++) {
		assert_true(pid < 9000);
		flight__fork(flight, pid, TRAIL_CGROUP);
		flight__settle(flight, flight->ms + 1);
	}
	assert_int_equal(flight__incidents(flight, ids), 1);
	assert_true(flight__told_by(flight, ids[0]).whole);
	assert_string_equal(flight__do_job(flight), ids[0]);
	flight__kill(flight, 501, TRAIL_CGROUP);
	flight__settle(flight, flight->ms);
	assert_int_equal(flight__incidents(flight, ids), 1);
	assert_true(flight__has(flight, ids[0], "storm.trail"));
}

static void test_a_quiet_minute_is_synced_and_written(void **state)
{
	struct flight *flight = *state;
	off_t bytes;

	flight__begin(flight);
	flight__fork(flight, 500, TRAIL_CGROUP);
	flight__settle(flight, flight->ms);
	bytes = folder__stat(flight->folder, "window/0000000000000000.trail").st_size;
	/* A second later it is in the file, whoever ends us. */
	flight__settle(flight, flight->ms + SECOND);
	assert_true(folder__stat(flight->folder, "window/0000000000000000.trail").st_size > bytes);
	assert_int_equal(
		flight__replay(store__open_chunk(flight->folder->store, 0), READER_INCOMPLETE), 0);
}

/* --- what is thrown away ---------------------------------------------------------------------- */

static void set_age(const struct flight *flight, uint64_t number, time_t seconds)
{
	struct timespec times[2];
	char path[64];

	clock_gettime(CLOCK_REALTIME, &times[0]);
	times[0].tv_sec -= seconds;
	times[1] = times[0];
	store__chunk_path(flight->folder->store, number, path, sizeof(path));
	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void roll(struct flight *flight)
{
	uint64_t newest = flight__newest(flight);

	flight__settle(flight, flight->ms + flight->config.window_ns / NS_PER_MS / 8);
	assert_int_equal(flight__newest(flight), newest + 1);
}

static void test_old_chunks_go(void **state)
{
	struct flight *flight = *state;
	uint64_t numbers[CHUNKS_MAX];

	flight__begin(flight);
	for (size_t i = 0; i < 4; i++)
		roll(flight);
	assert_int_equal(flight__chunk_count(flight), 5);
	set_age(flight, 0, 3700);
	set_age(flight, 1, 3700);
	set_age(flight, 2, 3500);
	roll(flight);
	assert_int_equal(flight__chunks(flight, numbers), 4);
	assert_int_equal(numbers[0], 2);
	/* Nobody asks its age. */
	set_age(flight, 5, 3700);
	roll(flight);
	assert_int_equal(flight__newest(flight), 6);
}

static void test_settings_read_again_hold_at_once(void **state)
{
	struct flight *flight = *state;
	struct config config;

	flight__begin(flight);
	for (size_t i = 0; i < 4; i++) {
		flight__kill(flight, 500 + (uint32_t)i, 1000 + i);
		flight__settle(flight, flight->ms);
		flight__settle(flight, flight->ms + AFTER_MS);
		flight__do_job(flight);
	}
	assert_int_equal(flight__incidents(flight, ids), 4);
	for (size_t i = 0; i < 4; i++)
		set_age(flight, i, 700);
	config = flight->config;
	config.window_ns = 600 * NS_PER_S;
	config.incidents = 2;
	/* What may still become a storm stays. */
	recorder__configure(flight->recorder, &config);
	assert_int_equal(flight__chunk_count(flight), 1);
	assert_int_equal(flight__incident_count(flight), 4);
	flight__settle(flight, flight->ms + 601 * SECOND);
	recorder__configure(flight->recorder, &config);
	assert_int_equal(flight__incident_count(flight), 2);
	assert_true(flight__has(flight, ids[3], "window.trail"));
	flight__settle(flight, flight->ms + 75 * SECOND);
	assert_true(flight__newest(flight) > 4);
}

static void test_a_new_run_bounds_what_the_old_one_left(void **state)
{
	struct flight *flight = *state;

	flight__begin(flight);
	for (size_t i = 0; i < 3; i++)
		roll(flight);
	flight__close(flight);
	recorder__free(flight->recorder);
	for (size_t i = 0; i < 4; i++)
		set_age(flight, i, i < 2 ? 3700 : 10);
	flight__begin(flight);
	assert_int_equal(flight__chunk_count(flight), 3);
	assert_int_equal(flight__newest(flight), 4);
}

static void test_incidents_are_kept_up_to_a_count(void **state)
{
	struct flight *flight = *state;

	flight->config.incidents = 3;
	flight__begin(flight);
	for (size_t i = 0; i < 6; i++) {
		flight__kill(flight, 500 + (uint32_t)i, 1000 + i);
		flight__settle(flight, flight->ms);
		flight__settle(flight, flight->ms + AFTER_MS);
		flight__do_job(flight);
		/* Beyond what is a storm. */
		flight__settle(flight, flight->ms + 3600 * SECOND);
	}
	assert_int_equal(flight__incidents(flight, ids), 3);
	assert_string_equal(strstr(ids[0], "-leaker"), "-leaker-503");
	assert_string_equal(strstr(ids[2], "-leaker"), "-leaker-505");
}

static void test_what_waits_for_its_reports_is_kept(void **state)
{
	struct flight *flight = *state;

	flight->config.incidents = 1;
	flight__begin(flight);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(recorder__freeze(flight->recorder, flight->ms * NS_PER_MS), 0);
		flight__settle(flight, flight->ms + 2 * SECOND);
	}
	assert_int_equal(flight__incidents(flight, ids), 3);
	for (size_t i = 0; i < 3; i++)
		assert_string_equal(flight__do_job(flight), ids[i]);
	roll(flight);
	assert_int_equal(flight__incident_count(flight), 1);
}

/* --- what goes on ----------------------------------------------------------------------------- */

static void test_every_chunk_knows_what_went_before(void **state)
{
	struct flight *flight = *state;
	struct frozen *frozen;
	char why[256];

	flight__begin(flight);
	flight__fork(flight, 500, TRAIL_CGROUP);
	tell_argv(flight, 500);
	for (size_t i = 0; i < 5; i++) {
		flight__grow(flight, 500, (int64_t)(i + 2) << 20);
		roll(flight);
	}
	flight__close(flight);
	assert_int_equal(flight__check_chunks(flight, 6), 6);
	for (uint64_t number = 1; number <= 5; number++) {
		const struct process *process;

		assert_int_equal(frozen__open_chunk(&frozen, flight->folder->store, number, why,
						    sizeof(why)),
				 0);
		process = model__process_by_pid(frozen__model(frozen), 500);
		assert_non_null(process);
		assert_int_equal(process->argv_bytes, EVENT_ARGV_BYTES);
		/* The last one had no step of its own. */
		assert_int_equal(process->now.anon_bytes, (number < 5 ? number + 2 : 6) << 20);
		assert_true(model__is_closed(frozen__model(frozen)));
		frozen__free(frozen);
	}
}

static void test_events_and_bytes_are_counted_over_all_chunks(void **state)
{
	struct flight *flight = *state;
	uint64_t events, bytes;

	flight__begin(flight);
	events = recorder__events(flight->recorder);
	flight__fork(flight, 500, TRAIL_CGROUP);
	for (int64_t i = 0; i < 99; i++)
		flight__grow(flight, 500, i << 20);
	assert_int_equal(recorder__events(flight->recorder), events + 100);
	bytes = recorder__written_bytes(flight->recorder);
	roll(flight);
	assert_true(recorder__events(flight->recorder) > events + 100);
	assert_true(recorder__written_bytes(flight->recorder) > bytes);
	events = recorder__events(flight->recorder);
	flight__close(flight);
	/* The account told again, and the digest. */
	assert_int_equal(recorder__events(flight->recorder), events + 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, flight__setup, flight__teardown)
		TEST(test_a_chunk_lasts_an_eighth_of_the_window),
		TEST(test_a_chunk_needs_no_more_than_an_eighth_of_the_disk_space),
		TEST(test_a_chunk_ends_with_what_its_model_may_take),
		TEST(test_the_dead_stay_behind),
		TEST(test_an_incident_too_large_for_its_chunk_ends_early),
		TEST(test_a_quiet_minute_is_synced_and_written),
		TEST(test_old_chunks_go),
		TEST(test_settings_read_again_hold_at_once),
		TEST(test_a_new_run_bounds_what_the_old_one_left),
		TEST(test_incidents_are_kept_up_to_a_count),
		TEST(test_what_waits_for_its_reports_is_kept),
		TEST(test_every_chunk_knows_what_went_before),
		TEST(test_events_and_bytes_are_counted_over_all_chunks),
	};

	return cmocka_run_group_tests_name("recorder_chunks", tests, NULL, NULL);
}
