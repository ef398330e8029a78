/* SPDX-License-Identifier: GPL-2.0-only */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/locked_memory.h"
#include "base/units.h"

#define RESERVE (8 * MIB)
#define BLOCK   1500
#define BLOCKS  (5 * MIB / BLOCK)

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define OTHER_MALLOC 1 /* the sanitizer's, which takes what it likes, and mlockall() is none */
#else
#define OTHER_MALLOC 0
#endif

/* Each test in a process of its own: what a reserve does cannot be undone. */
static void in_child(void (*body)(void))
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid) {
		body();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

#define CHECK(condition)                                                                \
	do {                                                                            \
		if (!(condition)) {                                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
			_exit(1);                                                       \
		}                                                                       \
	} while (0)

static uint64_t locked_kib(void)
{
	FILE *file = fopen("/proc/self/status", "re");
	unsigned long long kib = 0;
	char line[256];

	CHECK(file);
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "VmLck: %llu kB", &kib) == 1)
			break;
	fclose(file);
	return kib;
}

/* 5 MiB in small blocks, a third of them given back meanwhile. Returns what is held. */
static void *use_heap(void *blocks)
{
	char **held = blocks;

	for (size_t i = 0; i < BLOCKS; i++) {
		held[i] = malloc(BLOCK);
		CHECK(held[i]);
		memset(held[i], 1, BLOCK);
		if (i % 3 == 2) {
			free(held[i - 1]);
			held[i - 1] = NULL;
		}
	}
	return NULL;
}

static char *held[BLOCKS];

static void check_nothing_taken(void)
{
	struct memory_use before = locked_memory__use(), after;

	use_heap(held);
	after = locked_memory__use();
	CHECK(after.heap_from_kernel_bytes == before.heap_from_kernel_bytes);
	CHECK(after.minor_faults == before.minor_faults);
	CHECK(after.major_faults == before.major_faults);
	for (size_t i = 0; i < BLOCKS; i++)
		free(held[i]);
	/* Given back to the heap, not to the kernel. */
	CHECK(locked_memory__use().heap_from_kernel_bytes == before.heap_from_kernel_bytes);
}

static __attribute__((noinline)) void use_stack(void)
{
	char stack[100 * KIB];

	memset(stack, 1, sizeof(stack));
	__asm__ volatile("" : : "r"(stack) : "memory");
}

static void check_stack_is_there(void)
{
	uint64_t before = locked_memory__use().minor_faults;

	use_stack();
	CHECK(locked_memory__use().minor_faults == before);
}

static void *check_in_thread(void *unused)
{
	(void)unused;
	locked_memory__touch_stack();
	check_stack_is_there();
	/* A thread's stack and its first malloc() are its own affair. */
	free(malloc(1));
	locked_memory__use();
	check_nothing_taken();
	return NULL;
}

static void reserve_and_use(void)
{
	uint64_t heap = locked_memory__use().heap_from_kernel_bytes;
	bool locked = geteuid() != 0;
	pthread_t thread;

	memset(held, 0, sizeof(held));
	CHECK(!locked_memory__reserve(RESERVE, &locked));
	CHECK(locked_memory__use().heap_from_kernel_bytes >= heap + RESERVE - 256 * KIB);
	if (geteuid() == 0) {
		CHECK(locked);
		CHECK(locked_kib() >= RESERVE / KIB);
	}
	check_nothing_taken();
	CHECK(!pthread_create(&thread, NULL, check_in_thread, NULL));
	CHECK(!pthread_join(thread, NULL));
	check_nothing_taken();
}

static void stacks_to_come_cost_what_they_use(void)
{
	pthread_t thread;
	bool locked;

	CHECK(!locked_memory__reserve(RESERVE, &locked));
	if (locked) {
		struct memory_use before = locked_memory__use();

		CHECK(!pthread_create(&thread, NULL, use_heap, held));
		CHECK(!pthread_join(thread, NULL));
		/* A default stack has 2048 pages. */
		CHECK(locked_memory__use().minor_faults - before.minor_faults < 100);
	}
}

static void become_nobody(uint64_t may_lock_bytes)
{
	struct rlimit limit = {.rlim_cur = may_lock_bytes, .rlim_max = may_lock_bytes};

	CHECK(!setrlimit(RLIMIT_MEMLOCK, &limit));
	CHECK(geteuid() || !setresuid(65534, 65534, 65534));
}

static void without_the_right_to_lock(void)
{
	bool locked = true;

	memset(held, 0, sizeof(held));
	become_nobody(0);
	CHECK(!locked_memory__reserve(RESERVE, &locked));
	CHECK(!locked);
	CHECK(locked_kib() == 0);
	/* What has been touched is there all the same, as long as nobody reclaims it. */
	check_nothing_taken();
	check_stack_is_there();
}

/* Enough for today: what is to come would not fit any day. */
static void with_a_small_right_to_lock(void)
{
	bool locked = true;

	become_nobody(8 * MIB);
	CHECK(!locked_memory__reserve(MIB, &locked));
	CHECK(!locked);
	CHECK(mmap(NULL, 64 * MIB, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
}

static void more_than_there_is(void)
{
	struct rlimit limit = {.rlim_cur = 256 * MIB, .rlim_max = 256 * MIB};
	bool locked = true;

	CHECK(!setrlimit(RLIMIT_AS, &limit));
	CHECK(locked_memory__reserve(GIB, &locked) == -12 /* ENOMEM */);
	CHECK(locked);
}

static void a_reserve_is_used_without_the_kernel(void **state)
{
	(void)state;
	if (OTHER_MALLOC)
		skip();
	in_child(reserve_and_use);
}

static void stacks_are_locked_as_they_are_touched(void **state)
{
	(void)state;
	if (OTHER_MALLOC)
		skip();
	in_child(stacks_to_come_cost_what_they_use);
}

static void works_unlocked_and_says_so(void **state)
{
	(void)state;
	if (OTHER_MALLOC)
		skip();
	in_child(without_the_right_to_lock);
	in_child(with_a_small_right_to_lock);
}

static void too_large_a_reserve_is_refused(void **state)
{
	(void)state;
	if (OTHER_MALLOC)
		skip();
	in_child(more_than_there_is);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_reserve_is_used_without_the_kernel),
		cmocka_unit_test(stacks_are_locked_as_they_are_touched),
		cmocka_unit_test(works_unlocked_and_says_so),
		cmocka_unit_test(too_large_a_reserve_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
