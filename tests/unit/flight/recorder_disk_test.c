/* SPDX-License-Identifier: GPL-2.0-only */
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include <linux/fs.h>

#include "flight.h"

/* A disk that is full, refuses, or goes away: what cannot be written stays in memory, and is
 * written when it can be. */

static char ids[IDS_MAX][STORE_ID_BYTES];

static bool replacing_is_refused;

/* A file of an incident is written beside it and renamed. */
int renameat(int old_fd, const char *old_path, int new_fd, const char *new_path)
{
	if (replacing_is_refused) {
		errno = ENOSPC;
		return -1;
	}
	return (int)syscall(SYS_renameat2, old_fd, old_path, new_fd, new_path, 0);
}

/* A disk of 32 MiB, chunks of one. */
static void begin_small(struct flight *flight)
{
	skip_unmounted(flight->folder, SMALL_BYTES);
	flight->config.max_size_bytes = 8 * MIB;
	flight__begin(flight);
}

/* As chattr +i and -i. */
static bool set_immutable(const struct flight *flight, const char *name, bool immutable)
{
	_cleanup_(closep) int fd = open(folder__path(flight->folder, name), O_RDONLY | O_CLOEXEC);
	int flags;

	if (fd < 0 || ioctl(fd, FS_IOC_GETFLAGS, &flags) < 0)
		return false;
	flags = immutable ? flags | FS_IMMUTABLE_FL : flags & ~FS_IMMUTABLE_FL;
	return ioctl(fd, FS_IOC_SETFLAGS, &flags) == 0;
}

static void refuse_incidents(const struct flight *flight)
{
	if (set_immutable(flight, "incidents", true))
		return;
	print_message("the immutable attribute cannot be set below /tmp\n");
	skip();
}

static void allow_incidents(const struct flight *flight)
{
	assert_true(set_immutable(flight, "incidents", false));
}

static int refused__teardown(void **state)
{
	set_immutable(*state, "incidents", false);
	return flight__teardown(state);
}

static void roll(struct flight *flight)
{
	flight__settle(flight, flight->ms + flight->config.window_ns / NS_PER_MS / 8);
}

/* --- full ------------------------------------------------------------------------------------- */

static void test_a_full_disk_takes_a_kill(void **state)
{
	struct flight *flight = *state;

	begin_small(flight);
	fill_up(flight->folder);
	flight__kill(flight, 500, TRAIL_CGROUP);
	flight__settle(flight, flight->ms);
	assert_int_equal(flight__incidents(flight, ids), 1);
	assert_int_equal(flight__told_by(flight, ids[0]).kills, 1);
	assert_int_equal(flight__told(flight, "cannot be written"), 0);
	/* What the old chunk did not need is room enough for the new one. */
	flight__settle(flight, flight->ms + AFTER_MS);
	assert_int_equal(flight__told(flight, "cannot be written"), 0);
	assert_true(flight__told_by(flight, ids[0]).whole);
}

/* The window has no chunk any more, and incidents get no folder. */
static void lose_window(struct flight *flight)
{
	begin_small(flight);
	refuse_incidents(flight);
	flight->config.max_size_bytes = 64 * MIB;
	recorder__configure(flight->recorder, &flight->config);
	fill_up(flight->folder);
	roll(flight);
	assert_int_equal(flight__told(flight, "the window cannot be written: No space left"), 1);
}

static void find_window(struct flight *flight)
{
	allow_incidents(flight);
	assert_int_equal(unlink(folder__path(flight->folder, "filler")), 0);
}

static void test_without_a_chunk_kills_stay_in_memory(void **state)
{
	struct flight *flight = *state;

	lose_window(flight);
	flight__cgroup(flight, 88, "bank");
	flight__kill(flight, 500, TRAIL_CGROUP);
	flight__kill(flight, 600, 88);
	flight__settle(flight, flight->ms);
	assert_int_equal(flight__told(flight, "cannot be written: No space left on device; it is"),
			 2);
	flight__settle(flight, flight->ms + AFTER_MS);
	assert_int_equal(recorder__unpublished(flight->recorder), 2);
	/* Its later kills wait for its folder. */
	flight__kill(flight, 601, 88);
	flight__settle(flight, flight->ms + 4 * SECOND);
	assert_int_equal(recorder__unpublished(flight->recorder), 2);
	assert_int_equal(flight__told(flight, "it is kept in memory"), 2);
	assert_int_equal(flight__told(flight, "the window cannot be written"), 1);
	assert_int_equal(flight__incident_count(flight), 0);
}

static void test_a_full_disk_has_room_for_what_was_prepared(void **state)
{
	struct flight *flight = *state;

	lose_window(flight);
	allow_incidents(flight);
	fill_up(flight->folder);
	flight__kill(flight, 500, TRAIL_CGROUP);
	flight__settle(flight, flight->ms);
	flight__settle(flight, flight->ms + AFTER_MS);
	assert_int_equal(recorder__unpublished(flight->recorder), 0);
	assert_int_equal(flight__incidents(flight, ids), 1);
	assert_true(flight__has(flight, ids[0], "incident.json"));
	assert_false(flight__has(flight, ids[0], "window.trail"));
}

static void test_what_stayed_in_memory_is_written_later(void **state)
{
	struct flight *flight = *state;

	lose_window(flight);
	flight__cgroup(flight, 88, "bank");
	flight__kill(flight, 500, TRAIL_CGROUP);
	flight__kill(flight, 600, 88);
	flight__settle(flight, flight->ms);
	flight__settle(flight, flight->ms + AFTER_MS);
	flight__kill(flight, 601, 88);
	flight__settle(flight, flight->ms + SECOND);
	assert_int_equal(recorder__unpublished(flight->recorder), 2);
	find_window(flight);
	flight__settle(flight, flight->ms + 5 * SECOND);
	flight__settle(flight, flight->ms + SECOND);
	assert_int_equal(recorder__unpublished(flight->recorder), 0);
	assert_int_equal(flight__incidents(flight, ids), 2);
	assert_int_equal(flight__told(flight, "written now, without its window"), 2);
	assert_int_equal(flight__told(flight, "the window can be written again"), 1);
	assert_false(flight__has(flight, ids[1], "window.trail"));
	assert_true(flight__has(flight, ids[1], "report.txt"));
	assert_true(flight__has(flight, ids[1], "storm.trail"));
	/* From here on all is as it should be. */
	flight__cgroup(flight, 99, "library");
	flight__kill(flight, 700, 99);
	flight__settle(flight, flight->ms);
	flight__incidents(flight, ids);
	assert_int_equal(flight__told_by(flight, ids[2]).kills, 1);
	flight__close(flight);
	flight__check_chunks(flight, UINT64_MAX);
}

static void fill_chunk(struct flight *flight)
{
	static union {
		struct event_argv event;
		unsigned char bytes[sizeof(struct event_argv) + EVENT_ARGV_BYTES];
	} argv;
	uint64_t newest = flight__newest(flight);

	argv.event.header = trail__header(EVENT_ARGV, sizeof(argv), flight->ms);
	argv.event.task = (struct task_ref){.pid = 400, .tid = 400, .start_ns = 400 * NS_PER_MS};
	argv.event.argv_bytes = EVENT_ARGV_BYTES;
	while (flight__newest(flight) == newest) {
		for (size_t i = sizeof(struct event_argv); i < sizeof(argv); i++)
			argv.bytes[i] = (unsigned char)random();
		flight__admit(flight, &argv);
		flight__settle(flight, flight->ms + 1);
	}
}

static void test_the_oldest_chunk_makes_room_for_the_next(void **state)
{
	struct flight *flight = *state;
	uint64_t numbers[CHUNKS_MAX];
	size_t count;

	begin_small(flight);
	flight__fork(flight, 400, TRAIL_CGROUP);
	for (size_t i = 0; i < 5; i++)
		fill_chunk(flight);
	count = flight__chunks(flight, numbers);
	assert_int_equal(count, 6);
	fill_up(flight->folder);
	fill_chunk(flight);
	assert_int_equal(flight__told(flight, "cannot be written"), 0);
	/* Not all of them: an hour is worth something. */
	assert_in_range(flight__chunks(flight, numbers), 5, 6);
	assert_int_equal(numbers[0], 7 - flight__chunk_count(flight));
	flight__check_chunks(flight, 6);
}

static void test_a_disk_that_fills_up_in_a_chunk(void **state)
{
	struct flight *flight = *state;

	begin_small(flight);
	flight->config.max_size_bytes = 512 * MIB; /* larger chunks than were preallocated */
	recorder__configure(flight->recorder, &flight->config);
	fill_up(flight->folder);
	flight__fork(flight, 400, TRAIL_CGROUP);
	for (size_t i = 0; i < 2000 && !flight__told(flight, "writing the window"); i++) {
		union {
			struct event_argv event;
			unsigned char bytes[sizeof(struct event_argv) + EVENT_ARGV_BYTES];
		} argv = {.event.header = trail__header(EVENT_ARGV, sizeof(argv), flight->ms)};

		argv.event.argv_bytes = EVENT_ARGV_BYTES;
		for (size_t at = sizeof(struct event_argv); at < sizeof(argv); at++)
			argv.bytes[at] = (unsigned char)random();
		flight__admit(flight, &argv);
		flight__settle(flight, flight->ms + 1);
	}
	assert_int_equal(flight__told(flight, "writing the window: No space left on device"), 1);
	/* What is there of it is no torn data. */
	assert_int_equal(
		flight__replay(store__open_chunk(flight->folder->store, 0), READER_INCOMPLETE), 0);
	flight__kill(flight, 500, TRAIL_CGROUP);
	flight__settle(flight, flight->ms);
	assert_int_equal(flight__told(flight, "it is kept in memory"), 1);
	assert_int_equal(unlink(folder__path(flight->folder, "filler")), 0);
	flight->config.max_size_bytes = 8 * MIB;
	recorder__configure(flight->recorder, &flight->config);
	flight__settle(flight, flight->ms + AFTER_MS);
	flight__settle(flight, flight->ms + SECOND);
	assert_int_equal(flight__incidents(flight, ids), 1);
	assert_true(flight__has(flight, ids[0], "report.txt"));
	flight__close(flight);
}

static void test_more_incidents_than_memory_keeps(void **state)
{
	struct flight *flight = *state;

	lose_window(flight);
	for (uint32_t i = 0; i < 34; i++)
		flight__kill(flight, 500 + i, 1000 + i);
	flight__settle(flight, flight->ms);
	flight__settle(flight, flight->ms + AFTER_MS);
	assert_int_equal(recorder__unpublished(flight->recorder), 32);
	assert_int_equal(flight__told(flight, "is lost but for the window: No buffer space"), 2);
	find_window(flight);
	flight__settle(flight, flight->ms + 10 * SECOND);
	assert_int_equal(flight__incidents(flight, ids), 32);
	/* The cause of one that is lost is an incident again. */
	flight__kill(flight, 700, 1000 + 33);
	flight__settle(flight, flight->ms);
	assert_int_equal(flight__incidents(flight, ids), 33);
	assert_string_equal(strstr(ids[32], "-leaker"), "-leaker-700");
}

/* --- refused ---------------------------------------------------------------------------------- */

static void test_refused_for_a_moment(void **state)
{
	struct flight *flight = *state;

	flight__begin(flight);
	refuse_incidents(flight);
	flight__kill(flight, 500, TRAIL_CGROUP);
	flight__settle(flight, flight->ms);
	assert_int_equal(flight__told(flight, "cannot be written: Operation not permitted"), 1);
	flight__settle(flight, flight->ms + 2 * SECOND);
	assert_int_equal(flight__told(flight, "cannot be written: Operation not permitted"), 1);
	allow_incidents(flight);
	/* Not asked at once again. */
	flight__settle(flight, flight->ms + 2 * SECOND - 1);
	flight__settle(flight, flight->ms + 1);
	assert_int_equal(flight__told(flight, "trail and JSON written 4.0 s after the kill"), 1);
	flight__settle(flight, flight->ms + AFTER_MS);
	assert_int_equal(flight__incidents(flight, ids), 1);
	assert_true(flight__told_by(flight, ids[0]).whole);
	assert_string_equal(flight__do_job(flight), ids[0]);
}

static void test_refused_beyond_its_window(void **state)
{
	struct flight *flight = *state;
	struct timespec old[2] = {{.tv_sec = 1}, {.tv_sec = 1}};

	flight__begin(flight);
	refuse_incidents(flight);
	flight__kill(flight, 500, TRAIL_CGROUP);
	flight__settle(flight, flight->ms);
	flight__settle(flight, flight->ms + AFTER_MS);
	assert_int_equal(recorder__unpublished(flight->recorder), 1);
	assert_string_equal(flight__do_job(flight), "");
	/* Its chunk stays, however old. */
	assert_int_equal(utimensat(AT_FDCWD,
				   folder__path(flight->folder, "window/0000000000000000.trail"),
				   old, 0),
			 0);
	roll(flight);
	roll(flight);
	assert_int_equal(flight__chunk_count(flight), 4);
	allow_incidents(flight);
	flight__settle(flight, flight->ms + 2 * SECOND);
	assert_int_equal(recorder__unpublished(flight->recorder), 0);
	assert_int_equal(flight__told(flight, "-leaker-500: written now\n"), 1);
	assert_int_equal(flight__incidents(flight, ids), 1);
	assert_true(flight__told_by(flight, ids[0]).whole);
	assert_string_equal(flight__do_job(flight), ids[0]);
	assert_false(flight__has(flight, ids[0], "report.txt"));
	roll(flight);
	assert_false(folder__has(flight->folder, "window/0000000000000000.trail"));
}

static void test_refused_and_then_its_name_is_taken(void **state)
{
	struct flight *flight = *state;

	flight__begin(flight);
	refuse_incidents(flight);
	flight__kill(flight, 500, TRAIL_CGROUP);
	flight__settle(flight, flight->ms);
	flight__settle(flight, flight->ms + AFTER_MS);
	flight->ms += 100;
	flight__kill(flight, 501, TRAIL_CGROUP);
	allow_incidents(flight);
	assert_int_equal(
		mkdir(folder__path(flight->folder, "incidents/20261120T225640Z-leaker-500"), 0700),
		0);
	flight__settle(flight, flight->ms + 2 * SECOND);
	flight__settle(flight, flight->ms + SECOND);
	/* Later kills go where the first one is. */
	assert_true(flight__has(flight, "20261120T225640Z-leaker-500-2", "window.trail"));
	assert_int_equal(flight__told_by(flight, "20261120T225640Z-leaker-500-2").kills, 2);
	assert_string_equal(flight__do_job(flight), "20261120T225640Z-leaker-500-2");
}

static void test_refused_for_too_long_ends_its_window(void **state)
{
	struct flight *flight = *state;

	flight__begin(flight);
	refuse_incidents(flight);
	flight__kill(flight, 500, TRAIL_CGROUP);
	flight__settle(flight, flight->ms);
	flight__settle(flight, flight->ms + AFTER_MS);
	for (size_t i = 0; i < 15; i++)
		roll(flight);
	assert_int_equal(flight__told(flight, "its window is given up"), 0);
	roll(flight);
	assert_int_equal(flight__told(flight, "its window is given up"), 1);
	allow_incidents(flight);
	flight__settle(flight, flight->ms + 2 * SECOND);
	assert_int_equal(flight__incidents(flight, ids), 1);
	assert_true(flight__has(flight, ids[0], "report.txt"));
	assert_false(flight__has(flight, ids[0], "window.trail"));
}

static void test_the_end_tries_once_more(void **state)
{
	struct flight *flight = *state;

	flight__begin(flight);
	refuse_incidents(flight);
	flight__kill(flight, 500, TRAIL_CGROUP);
	flight__settle(flight, flight->ms);
	flight__settle(flight, flight->ms + AFTER_MS);
	assert_int_equal(recorder__unpublished(flight->recorder), 1);
	allow_incidents(flight);
	flight->ms += 100;
	flight__close(flight);
	assert_int_equal(recorder__unpublished(flight->recorder), 0);
	assert_int_equal(flight__incidents(flight, ids), 1);
	assert_true(flight__told_by(flight, ids[0]).whole);
	assert_string_equal(flight__do_job(flight), ids[0]);
}

static void test_the_end_says_what_it_loses(void **state)
{
	struct flight *flight = *state;

	flight__begin(flight);
	refuse_incidents(flight);
	flight__kill(flight, 500, TRAIL_CGROUP);
	flight__settle(flight, flight->ms);
	flight__close(flight);
	assert_int_equal(recorder__unpublished(flight->recorder), 1);
	/* The window has it. */
	assert_int_equal(flight__check_chunks(flight, 1), 1);
}

static void test_a_text_that_does_not_fit_makes_no_second_folder(void **state)
{
	struct flight *flight = *state;

	flight__begin(flight);
	refuse_incidents(flight);
	flight__kill(flight, 500, TRAIL_CGROUP);
	flight__settle(flight, flight->ms);
	flight__settle(flight, flight->ms + AFTER_MS);
	assert_int_equal(recorder__unpublished(flight->recorder), 1);
	/* The window is gone, so the text can only be had from memory. */
	assert_int_equal(unlink(folder__path(flight->folder, "window/0000000000000000.trail")), 0);
	allow_incidents(flight);
	replacing_is_refused = true;
	for (size_t i = 0; i < 3; i++)
		flight__settle(flight, flight->ms + 2 * SECOND);
	replacing_is_refused = false;
	assert_int_equal(flight__incidents(flight, ids), 1);
	assert_true(flight__has(flight, ids[0], "incident.json"));
	assert_false(flight__has(flight, ids[0], "report.txt"));
	flight__settle(flight, flight->ms + 2 * SECOND);
	assert_int_equal(flight__incidents(flight, ids), 1);
	assert_true(flight__has(flight, ids[0], "report.txt"));
	assert_int_equal(recorder__unpublished(flight->recorder), 0);
}

/* --- gone ------------------------------------------------------------------------------------- */

static void test_a_folder_that_was_removed_is_made_anew(void **state)
{
	struct flight *flight = *state;

	flight__begin(flight);
	flight__fork(flight, 400, TRAIL_CGROUP);
	flight__settle(flight, flight->ms + 6 * SECOND);
	remove_tree(flight->folder->dir);
	flight__settle(flight, flight->ms + 6 * SECOND);
	assert_int_equal(flight__told(flight, "was removed or replaced: made anew"), 1);
	assert_true(folder__has(flight->folder, "incidents/.spare/incident.json"));
	flight__kill(flight, 500, TRAIL_CGROUP);
	flight__settle(flight, flight->ms);
	flight__settle(flight, flight->ms + AFTER_MS);
	assert_int_equal(flight__incidents(flight, ids), 1);
	assert_true(flight__told_by(flight, ids[0]).whole);
	flight__close(flight);
	assert_int_equal(flight__told(flight, "made anew"), 1);
	assert_true(flight__check_chunks(flight, UINT64_MAX) >= 2);
}

static void test_a_chunk_begun_right_behind_the_removal(void **state)
{
	struct flight *flight = *state;

	flight->config.window_ns = 8 * NS_PER_S;
	flight__begin(flight);
	flight__settle(flight, flight->ms + 6 * SECOND);
	remove_tree(flight->folder->dir);
	flight__settle(flight, flight->ms + SECOND);
	assert_int_equal(flight__told(flight, "cannot be written"), 0);
	assert_int_equal(flight__chunk_count(flight), 1);
	assert_true(folder__has(flight->folder, "incidents/.spare/incident.json"));
	flight__close(flight);
	assert_int_equal(flight__check_chunks(flight, UINT64_MAX), 1);
}

static void test_a_kill_right_behind_the_removal(void **state)
{
	struct flight *flight = *state;
	struct told told;

	flight__begin(flight);
	flight__settle(flight, flight->ms + 6 * SECOND);
	remove_tree(flight->folder->dir);
	flight->ms += 100;
	flight__kill(flight, 500, TRAIL_CGROUP);
	flight__settle(flight, flight->ms);
	assert_int_equal(flight__incidents(flight, ids), 1);
	flight->ms += SECOND;
	flight__kill(flight, 501, TRAIL_CGROUP);
	flight__settle(flight, flight->ms);
	flight__settle(flight, flight->ms + AFTER_MS);
	assert_int_equal(flight__incidents(flight, ids), 1);
	told = flight__told_by(flight, ids[0]);
	assert_true(told.whole);
	assert_int_equal(told.kills, 2);
	flight__close(flight);
}

static void test_a_folder_that_cannot_be_made_anew(void **state)
{
	struct flight *flight = *state;

	flight__begin(flight);
	flight__settle(flight, flight->ms + 6 * SECOND);
	remove_tree(flight->folder->top);
	for (size_t i = 0; i < 4; i++)
		flight__settle(flight, flight->ms + 6 * SECOND);
	assert_int_equal(flight__told(flight, "cannot be made anew: No such file"), 1);
	flight__kill(flight, 500, TRAIL_CGROUP);
	flight__settle(flight, flight->ms);
	assert_int_equal(flight__told(flight, "it is kept in memory"), 1);
	flight__settle(flight, flight->ms + AFTER_MS);
	assert_int_equal(recorder__unpublished(flight->recorder), 1);
	assert_int_equal(mkdir(flight->folder->top, 0700), 0);
	flight__settle(flight, flight->ms + 6 * SECOND);
	flight__settle(flight, flight->ms + 2 * SECOND);
	assert_int_equal(recorder__unpublished(flight->recorder), 0);
	assert_int_equal(flight__incidents(flight, ids), 1);
	assert_true(flight__has(flight, ids[0], "report.txt") ||
		    flight__told_by(flight, ids[0]).kills == 1);
	roll(flight);
	assert_true(flight__chunk_count(flight) >= 1);
	flight__close(flight);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name)  cmocka_unit_test_setup_teardown(name, flight__setup, refused__teardown)
#define SMALL(name) cmocka_unit_test_setup_teardown(name, small_disk__setup, small_disk__teardown)
		SMALL(test_a_full_disk_takes_a_kill),
		SMALL(test_without_a_chunk_kills_stay_in_memory),
		SMALL(test_a_full_disk_has_room_for_what_was_prepared),
		SMALL(test_what_stayed_in_memory_is_written_later),
		SMALL(test_the_oldest_chunk_makes_room_for_the_next),
		SMALL(test_a_disk_that_fills_up_in_a_chunk),
		SMALL(test_more_incidents_than_memory_keeps),
		TEST(test_refused_for_a_moment),
		TEST(test_refused_beyond_its_window),
		TEST(test_refused_and_then_its_name_is_taken),
		TEST(test_refused_for_too_long_ends_its_window),
		TEST(test_the_end_tries_once_more),
		TEST(test_the_end_says_what_it_loses),
		TEST(test_a_text_that_does_not_fit_makes_no_second_folder),
		TEST(test_a_folder_that_was_removed_is_made_anew),
		TEST(test_a_chunk_begun_right_behind_the_removal),
		TEST(test_a_kill_right_behind_the_removal),
		TEST(test_a_folder_that_cannot_be_made_anew),
	};

	return cmocka_run_group_tests_name("recorder_disk", tests, NULL, NULL);
}
