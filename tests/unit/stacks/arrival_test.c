/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sys/mman.h>
#include <unistd.h>

#include "base/units.h"
#include "stacks/arrival.h"
#include "stacks/queue.h"

#define STRETCH_BYTES (64 * KIB)

static char *map(int flags)
{
	char *memory =
		mmap(NULL, 2 * STRETCH_BYTES, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | flags, -1, 0);

	assert_ptr_not_equal(memory, MAP_FAILED);
	return (char *)(((uintptr_t)memory + STRETCH_BYTES - 1) & -(uintptr_t)STRETCH_BYTES);
}

static struct stack_sample early(const void *address, uint32_t flags)
{
	return (struct stack_sample){
		.header = {.size_bytes = sizeof(struct stack_sample),
			   .kind = STACK_SAMPLE_TAKEN,
			   .id = 7},
		.task = {.pid = (uint32_t)getpid()},
		.address = (uintptr_t)address,
		.flags = STACK_SAMPLE_EARLY | flags,
	};
}

static enum arrival arrival_of(struct stack_sample *sample)
{
	return arrival__of(sample, "/proc", sysconf(_SC_PAGESIZE));
}

/* Of which nobody has told. */
static void test_pages_that_are_looked_at(void **state)
{
	char *memory = map(MAP_PRIVATE), *shared = map(MAP_SHARED);
	const long page_bytes = sysconf(_SC_PAGESIZE);
	struct stack_sample sample = early(memory, 0);

	(void)state;
	assert_int_equal(arrival_of(&sample), ARRIVAL_NONE);
	*memory = 1;
	assert_int_equal(arrival_of(&sample), ARRIVAL_CAME);
	assert_int_equal(sample.pages[GROWTH_ANON], 1);
	sample = early(shared, STACK_SAMPLE_READ);
	shared[0] = shared[page_bytes] = 1;
	assert_int_equal(arrival_of(&sample), ARRIVAL_CAME);
	assert_int_equal(sample.pages[GROWTH_ANON], 0);
	assert_in_range(sample.pages[GROWTH_FILE], page_bytes < (long)STRETCH_BYTES ? 2 : 1, 16);
	/* What is there may have been there before. */
	sample = early(memory, STACK_SAMPLE_THERE);
	assert_int_equal(arrival_of(&sample), ARRIVAL_NONE);
	sample = early(memory, 0);
	sample.task.pid = 0;
	assert_int_equal(arrival_of(&sample), ARRIVAL_NOT_KNOWN);
	assert_int_equal(sample.pages[GROWTH_ANON], 1);
}

/* Where its page fault was seen to end: pagemap tells whose pages those around are. */
static void test_pages_that_were_seen_to_come(void **state)
{
	const long page_bytes = sysconf(_SC_PAGESIZE);
	char *shared = map(MAP_SHARED);
	struct stack_sample sample = early(shared, STACK_SAMPLE_READ);

	(void)state;
	for (long at = 0; at < (long)STRETCH_BYTES; at += page_bytes)
		shared[at] = 1;
	sample.pages[GROWTH_FILE] = 3;
	assert_int_equal(arrival_of(&sample), ARRIVAL_CAME);
	assert_int_equal(sample.pages[GROWTH_FILE], page_bytes < (long)STRETCH_BYTES ? 3 : 1);
	/* Some of what was there is of no file. */
	assert_int_equal(madvise(shared + page_bytes, STRETCH_BYTES - page_bytes, MADV_DONTNEED),
			 0);
	sample.pages[GROWTH_FILE] = 3;
	assert_int_equal(arrival_of(&sample), ARRIVAL_CAME);
	assert_int_equal(sample.pages[GROWTH_FILE], 1);
	/* It has gone. */
	assert_int_equal(munmap(shared, STRETCH_BYTES), 0);
	sample.pages[GROWTH_FILE] = 3;
	assert_int_equal(arrival_of(&sample), ARRIVAL_CAME);
	assert_int_equal(sample.pages[GROWTH_FILE], 3);
	sample.pages[GROWTH_FILE] = 3;
	sample.task.pid = 0;
	assert_int_equal(arrival_of(&sample), ARRIVAL_CAME);
	assert_int_equal(sample.pages[GROWTH_FILE], 3);
}

/* Takes an early sample, and what is told of it later; what has come of it. */
static enum arrival told_of(const void *address, uint32_t flags, const __s32 pages[4],
			    struct stack_sample *out)
{
	const struct stack_sample sample = early(address, flags);
	struct stack_sample_more more = {
		.header = {.size_bytes = sizeof(more), .kind = STACK_SAMPLE_MORE, .id = 7}};
	struct queue queue = {.max_bytes = MIB};
	struct waiting *waiting;

	memcpy(more.pages, pages, sizeof(more.pages));
	assert_int_equal(queue__take(&queue, &sample, sizeof(sample)), QUEUE_TAKEN);
	assert_int_equal(queue__take(&queue, &more, sizeof(more)), QUEUE_TAKEN);
	assert_ptr_equal(queue.taken, queue.first);
	waiting = queue__pop(&queue);
	assert_null(queue.taken);
	*out = waiting->sample;
	free(waiting);
	return arrival_of(out);
}

/* Then nobody looks, wherever the page is by now. */
static void test_pages_that_are_told(void **state)
{
	const __s32 anon[4] = {[GROWTH_ANON] = 1}, nothing[4] = {0};
	const __s32 back[4] = {[GROWTH_ANON] = 1, [GROWTH_SWAP] = -1};
	const __s32 copied[4] = {[GROWTH_ANON] = 1, [GROWTH_FILE] = -1};
	const __s32 around[4] = {[GROWTH_FILE] = 5};
	char *memory = map(MAP_PRIVATE);
	struct stack_sample sample;

	(void)state;
	/* It has moved. */
	assert_int_equal(told_of(memory, 0, anon, &sample), ARRIVAL_CAME);
	assert_int_equal(sample.pages[GROWTH_ANON], 1);
	assert_int_equal(told_of(memory, STACK_SAMPLE_THERE, copied, &sample), ARRIVAL_CAME);
	assert_int_equal(sample.pages[GROWTH_FILE], -1);
	assert_int_equal(told_of(memory, 0, back, &sample), ARRIVAL_CAME);
	assert_int_equal(sample.pages[GROWTH_SWAP], -1);
	/* It was there before. */
	memset(memory, 1, STRETCH_BYTES);
	assert_int_equal(told_of(memory, 0, nothing, &sample), ARRIVAL_NONE);
	assert_int_equal(told_of(memory, STACK_SAMPLE_THERE, nothing, &sample), ARRIVAL_NONE);
	/* Not all of those around. */
	assert_int_equal(told_of(memory, STACK_SAMPLE_READ, around, &sample), ARRIVAL_CAME);
	assert_int_equal(sample.pages[GROWTH_FILE], 5);
	assert_int_equal(sample.pages[GROWTH_ANON], 0);
}

static void test_what_goes_was_replaced(void **state)
{
	/* anon, file, shmem: as counted, and as told. */
	static const struct {
		__s32 counted[3], told[3];
	} cases[] = {
		{{1, 0, 0}, {1, 0, 0}},
		{{1, -1, 0}, {1, -1, 0}},
		{{1, -2, 0}, {1, -1, 0}},
		{{0, -16, 0}, {0, 0, 0}},
		{{0, 16, -1}, {0, 16, 0}},
		{{1, 0, -3}, {1, 0, -1}},
		{{1, -1, -1}, {1, -1, 0}},
		{{512, -512, 0}, {512, -512, 0}},
		{{-1, 16, 0}, {0, 16, 0}},
		{{-3, -3, -3}, {0, 0, 0}},
		{{3, -1, -5}, {3, -1, -2}},
		{{INT32_MAX, INT32_MIN, 0}, {INT32_MAX, -INT32_MAX, 0}},
		{{INT32_MIN, 0, 7}, {0, 0, 7}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct stack_sample sample = {0};

		sample.pages[GROWTH_ANON] = cases[i].counted[0];
		sample.pages[GROWTH_FILE] = cases[i].counted[1];
		sample.pages[GROWTH_SHMEM] = cases[i].counted[2];
		sample.pages[GROWTH_SWAP] = -4;
		arrival__take_no_more_than_came(&sample);
		assert_int_equal(sample.pages[GROWTH_ANON], cases[i].told[0]);
		assert_int_equal(sample.pages[GROWTH_FILE], cases[i].told[1]);
		assert_int_equal(sample.pages[GROWTH_SHMEM], cases[i].told[2]);
		assert_int_equal(sample.pages[GROWTH_SWAP], -4);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pages_that_are_looked_at),
		cmocka_unit_test(test_pages_that_were_seen_to_come),
		cmocka_unit_test(test_pages_that_are_told),
		cmocka_unit_test(test_what_goes_was_replaced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
