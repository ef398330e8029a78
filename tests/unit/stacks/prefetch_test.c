/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/units.h"
#include "stacks/prefetch.h"

/*
 * How long it reads, and how often: the clock and the files are ours here, and take the place of
 * those of libc and of maps/objects.c.
 */

#define FILES    100
#define TURN_NS  (10 * NS_PER_MS) /* between two samples */
#define BEGIN_NS (1000 * NS_PER_S)

static uint64_t clock_ns; /* goes on when a file is read, and when the test says so */
static uint64_t file_ns;  /* that reading one takes */
static unsigned int files_read;

int clock_gettime(clockid_t clock, struct timespec *out)
{
	(void)clock;
	*out = (struct timespec){.tv_sec = (time_t)(clock_ns / NS_PER_S),
				 .tv_nsec = (long)(clock_ns % NS_PER_S)};
	return 0;
}

int objects__get(struct objects *objects, uint32_t pid, const struct mapping *mapping,
		 struct object **out, char *why, size_t why_size)
{
	(void)objects;
	(void)pid;
	assert_non_null(mapping->file);
	clock_ns += file_ns;
	files_read++;
	*out = NULL;
	snprintf(why, why_size, "it is slow, and not there in the end");
	return -ESRCH;
}

void objects__put(struct objects *objects, struct object *object)
{
	(void)objects;
	(void)object;
	fail();
}

struct world {
	char folder[64];
	struct prefetch *prefetch;
};

static void write_maps(const struct world *world, uint32_t pid, unsigned int files)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%u", world->folder, pid);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/%u/maps", world->folder, pid);
	file = fopen(path, "w");
	assert_non_null(file);
	for (unsigned int i = 0; i < files; i++)
		fprintf(file, "%x000-%x000 r-xp 00000000 08:01 %u /srv/%u.so\n", 16 + i, 17 + i,
			100 + i, i);
	assert_int_equal(fclose(file), 0);
}

/* Process 7 maps many files, 8 and 9 one each. */
static int make_world(void **state)
{
	static struct world world;

	world = (struct world){.folder = "/tmp/prefetch_test.XXXXXX"};
	assert_non_null(mkdtemp(world.folder));
	write_maps(&world, 7, FILES);
	write_maps(&world, 8, 1);
	write_maps(&world, 9, 1);
	clock_ns = BEGIN_NS;
	files_read = 0;
	*state = &world;
	return prefetch__new(&world.prefetch, NULL, world.folder);
}

static int remove_world(void **state)
{
	struct world *world = *state;
	char command[128];

	prefetch__free(world->prefetch);
	snprintf(command, sizeof(command), "rm -rf '%s'", world->folder);
	return system(command);
}

/* A sample of it is taken; how many files have been read for that. */
static unsigned int sample(struct world *world, uint32_t pid)
{
	const unsigned int before = files_read;

	prefetch__process(world->prefetch, pid, 1, clock_ns);
	return files_read - before;
}

static void test_one_look_takes_a_fifth_of_a_second(void **state)
{
	file_ns = 30 * NS_PER_MS;
	assert_int_equal(sample(*state, 7), 7);
	assert_int_equal(clock_ns - BEGIN_NS, 210 * NS_PER_MS);
}

/* Where files are read fast, all of them are, each time. */
static void test_who_is_fast_is_looked_at_after_pauses_that_grow(void **state)
{
	static const unsigned int pauses_ms[] = {50,   100,  200,   400,   800,  1600,
						 3200, 6400, 10000, 10000, 10000};
	const size_t count = sizeof(pauses_ms) / sizeof(*pauses_ms);

	file_ns = 0;
	assert_int_equal(sample(*state, 7), FILES);
	for (size_t i = 0; i < count; i++) {
		uint64_t looked_ns = clock_ns;

		do
			clock_ns += TURN_NS;
		while (!sample(*state, 7));
		assert_int_equal(clock_ns - looked_ns, pauses_ms[i] * NS_PER_MS);
	}
	assert_int_equal(files_read, FILES * (count + 1));
}

static void test_who_is_slow_is_looked_at_less_often(void **state)
{
	uint64_t looked_ns;

	file_ns = 100 * NS_PER_MS;
	assert_int_equal(sample(*state, 8), 1);
	looked_ns = clock_ns;
	do
		clock_ns += TURN_NS;
	while (!sample(*state, 8));
	assert_int_equal(clock_ns - looked_ns, 50 * file_ns + file_ns);
}

/* What is being waited for takes as long at least: the rest of the work comes first. */
static void test_after_a_slow_one_nobody_is_looked_at_for_as_long(void **state)
{
	file_ns = 100 * NS_PER_MS;
	assert_int_equal(sample(*state, 8), 1);
	file_ns = 0;
	assert_int_equal(sample(*state, 9), 0);
	clock_ns += 99 * NS_PER_MS;
	assert_int_equal(sample(*state, 9), 0);
	clock_ns += NS_PER_MS;
	assert_int_equal(sample(*state, 9), 1);
	/* A fast one costs the others nothing. */
	file_ns = 1;
	clock_ns += 50 * NS_PER_MS;
	assert_int_equal(sample(*state, 9), 1);
	assert_int_equal(sample(*state, 7), FILES);
}

/* However many there are, and however often they are sampled: half of the time is left. */
static void test_slow_ones_take_half_of_the_time_at_most(void **state)
{
	uint64_t read_ns = 0;

	file_ns = 1 * NS_PER_S;
	for (uint32_t pid = 20; pid < 100; pid++)
		write_maps(*state, pid, 1);
	while (clock_ns < BEGIN_NS + 300 * NS_PER_S) {
		const uint64_t begin_ns = clock_ns;

		for (uint32_t pid = 20; pid < 100; pid++)
			sample(*state, pid);
		read_ns += clock_ns - begin_ns;
		clock_ns += TURN_NS;
	}
	assert_in_range(read_ns / NS_PER_S, 100, 150);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_world, remove_world)
	const struct CMUnitTest tests[] = {
		TEST(test_one_look_takes_a_fifth_of_a_second),
		TEST(test_who_is_fast_is_looked_at_after_pauses_that_grow),
		TEST(test_who_is_slow_is_looked_at_less_often),
		TEST(test_after_a_slow_one_nobody_is_looked_at_for_as_long),
		TEST(test_slow_ones_take_half_of_the_time_at_most),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
