/* SPDX-License-Identifier: GPL-2.0-only */
#include "flight.h"

/* Which kills become folders, and how far their windows reach. */

static char ids[IDS_MAX][STORE_ID_BYTES];

/* --- a kill ----------------------------------------------------------------------------------- */

static void test_a_kill_is_a_folder_at_the_next_settle(void **state)
{
	struct flight *flight = *state;

	flight__begin(flight);
	flight->ms += 5;
	flight__kill(flight, 500, TRAIL_CGROUP);
	assert_int_equal(flight__incidents(flight, ids), 0);
	flight__settle(flight, flight->ms + 3);
	assert_int_equal(flight__incidents(flight, ids), 1);
	/* 22:40:00 and the 1000.005 s since the boot */
	assert_string_equal(ids[0], "20261120T225640Z-leaker-500");
	assert_true(flight__has(flight, ids[0], "incident.json"));
	assert_false(flight__has(flight, ids[0], "report.txt"));
	assert_int_equal(flight__inode(flight, ids[0], "window.trail"),
			 folder__stat(flight->folder, "window/0000000000000000.trail").st_ino);
	assert_int_equal(flight__told(flight, "trail and JSON written 3.0 ms after the kill"), 1);
	/* Its window is still open, but what is there of it can be read. */
	assert_int_equal(flight__told_by(flight, ids[0]).kills, 1);
	assert_false(flight__told_by(flight, ids[0]).whole);
	assert_string_equal(flight__do_job(flight), "");
	assert_int_equal(flight__chunk_count(flight), 1);
	/* The next one finds its folder prepared. */
	assert_true(folder__has(flight->folder, "incidents/.spare/incident.json"));
	flight__settle(flight, flight->ms + 1);
	assert_int_equal(flight__incidents(flight, ids), 1);
}

static void test_a_window_ends_10_s_after_the_kill(void **state)
{
	struct flight *flight = *state;
	uint64_t kill_ms;

	flight__begin(flight);
	flight__kill(flight, 500, TRAIL_CGROUP);
	kill_ms = flight->ms;
	flight__settle(flight, kill_ms + AFTER_MS - 1);
	assert_string_equal(flight__do_job(flight), "");
	assert_int_equal(flight__chunk_count(flight), 1);
	flight__settle(flight, kill_ms + AFTER_MS);
	flight__incidents(flight, ids);
	assert_true(flight__told_by(flight, ids[0]).whole);
	assert_int_equal(flight__chunk_count(flight), 2);
	assert_string_equal(flight__do_job(flight), ids[0]);
	assert_string_equal(flight__do_job(flight), "");
	assert_int_equal(flight__check_chunks(flight, 1), 1);
}

static void test_the_same_cause_within_the_window_is_in_it(void **state)
{
	struct flight *flight = *state;
	struct told told;

	flight__begin(flight);
	for (uint32_t i = 0; i < 3; i++) {
		flight__kill(flight, 500 + i, TRAIL_CGROUP);
		flight__settle(flight, flight->ms + AFTER_MS - 1);
		assert_int_equal(flight__chunk_count(flight), 1);
	}
	flight__settle(flight, flight->ms + 1);
	assert_int_equal(flight__chunk_count(flight), 2);
	assert_int_equal(flight__incidents(flight, ids), 1);
	told = flight__told_by(flight, ids[0]);
	assert_int_equal(told.kills, 3);
	assert_int_equal(told.burst, 3);
	assert_int_equal(told.storm, 0);
	assert_false(flight__has(flight, ids[0], "storm.trail"));
}

static void test_a_window_ends_60_s_after_the_first_kill(void **state)
{
	struct flight *flight = *state;
	uint64_t first_ms;
	uint32_t pid = 500;
	struct told told;

	flight__begin(flight);
	first_ms = flight->ms;
	while (flight->ms < first_ms + BURST_MS) {
		flight__kill(flight, pid++, TRAIL_CGROUP);
		flight__settle(flight, flight->ms + 4999);
		assert_int_equal(flight__chunk_count(flight), 1);
		flight->ms++;
	}
	flight__settle(flight, flight->ms);
	assert_int_equal(flight__chunk_count(flight), 2);
	flight->ms++;
	flight__kill(flight, pid++, TRAIL_CGROUP);
	flight__settle(flight, flight->ms + 10);
	assert_int_equal(flight__incidents(flight, ids), 1);
	told = flight__told_by(flight, ids[0]);
	assert_int_equal(told.burst, 12);
	assert_int_equal(told.kills, 13);
	assert_int_equal(told.storm, 13);
	assert_true(flight__has(flight, ids[0], "storm.trail"));
}

static void test_another_cause_is_another_folder(void **state)
{
	struct flight *flight = *state;

	flight__begin(flight);
	flight__cgroup(flight, 88, "bank");
	flight__kill(flight, 500, TRAIL_CGROUP);
	flight__settle(flight, flight->ms + 5 * SECOND);
	flight__kill(flight, 600, 88);
	flight__settle(flight, flight->ms + AFTER_MS - 1);
	assert_int_equal(flight__incidents(flight, ids), 2);
	/* Both windows are one, and none is cut off for the other. */
	assert_int_equal(flight__chunk_count(flight), 1);
	assert_int_equal(flight__inode(flight, ids[0], "window.trail"),
			 flight__inode(flight, ids[1], "window.trail"));
	assert_string_equal(flight__do_job(flight), "");
	flight__settle(flight, flight->ms + 1);
	assert_int_equal(flight__chunk_count(flight), 2);
	assert_string_equal(flight__do_job(flight), ids[0]);
	assert_string_equal(flight__do_job(flight), ids[1]);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(flight__told_by(flight, ids[i]).kills, 1);
		assert_true(flight__told_by(flight, ids[i]).whole);
	}
}

static void test_kills_in_one_batch_with_the_end_of_a_window(void **state)
{
	struct flight *flight = *state;
	struct told told;

	flight__begin(flight);
	flight__kill(flight, 500, TRAIL_CGROUP);
	/* Nobody came around to end the window: it is not over yet. */
	flight->ms += 3 * AFTER_MS;
	flight__kill(flight, 501, TRAIL_CGROUP);
	flight__settle(flight, flight->ms);
	flight__settle(flight, flight->ms + AFTER_MS);
	assert_int_equal(flight__incidents(flight, ids), 1);
	told = flight__told_by(flight, ids[0]);
	assert_true(told.whole);
	assert_int_equal(told.kills, 2);
	assert_false(flight__has(flight, ids[0], "storm.trail"));
}

static void test_a_stream_that_begins_with_kills(void **state)
{
	struct flight *flight = *state;
	const struct event_host host = trail__host("web-1", flight->ms);
	struct event_oom_kill kill = trail__oom(flight->ms, 500, "leaker");

	flight__start(flight);
	flight__admit(flight, &host);
	flight__admit(flight, &kill);
	kill = trail__oom(flight->ms, 501, "leaker");
	kill.victim.cgroup_id = kill.trigger.cgroup_id = kill.domain_cgroup_id = 99;
	flight__admit(flight, &kill);
	flight__settle(flight, flight->ms);
	assert_int_equal(flight__incidents(flight, ids), 2);
	flight__settle(flight, flight->ms + AFTER_MS);
	assert_int_equal(flight__told_by(flight, ids[0]).kills, 1);
	assert_int_equal(flight__told_by(flight, ids[1]).kills, 1);
}

/* --- more than there is room for -------------------------------------------------------------- */

#define CAUSES 64 /* FREEZES and STORMS */

static void name_cgroups(struct flight *flight, uint32_t first, uint32_t count)
{
	for (uint32_t i = first; i < first + count; i++) {
		char name[32];

		snprintf(name, sizeof(name), "job%u", i);
		flight__cgroup(flight, 1000 + i, name);
	}
}

static void test_more_causes_at_once_than_folders(void **state)
{
	struct flight *flight = *state;

	flight->config.incidents = 200;
	flight__begin(flight);
	name_cgroups(flight, 0, CAUSES + 3);
	for (uint32_t i = 0; i < CAUSES + 3; i++)
		flight__kill(flight, 500 + i, 1000 + i);
	flight__settle(flight, flight->ms);
	assert_int_equal(flight__incidents(flight, ids), CAUSES);
	assert_int_equal(flight__told(flight, "more than 64 causes at once"), 3);
	assert_int_equal(flight__told(flight, "the kill of pid 566 is in the window"), 1);
	assert_int_equal(recorder__freeze(flight->recorder, flight->ms * NS_PER_MS), -EBUSY);
	flight__settle(flight, flight->ms + AFTER_MS);
	/* No folder of theirs, no storm either. */
	flight__kill(flight, 700, 1000 + CAUSES);
	flight__settle(flight, flight->ms);
	assert_int_equal(flight__incidents(flight, ids), CAUSES + 1);
	assert_string_equal(strstr(ids[CAUSES], "-leaker"), "-leaker-700");
}

static void test_the_storm_that_was_quiet_for_longest_is_forgotten(void **state)
{
	struct flight *flight = *state;

	flight->config.incidents = 200;
	flight__begin(flight);
	name_cgroups(flight, 0, CAUSES + 1);
	for (uint32_t i = 0; i < CAUSES; i++) {
		flight__kill(flight, 500 + i, 1000 + i);
		flight->ms++;
	}
	flight__settle(flight, flight->ms + AFTER_MS);
	/* The first one is heard of again, so the second one is the quiet one. */
	flight__kill(flight, 600, 1000);
	flight__settle(flight, flight->ms + SECOND);
	assert_int_equal(flight__incidents(flight, ids), CAUSES);
	flight__kill(flight, 601, 1000 + CAUSES);
	flight__settle(flight, flight->ms);
	flight__settle(flight, flight->ms + AFTER_MS);
	assert_int_equal(flight__incidents(flight, ids), CAUSES + 1);
	flight__kill(flight, 602, 1000);
	flight__kill(flight, 603, 1002);
	flight__settle(flight, flight->ms);
	assert_int_equal(flight__incidents(flight, ids), CAUSES + 1);
	flight__kill(flight, 604, 1001);
	flight__settle(flight, flight->ms);
	assert_int_equal(flight__incidents(flight, ids), CAUSES + 2);
	assert_string_equal(strstr(ids[CAUSES + 1], "-leaker"), "-leaker-604");
	assert_int_equal(flight__told_by(flight, ids[0]).kills, 3);
}

/* --- on demand -------------------------------------------------------------------------------- */

static void test_a_window_frozen_on_demand(void **state)
{
	struct flight *flight = *state;
	struct frozen *frozen;
	char why[256];

	flight__start(flight);
	assert_int_equal(recorder__freeze(flight->recorder, flight->ms * NS_PER_MS), -EAGAIN);
	flight__open(flight);
	assert_int_equal(recorder__freeze(flight->recorder, flight->ms * NS_PER_MS), 0);
	assert_int_equal(flight__incidents(flight, ids), 1);
	assert_string_equal(ids[0], "20261120T225640Z-asked");
	flight__settle(flight, flight->ms + 200);
	assert_int_equal(flight__chunk_count(flight), 2);
	assert_string_equal(flight__do_job(flight), ids[0]);
	assert_int_equal(frozen__open(&frozen, flight->folder->store, ids[0], why, sizeof(why)), 0);
	assert_true(frozen__is_whole(frozen));
	assert_int_equal(frozen__index(frozen), -1);
	frozen__free(frozen);
	/* Again within the same second. */
	assert_int_equal(recorder__freeze(flight->recorder, flight->ms * NS_PER_MS), 0);
	assert_true(flight__has(flight, "20261120T225640Z-asked-2", "window.trail"));
	flight__settle(flight, flight->ms + 1);
	assert_string_equal(flight__do_job(flight), "20261120T225640Z-asked-2");
}

static void test_on_demand_amid_an_incident(void **state)
{
	struct flight *flight = *state;

	flight__begin(flight);
	flight__kill(flight, 500, TRAIL_CGROUP);
	flight__settle(flight, flight->ms + 100);
	assert_int_equal(recorder__freeze(flight->recorder, flight->ms * NS_PER_MS), 0);
	flight__settle(flight, flight->ms + SECOND);
	/* The incident's window is not cut off for it. */
	assert_int_equal(flight__incidents(flight, ids), 2);
	assert_int_equal(flight__chunk_count(flight), 1);
	flight__settle(flight, flight->ms + AFTER_MS);
	assert_int_equal(flight__chunk_count(flight), 2);
	assert_string_equal(flight__do_job(flight), "20261120T225640Z-leaker-500");
	assert_string_equal(flight__do_job(flight), "20261120T225640Z-asked");
	/* Asked for is no cause: the next kill is of the incident's storm. */
	flight__kill(flight, 501, TRAIL_CGROUP);
	flight__settle(flight, flight->ms);
	assert_int_equal(flight__incidents(flight, ids), 2);
}

/* --- the end ---------------------------------------------------------------------------------- */

static void test_closing_with_an_incident_open(void **state)
{
	struct flight *flight = *state;

	flight__begin(flight);
	flight__kill(flight, 500, TRAIL_CGROUP);
	/* Not even written yet. */
	flight->ms += 10;
	flight__close(flight);
	assert_int_equal(flight__incidents(flight, ids), 1);
	assert_true(flight__told_by(flight, ids[0]).whole);
	assert_string_equal(flight__do_job(flight), ids[0]);
	assert_int_equal(flight__check_chunks(flight, 1), 1);
	assert_int_equal(flight__chunk_count(flight), 1);
	assert_int_equal(recorder__unpublished(flight->recorder), 0);
}

static void test_closing_before_anything_came(void **state)
{
	struct flight *flight = *state;

	flight__start(flight);
	flight__settle(flight, flight->ms);
	flight__close(flight);
	assert_int_equal(flight__chunk_count(flight), 0);
	assert_int_equal(recorder__events(flight->recorder), 0);
	recorder__free(NULL);
}

static void test_the_next_run_goes_on_behind(void **state)
{
	struct flight *flight = *state;

	flight__begin(flight);
	flight__settle(flight, flight->ms + SECOND);
	flight__close(flight);
	recorder__free(flight->recorder);
	flight__begin(flight);
	assert_int_equal(flight__newest(flight), 1);
	flight__close(flight);
	assert_int_equal(flight__check_chunks(flight, 2), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, flight__setup, flight__teardown)
		TEST(test_a_kill_is_a_folder_at_the_next_settle),
		TEST(test_a_window_ends_10_s_after_the_kill),
		TEST(test_the_same_cause_within_the_window_is_in_it),
		TEST(test_a_window_ends_60_s_after_the_first_kill),
		TEST(test_another_cause_is_another_folder),
		TEST(test_kills_in_one_batch_with_the_end_of_a_window),
		TEST(test_a_stream_that_begins_with_kills),
		TEST(test_more_causes_at_once_than_folders),
		TEST(test_the_storm_that_was_quiet_for_longest_is_forgotten),
		TEST(test_a_window_frozen_on_demand),
		TEST(test_on_demand_amid_an_incident),
		TEST(test_closing_with_an_incident_open),
		TEST(test_closing_before_anything_came),
		TEST(test_the_next_run_goes_on_behind),
	};

	return cmocka_run_group_tests_name("recorder", tests, NULL, NULL);
}
