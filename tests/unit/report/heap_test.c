/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/unit/report/grown.h"

#include <errno.h>
#include <malloc.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "flight/recorder.h"
#include "report/report.h"

/* What is written within milliseconds of a kill is made from memory that the recorder has taken
 * before: little, whatever was sampled on the host. */

DEFINE_FREEP(model)

/* Of the 3 MiB that the recorder reserves beside its model (user/cmd/watching.c). */
#define HEAP_BYTES (2 * MIB)

static bool counts;
static int64_t most_bytes;

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define CAN_COUNT true

static int64_t used_bytes;

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
void __libc_free(void *memory);

static void *took(void *memory)
{
	if (counts && memory) {
		used_bytes += (int64_t)malloc_usable_size(memory);
		if (used_bytes > most_bytes)
			most_bytes = used_bytes;
	}
	return memory;
}

static void gave(void *memory)
{
	if (counts && memory)
		used_bytes -= (int64_t)malloc_usable_size(memory);
}

void *malloc(size_t size)
{
	return took(__libc_malloc(size));
}

void *calloc(size_t count, size_t size)
{
	return took(__libc_calloc(count, size));
}

/* While it is copied both are there. */
void *realloc(void *memory, size_t size)
{
	const int64_t old_bytes = counts && memory ? (int64_t)malloc_usable_size(memory) : 0;
	void *moved = took(__libc_realloc(memory, size));

	if (moved)
		used_bytes -= old_bytes;
	return moved;
}

void free(void *memory)
{
	gave(memory);
	__libc_free(memory);
}
#else
#define CAN_COUNT false
#endif

enum { STACKS = 100, FRAMES = 60, OTHERS = 200 };

/* The victim grew in so many stacks, and the host's others, all in all, in many more. */
static struct model *busy_host(void)
{
	struct model *model = story__begin(2, FOLLOW_ALL);
	const struct process_state victim = story__state(21, "server", GROWN_APP, MIB_(400));
	struct event_oom_kill kill;
	uint32_t frames[FRAMES];
	char name[64];

	story__cgroup(model, GROWN_APP, 0, "", MIB_(10), MIB_(400));
	story__process(model, 21, "server", GROWN_APP, MIB_(10));
	story__opened(model, 1);
	grown__module(model, 1, "/usr/lib/x86_64-linux-gnu/libserver-of-many-things.so.6");
	for (uint32_t id = 1; id <= STACKS + FRAMES; id++) {
		snprintf(name, sizeof(name), "server::part::function_%u(std::string const&)", id);
		grown__frame(model, id, 1, FRAME_NATIVE, 0x1000 * id, name);
	}
	for (uint32_t stack = 1; stack <= STACKS; stack++) {
		for (uint32_t i = 0; i < FRAMES; i++)
			frames[i] = stack + i;
		grown__stack(model, stack, STACK_END_COMPLETE, frames, FRAMES);
		grown__sample(model, 100, 21, stack, 4);
		for (uint32_t other = 0; other < OTHERS; other++)
			grown__sample(model, 100, 1000 + other, stack, 1);
	}
	story__rss(model, 1000, 21, GROWN_APP, MIB_(400));
	kill = story__oom(4500, victim, victim, 0, story__counters(MIB_(400), MIB_(400), 9));
	story__tell(model, &kill);
	return model;
}

static void test_an_incident_at_once_takes_little_heap(void **state)
{
	_cleanup_(model__freep) struct model *model = busy_host();
	_cleanup_(text__free) struct text json = {0}, whole = {0};
	char omitted[64];

	(void)state;
	assert_int_equal(model__growth_count(model), STACKS * (OTHERS + 1));
	counts = true;
	assert_int_equal(report__incident_json_at_once(model, 0, &json), 0);
	counts = false;
	/* A sanitizer allocates by itself. */
	if (CAN_COUNT) {
		print_message("heap %lld bytes\n", (long long)most_bytes);
		assert_true(most_bytes > (int64_t)json.length);
		assert_true(most_bytes < (int64_t)HEAP_BYTES);
	}
	assert_true(json.length < RECORDER_JSON_BYTES);
	/* What is left out is counted, and is there later. */
	snprintf(omitted, sizeof(omitted), "\"stacks_omitted\": %d,",
		 STACKS - REPORT_FRAMES / FRAMES);
	assert_non_null(strstr(json.data, omitted));
	assert_int_equal(report__incident_json(model, 0, &whole), 0);
	assert_non_null(strstr(whole.data, "\"stacks_omitted\": 0,"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_incident_at_once_takes_little_heap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
