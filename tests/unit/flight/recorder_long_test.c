/* SPDX-License-Identifier: GPL-2.0-only */
#include <inttypes.h>
#include <malloc.h>

#include "flight.h"

/* A day of the recorder in a few seconds: what it takes of memory and disk stays what it was in
 * the second hour. Every hour is like the one before it, but for who lives in it.
 *
 * The allocator's per-thread cache, which would count as taken, is switched off (main). */

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HOURS 3
#else
#define HOURS 24
#endif
#define HOUR_S       3600
#define SERVICES     40
#define PROCESSES_S  5          /* born and dead in a second */
#define LOOK_S       10         /* between two looks at the heap */
#define ROUNDING     (16 * KIB) /* of the allocator */
#define WINDOW_BYTES (6 * MIB)
#define INCIDENTS    20

#ifdef __SANITIZE_ADDRESS__
size_t __sanitizer_get_current_allocated_bytes(void);
#endif

static size_t heap_bytes(void)
{
#ifdef __SANITIZE_ADDRESS__
	return __sanitizer_get_current_allocated_bytes();
#else
	struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
#endif
}

static struct process_state brief_state(const struct flight *flight, uint64_t number,
					uint64_t cgroup_id)
{
	/* Pids come again. */
	struct process_state state = trail__state(1000 + number % 30000, "brief", 1 << 20);

	state.task.start_ns = flight->ms * NS_PER_MS + number;
	state.parent = trail__state(100, "service", 0).task;
	state.mm_id = 1000 + number;
	state.cgroup_id = cgroup_id;
	return state;
}

static void live_briefly(struct flight *flight, uint64_t number, uint64_t cgroup_id)
{
	static const char argv[16] = "sh\0-c\0true\0and";
	struct process_state state = brief_state(flight, number, cgroup_id);
	struct event_fork fork = {trail__header(EVENT_FORK, sizeof(fork), flight->ms), state};
	union {
		struct event_exec event;
		char bytes[sizeof(struct event_exec) + sizeof(argv)];
	} exec = {.event = {.header = trail__header(EVENT_EXEC, sizeof(exec), flight->ms),
			    .process = state,
			    .argv_bytes = sizeof(argv)}};
	struct event_rss rss = {
		.header = trail__header(EVENT_RSS, sizeof(rss), flight->ms),
		.owner = state.task,
		.mm_id = state.mm_id,
		.memory = {.anon_bytes = (int64_t)(1 + number % 9) << 20},
	};
	struct event_exit exit = {
		.header = trail__header(EVENT_EXIT, sizeof(exit), flight->ms),
		.task = state.task,
		.memory = {-1, -1, -1, -1, -1, -1},
		.peak_rss_bytes = 9 << 20,
	};

	memcpy(exec.event.argv, argv, sizeof(argv));
	flight__admit(flight, &fork);
	flight__admit(flight, &exec);
	flight__admit(flight, &rss);
	flight__admit(flight, &exit);
}

static void tell_usage(struct flight *flight, uint64_t cgroup_id, int64_t bytes)
{
	struct event_memcg memcg = {
		.header = trail__header(EVENT_MEMCG, sizeof(memcg), flight->ms),
		.cgroup_id = cgroup_id,
		.counters = {.usage_bytes = bytes, .max_bytes = 64 << 20},
	};

	flight__admit(flight, &memcg);
}

static void account(struct flight *flight)
{
	struct event_recorder event = {
		.header = trail__header(EVENT_RECORDER, sizeof(event), flight->ms),
		.events = recorder__events(flight->recorder),
		.written_bytes = recorder__written_bytes(flight->recorder),
	};

	flight__admit(flight, &event);
}

/* A cgroup of its own for every minute's job. */
static uint64_t begin_job(struct flight *flight, uint64_t minute)
{
	struct event_cgroup_gone gone = {trail__header(EVENT_CGROUP_GONE, sizeof(gone), flight->ms),
					 10000 + minute - 1};
	char name[32];

	snprintf(name, sizeof(name), "job%" PRIu64 ".slice", minute);
	flight__cgroup(flight, 10000 + minute, name);
	if (minute)
		flight__admit(flight, &gone);
	account(flight);
	return 10000 + minute;
}

/* One kill every ten minutes, each of another cause, and in the last quarter of the hour a storm of
 * one cause: 40 kills, ten seconds between them. */
static void kill_some(struct flight *flight, uint64_t second, uint64_t job)
{
	uint64_t in_hour = second % HOUR_S;

	if (in_hour % 600 == 300)
		flight__kill(flight, 100000 + (uint32_t)second, job);
	if (in_hour >= 2700 && in_hour < 3100 && in_hour % 10 == 5)
		flight__kill(flight, 100000 + (uint32_t)second, 10);
	if (in_hour == 1800)
		assert_int_equal(recorder__freeze(flight->recorder, flight->ms * NS_PER_MS), 0);
}

static void live_a_second(struct flight *flight, uint64_t second)
{
	static uint64_t job;

	if (second % 60 == 0)
		job = begin_job(flight, second / 60);
	for (uint64_t i = 0; i < PROCESSES_S; i++)
		live_briefly(flight, second * PROCESSES_S + i, job);
	for (uint32_t i = 0; i < SERVICES; i += 10) {
		uint32_t pid = 100 + (i + (uint32_t)second) % SERVICES;
		int64_t bytes = (int64_t)(1 + (second * 7 + i) % 50) << 20;

		flight__grow(flight, pid, bytes);
		tell_usage(flight, pid - 90, bytes);
	}
	kill_some(flight, second, job);
	flight__settle(flight, flight->ms + SECOND);
	while (*flight__do_job(flight))
		;
}

static void begin_day(struct flight *flight)
{
	flight->config.max_size_bytes = WINDOW_BYTES;
	flight->config.incidents = INCIDENTS;
	flight->config.memory_bytes = 4 * MIB;
	flight__begin(flight);
	for (uint32_t i = 0; i < SERVICES; i++) {
		char name[32];

		snprintf(name, sizeof(name), "some%u.service", i);
		flight__cgroup(flight, 10 + i, name);
		flight__fork(flight, 100 + i, 10 + i);
	}
}

static uint64_t window_bytes(const struct flight *flight)
{
	_cleanup_(freep) struct store_chunk *chunks = NULL;
	uint64_t bytes = 0;
	size_t count;

	assert_int_equal(store__chunks(flight->folder->store, &chunks, &count), 0);
	for (size_t i = 0; i < count; i++)
		bytes += chunks[i].bytes;
	return bytes;
}

static void check_disk(const struct flight *flight)
{
	static char ids[IDS_MAX][STORE_ID_BYTES];
	size_t count = flight__incidents(flight, ids);

	/* Trimmed when a chunk begins, which then takes a MiB, the least there is. */
	assert_in_range(window_bytes(flight), 1, WINDOW_BYTES + MIB);
	assert_in_range(count, 1, INCIDENTS + 1);
	for (size_t i = 0; i < count; i++)
		assert_true(flight__has(flight, ids[i], "window.trail"));
}

static void test_a_day_takes_no_more_than_its_second_hour(void **state)
{
	size_t peak_bytes = 0, second_hour_bytes = 0;
	struct flight *flight = *state;
	size_t chunks;

	begin_day(flight);
	for (uint64_t second = 0; second < HOURS * HOUR_S; second++) {
		live_a_second(flight, second);
		if (second % LOOK_S == 0 && heap_bytes() > peak_bytes)
			peak_bytes = heap_bytes();
		if (second % HOUR_S != HOUR_S - 1)
			continue;
		check_disk(flight);
		if (second / HOUR_S == 1)
			second_hour_bytes = peak_bytes;
		if (second / HOUR_S > 1)
			assert_in_range(peak_bytes, 0, second_hour_bytes + ROUNDING);
		peak_bytes = 0;
	}
	/* What there was to count. */
	assert_true(recorder__events(flight->recorder) > HOURS * HOUR_S * PROCESSES_S * 4ULL);
	assert_true(flight__newest(flight) >= HOURS * 10);
	/* An hour: six kills, a storm, and one window asked for. */
	assert_int_equal(flight__told(flight, "trail and JSON written"), HOURS * 8);
	assert_int_equal(flight__told(flight, "cannot"), 0);
	flight__close(flight);
	chunks = flight__check_chunks(flight, UINT64_MAX);
	assert_in_range(chunks, 8, flight__newest(flight));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_day_takes_no_more_than_its_second_hour,
						flight__setup, flight__teardown),
	};

	(void)argc;
	/* Read by the C library at the start of a program only. */
	if (!getenv("GLIBC_TUNABLES")) {
		setenv("GLIBC_TUNABLES", "glibc.malloc.tcache_count=0", 1);
		execv("/proc/self/exe", argv);
	}
	return cmocka_run_group_tests_name("recorder_long", tests, NULL, NULL);
}
