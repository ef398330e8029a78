/* SPDX-License-Identifier: GPL-2.0-only */
#include "flight.h"

/* Memory that cannot be had: each single allocation of a recorder's life fails once, then all of
 * them for a while. */

static char ids[IDS_MAX][STORE_ID_BYTES];

static bool counts;
static size_t allocations; /* while they are counted */
static size_t first_refused = SIZE_MAX, last_refused;

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define CAN_REFUSE true

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);

static bool is_refused(void)
{
	size_t number = allocations;

	if (!counts)
		return false;
	allocations++;
	if (number < first_refused || number > last_refused)
		return false;
	errno = ENOMEM;
	return true;
}

void *malloc(size_t size)
{
	return is_refused() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	return is_refused() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size)
{
	return is_refused() ? NULL : __libc_realloc(memory, size);
}

void *reallocarray(void *memory, size_t count, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(count, size, &bytes))
		return NULL;
	return realloc(memory, bytes);
}
#else
#define CAN_REFUSE false
#endif

static void skip_sanitized(void)
{
	if (CAN_REFUSE)
		return;
	print_message("a sanitizer allocates here\n");
	skip();
}

static void refuse(size_t first, size_t last)
{
	allocations = 0;
	first_refused = first;
	last_refused = last;
	counts = true;
}

static void refuse_no_more(void)
{
	counts = false;
}

static void settle(struct flight *flight, uint64_t ms)
{
	flight__settle(flight, flight->ms + ms);
}

/* A kill, one more of its cause in its window, one behind it; a window asked for; a roll. */
static void live(struct flight *flight)
{
	flight__kill(flight, 500, TRAIL_CGROUP);
	settle(flight, 1);
	flight__kill(flight, 501, TRAIL_CGROUP);
	settle(flight, 4 * SECOND);
	settle(flight, AFTER_MS);
	flight__kill(flight, 502, TRAIL_CGROUP);
	settle(flight, SECOND);
	(void)recorder__freeze(flight->recorder, flight->ms * NS_PER_MS);
	settle(flight, SECOND);
	settle(flight, 450 * SECOND);
	flight__kill(flight, 503, TRAIL_CGROUP);
	settle(flight, SECOND);
}

/* In memory, which needs no sync. */
static struct flight *new_flight(void)
{
	void *state = NULL;
	struct flight *flight;

	assert_int_equal(small_disk__setup(&state), 0);
	flight = state;
	flight->config.max_size_bytes = 8 * MIB;
	return flight;
}

static void end_flight(struct flight *flight)
{
	void *state = flight;

	small_disk__teardown(&state);
}

/* Every kill of live() is listed in the folder of its cause, and what follows is as ever. */
static void check_flight(struct flight *flight)
{
	size_t count;

	settle(flight, 10 * SECOND);
	settle(flight, 10 * SECOND);
	flight__cgroup(flight, 88, "bank");
	flight__kill(flight, 600, 88);
	settle(flight, 0);
	flight__close(flight);
	assert_int_equal(recorder__unpublished(flight->recorder), 0);
	count = flight__incidents(flight, ids);
	assert_in_range(count, 2, 4);
	assert_non_null(strstr(ids[0], "-leaker-500"));
	assert_non_null(strstr(ids[count - 1], "-leaker-600"));
	assert_true(flight__has(flight, ids[0], "window.trail"));
	assert_true(flight__has(flight, ids[count - 1], "window.trail"));
}

static void test_any_one_allocation_may_fail(void **state)
{
	struct flight *flight;
	size_t count;

	(void)state;
	skip_sanitized();
	flight = new_flight();
	flight__begin(flight);
	refuse(SIZE_MAX, 0);
	live(flight);
	refuse_no_more();
	count = allocations;
	check_flight(flight);
	end_flight(flight);
	assert_true(count > 50);
	for (size_t i = 0; i < count; i++) {
		flight = new_flight();
		flight__begin(flight);
		refuse(i, i);
		live(flight);
		refuse_no_more();
		check_flight(flight);
		end_flight(flight);
	}
}

static void test_no_recorder_without_memory(void **state)
{
	struct recorder_options options = {0};
	struct flight *flight = *state;
	struct recorder *recorder = NULL;

	skip_sanitized();
	options.store = folder__open(flight->folder);
	options.config = &flight->config;
	for (size_t i = 0; i < 100; i++) {
		int error;

		refuse(i, i);
		error = recorder__new(&recorder, &options);
		refuse_no_more();
		if (!error)
			break;
		assert_int_equal(error, -ENOMEM);
		assert_null(recorder);
	}
	assert_non_null(recorder);
	recorder__free(recorder);
}

static void test_the_first_event_needs_memory(void **state)
{
	struct flight *flight = *state;
	const struct event_header *host;
	struct event_host event;
	size_t i;

	skip_sanitized();
	event = trail__host("web-1", flight->ms);
	host = &event.header;
	flight__start(flight);
	for (i = 0; i < 100; i++) {
		int error;

		refuse(i, i);
		error = recorder__admit(flight->recorder, host);
		refuse_no_more();
		if (!error && !flight__told(flight, "cannot be written"))
			break;
		assert_true(error == 0 || error == -ENOMEM);
		recorder__free(flight->recorder);
		flight->log_bytes = 0;
		memset(flight->log, 0, LOG_BYTES);
		flight__start(flight);
	}
	assert_in_range(i, 3, 99);
	settle(flight, SECOND);
	flight__close(flight);
}

/* Not what may happen, with all of it reserved; yet nothing may be worse for it afterwards. */
static void test_no_memory_for_a_while(void **state)
{
	struct flight *flight = *state;
	size_t count;

	skip_sanitized();
	flight__begin(flight);
	for (uint32_t pid = 400; pid < 420; pid++)
		flight__fork(flight, pid, TRAIL_CGROUP);
	settle(flight, SECOND);
	refuse(0, SIZE_MAX);
	for (uint32_t pid = 1000; pid < 3000; pid++)
		flight__fork(flight, pid, TRAIL_CGROUP);
	live(flight);
	for (uint64_t i = 0; i < 20; i++)
		settle(flight, 30 * SECOND);
	refuse_no_more();
	assert_int_equal(flight__told(flight, "no memory to keep events"), 1);
	settle(flight, 10 * SECOND);
	flight__cgroup(flight, 88, "bank");
	flight__kill(flight, 600, 88);
	settle(flight, 0);
	settle(flight, AFTER_MS);
	count = flight__incidents(flight, ids);
	assert_true(count >= 1);
	assert_non_null(strstr(ids[count - 1], "-leaker-600"));
	assert_int_equal(flight__told_by(flight, ids[count - 1]).kills, 1);
	settle(flight, 450 * SECOND);
	flight__close(flight);
	/* The newest one has forgotten all that. */
	assert_true(flight__replay(store__open_chunk(flight->folder->store, flight__newest(flight)),
				   READER_COMPLETE) > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, flight__setup, flight__teardown)
		TEST(test_no_recorder_without_memory),
		TEST(test_the_first_event_needs_memory),
		cmocka_unit_test(test_any_one_allocation_may_fail),
		TEST(test_no_memory_for_a_while),
	};

	return cmocka_run_group_tests_name("recorder_memory", tests, NULL, NULL);
}
