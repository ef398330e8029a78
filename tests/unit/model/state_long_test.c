/* SPDX-License-Identifier: GPL-2.0-only */
#include <malloc.h>
#include <unistd.h>

#include "tests/unit/model/rolling.h"

#ifdef __SANITIZE_ADDRESS__
size_t __sanitizer_get_current_allocated_bytes(void);
#endif

/* What a recorder that runs for months may take: heap, over many models in a row. The allocator's
 * per-thread cache, which would count as taken, is switched off (main); what it rounds remains. */

#define ROUNDING (4 * KIB)

static size_t heap_bytes(void)
{
#ifdef __SANITIZE_ADDRESS__
	return __sanitizer_get_current_allocated_bytes();
#else
	struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
#endif
}

/* One model after the other, each fed by the one before, as the recorder does it: nothing of the
 * block is kept aside. */
struct course {
	struct model *model;
	struct model *next; /* while going on */
	uint64_t ms;
	size_t rolls;
	size_t peak_bytes; /* of the heap, since somebody set it to 0 */
};

static void look(struct course *course)
{
	size_t bytes = heap_bytes();

	if (bytes > course->peak_bytes)
		course->peak_bytes = bytes;
}

static int feed_next(void *context, const struct event_header *event)
{
	struct course *course = context;

	assert_int_equal(event__check(event, event->size_bytes), 0);
	apply(course->next, event);
	if (event->kind == EVENT_KEPT_PROCESS || event->kind == EVENT_STATE)
		look(course);
	return 0;
}

static void roll(struct course *course)
{
	struct state_options options = options_at(course->model);

	options.chunk = ++course->rolls;
	options.processes_max = 20000;
	options.series_max_bytes = 16 * MIB;
	options.argv_max_bytes = 8 * MIB;
	look(course);
	course->next = new_model();
	assert_int_equal(model__move_out(course->model, &options, feed_next, course), 0);
	model__free(course->model);
	course->model = course->next;
	course->next = NULL;
}

static void roll_beyond(struct course *course, size_t bytes)
{
	if (model__bytes(course->model) > bytes)
		roll(course);
}

static struct process_state brief_state(uint64_t number, uint32_t parent, uint64_t cgroup_id,
					int64_t bytes)
{
	struct process_state state =
		state_of(1000 + (uint32_t)(number % 30000), parent, "brief", cgroup_id, bytes);

	/* Pids come again. */
	state.task.start_ns = (number + 1) * NS_PER_MS;
	state.mm_id = 1000 + number;
	return state;
}

static void live_briefly(struct course *course, uint64_t number, uint64_t cgroup_id)
{
	static const char argv[] = "sh\0-c\0true";
	struct process_state state = brief_state(number, 1, cgroup_id, M);
	struct event_exit exit = {
		.header = header(EVENT_EXIT, sizeof(exit), course->ms + 2),
		.task = state.task,
		.memory = memory_unknown(),
		.peak_rss_bytes = (int64_t)(number % 7) * M,
	};
	struct event_rss moved = {
		.header = header(EVENT_RSS, sizeof(moved), course->ms + 1),
		.owner = state.task,
		.mm_id = state.mm_id,
		.memory = anon(3 * M),
	};

	fork_of(course->model, course->ms, state);
	exec_of(course->model, course->ms, state, argv, sizeof(argv));
	apply(course->model, &moved);
	apply(course->model, &exit);
}

static void begin(struct course *course)
{
	*course = (struct course){.model = new_model(), .ms = 1};
	host(course->model, 1, FOLLOW_ALL, 1700000000LL * (int64_t)NS_PER_S);
	cgroup(course->model, 1, 1, 0, "", counters(M, EVENT_NO_LIMIT, 0));
	process(course->model, 1, state_of(1, 0, "systemd", 1, 8 * M));
}

/* --- a million processes ---------------------------------------------------------------------- */

#define CHURN       1000000ULL
#define CHURN_BYTES (8 * MIB)

static void test_a_million_brief_processes_take_no_more_than_the_first(void **state)
{
	size_t first_peak = 0;
	struct course course;

	(void)state;
	begin(&course);
	/* 2,000 a second */
	for (uint64_t i = 0; i < CHURN; i++) {
		course.ms = 1000 + i / 2;
		live_briefly(&course, i, 1);
		roll_beyond(&course, CHURN_BYTES);
		if (i == CHURN / 4) {
			first_peak = course.peak_bytes;
			course.peak_bytes = 0;
		}
	}
	assert_true(course.rolls > 20);
	/* Old and new together: the bound, and what the 1,000 dead that go on take. */
	assert_true(first_peak < CHURN_BYTES + CHURN_BYTES / 2);
	assert_in_range(course.peak_bytes, 0, first_peak + ROUNDING);
	assert_true(model__state(course.model)->forgotten_processes > CHURN - 50000);
	model__free(course.model);
}

/* --- both models together --------------------------------------------------------------------- */

static void test_two_models_hold_little_more_than_one(void **state)
{
	size_t before, one;
	struct course course;

	(void)state;
	before = heap_bytes();
	begin(&course);
	for (uint32_t pid = 2; pid < 1000; pid++) {
		process(course.model, 1, state_of(pid, 1, "some", 1, M));
		for (uint64_t i = 0; i < 200; i++)
			rss(course.model, 10 + i, pid, (int64_t)(2 + i) * M);
	}
	course.ms = 500;
	tick(course.model, course.ms);
	one = heap_bytes() - before;
	roll(&course);
	assert_true(course.peak_bytes - before < one + one / 8);
	assert_true(heap_bytes() - before < one + one / 16);
	assert_in_range(heap_bytes() - before, model__bytes(course.model),
			model__bytes(course.model) + model__bytes(course.model) / 64);
	model__free(course.model);
}

/* --- a day ------------------------------------------------------------------------------------ */

#define DAY_HOURS 24
#define SERVICES  40
#define HOUR_MS   (3600 * SECOND)
#define CHUNK_MS  (600 * SECOND)

static void begin_day(struct course *course)
{
	begin(course);
	for (uint32_t i = 0; i < SERVICES; i++) {
		cgroup(course->model, 1, 10 + i, 1, "some.service", counters(50 * M, 900 * M, 0));
		process(course->model, 1, state_of(100 + i, 1, "service", 10 + i, 50 * M));
	}
}

/* A cgroup of its own for every job: a minute of work, then it is gone. */
static void run_job(struct course *course, uint64_t minute)
{
	struct event_cgroup_gone gone = {header(EVENT_CGROUP_GONE, sizeof(gone), course->ms),
					 1000 + minute - 1};

	cgroup(course->model, course->ms, 1000 + minute, 1, "job.scope", counters(M, 90 * M, 0));
	tell_psi(course->model, course->ms, 1000 + minute, 100);
	if (minute)
		apply(course->model, &gone);
}

static void live_a_second(struct course *course, uint64_t second)
{
	uint64_t cgroup_id = 1000 + second / 60;

	if (second % 60 == 0)
		run_job(course, second / 60);
	for (uint64_t i = 0; i < 4; i++)
		live_briefly(course, second * 4 + i, cgroup_id);
	for (uint32_t i = 0; i < SERVICES; i += 8) {
		uint32_t pid = 100 + (i + (uint32_t)second) % SERVICES;

		rss(course->model, course->ms + 10, pid,
		    (int64_t)(50 + (second * 7 + i) % 300) * M);
		memcg(course->model, course->ms + 11, pid - 90,
		      counters((int64_t)(60 + (second * 5 + i) % 300) * M, 900 * M,
			       (int64_t)second / 8));
	}
	memcg(course->model, course->ms + 12, cgroup_id,
	      counters((int64_t)(second % 60) * M, 90 * M, 0));
	reclaim(course->model, course->ms, course->ms + 13, 100, cgroup_id, M, 1);
	attach(course->model, course->ms + 14, 100 + (uint32_t)second % SERVICES,
	       second % 2 ? cgroup_id : 10);
	tell_psi(course->model, course->ms + 15, 0, (int64_t)second);
	if (second % 30 == 0) {
		struct event_signal sent = {
			.header = header(EVENT_SIGNAL, sizeof(sent), course->ms + 16),
			.sender = task(1),
			.target = brief_state(second * 4, 1, 1, 0).task,
			.signal = SIGKILL_NUMBER,
			.flags = second % 60 == 0,
		};
		struct event_clock set = {header(EVENT_CLOCK, sizeof(set), course->ms + 17),
					  (int64_t)(1700000000 * NS_PER_S + second)};

		apply(course->model, &sent);
		apply(course->model, &set);
		tell_loss(course->model, course->ms + 18, EVENT_RSS, second + 1);
	}
}

static void test_a_day_takes_no_more_than_its_second_hour(void **state)
{
	size_t second_hour = 0;
	struct course course;

	(void)state;
	begin_day(&course);
	for (uint64_t second = 0; second < DAY_HOURS * 3600; second++) {
		course.ms = 1000 + second * SECOND;
		live_a_second(&course, second);
		if (second % (CHUNK_MS / SECOND) == CHUNK_MS / SECOND - 1)
			roll(&course);
		if (second % 3600 != 3599)
			continue;
		if (second / 3600 == 1)
			second_hour = course.peak_bytes;
		if (second / 3600 != DAY_HOURS - 1)
			course.peak_bytes = 0;
	}
	assert_int_equal(course.rolls, DAY_HOURS * 6);
	assert_true(second_hour > 0);
	assert_in_range(course.peak_bytes, 0, second_hour + ROUNDING);
	assert_true(model__cgroup_count(course.model) < SERVICES + 10);
	model__free(course.model);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_million_brief_processes_take_no_more_than_the_first),
		cmocka_unit_test(test_two_models_hold_little_more_than_one),
		cmocka_unit_test(test_a_day_takes_no_more_than_its_second_hour),
	};

	(void)argc;
	/* Read by the C library at the start of a program only. */
	if (!getenv("GLIBC_TUNABLES")) {
		setenv("GLIBC_TUNABLES", "glibc.malloc.tcache_count=0", 1);
		execv("/proc/self/exe", argv);
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
