/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/units.h"
#include "stacks/patience.h"

#define PID      300
#define START_NS 7
#define BEGIN_NS (1000 * NS_PER_S)

static struct patience_time time_now;

static struct patience_time told_clock(void)
{
	return time_now;
}

static void work(uint64_t ns)
{
	time_now.cpu_ns += ns;
	time_now.wall_ns += ns;
}

static void wait(uint64_t ns)
{
	time_now.wall_ns += ns;
}

static struct patience new_patience(void)
{
	time_now = (struct patience_time){.cpu_ns = 5, .wall_ns = BEGIN_NS};
	return (struct patience){.clock = told_clock};
}

/* One sample of a process, and files that take so long. */
static void work_on(struct patience *patience, uint32_t pid, uint64_t start_ns, uint64_t took_ns)
{
	patience__begin(patience, pid, start_ns);
	work(took_ns);
	patience__end(patience, pid, start_ns);
}

static bool is_served(struct patience *patience, uint32_t pid, uint64_t start_ns)
{
	bool served;

	patience__begin(patience, pid, start_ns);
	served = patience__allows(patience);
	patience__end(patience, pid, start_ns);
	return served;
}

static void test_a_sample_has_so_much_time(void **state)
{
	struct patience patience = new_patience();

	(void)state;
	/* Outside of all samples nobody is kept waiting. */
	assert_true(patience__allows(&patience));
	patience__begin(&patience, PID, START_NS);
	assert_true(patience__allows(&patience));
	work(PATIENCE_CPU_NS - 1);
	assert_true(patience__allows(&patience));
	assert_false(patience.refused);
	work(1);
	assert_false(patience__allows(&patience));
	assert_false(patience__allows(&patience));
	patience__end(&patience, PID, START_NS);
	assert_int_equal(patience.samples, 1);
	assert_true(patience__allows(&patience));
}

/* A disk that is slow, or too little CPU: ten times as much is nothing yet. */
static void test_who_only_waited_has_more(void **state)
{
	struct patience patience = new_patience();

	(void)state;
	patience__begin(&patience, PID, START_NS);
	wait(PATIENCE_WALL_NS - 1);
	assert_true(patience__allows(&patience));
	wait(1);
	assert_false(patience__allows(&patience));
	patience__end(&patience, PID, START_NS);
	assert_false(is_served(&patience, PID, START_NS));
	wait(PATIENCE_REST * PATIENCE_WALL_NS - 1);
	assert_false(is_served(&patience, PID, START_NS));
	wait(1);
	assert_true(is_served(&patience, PID, START_NS));
}

static void test_who_was_slow_waits(void **state)
{
	struct patience patience = new_patience();
	uint64_t took_ns = PATIENCE_CPU_NS + 500 * NS_PER_MS;

	(void)state;
	work_on(&patience, PID, START_NS, took_ns);
	assert_false(is_served(&patience, PID, START_NS));
	wait(PATIENCE_REST * took_ns - 1);
	assert_false(is_served(&patience, PID, START_NS));
	wait(1);
	assert_true(is_served(&patience, PID, START_NS));
}

static void test_who_was_not_slow_does_not_wait(void **state)
{
	struct patience patience = new_patience();

	(void)state;
	for (int i = 0; i < 100; i++) {
		assert_true(is_served(&patience, PID, START_NS));
		work_on(&patience, PID, START_NS, PATIENCE_CPU_NS - 1);
	}
	assert_int_equal(patience.samples, 0);
}

static void test_others_do_not_wait(void **state)
{
	struct patience patience = new_patience();

	(void)state;
	work_on(&patience, PID, START_NS, PATIENCE_CPU_NS);
	assert_false(is_served(&patience, PID, START_NS));
	/* Of the same place in the table; and who has the pid next. */
	assert_true(is_served(&patience, PID + PATIENCE_PROCESSES, START_NS));
	assert_true(is_served(&patience, PID + 1, START_NS));
	assert_true(is_served(&patience, PID, START_NS + 1));
	/* The later one has the place. */
	work_on(&patience, PID + PATIENCE_PROCESSES, START_NS, PATIENCE_CPU_NS);
	assert_true(is_served(&patience, PID, START_NS));
	assert_false(is_served(&patience, PID + PATIENCE_PROCESSES, START_NS));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_sample_has_so_much_time),
		cmocka_unit_test(test_who_only_waited_has_more),
		cmocka_unit_test(test_who_was_slow_waits),
		cmocka_unit_test(test_who_was_not_slow_does_not_wait),
		cmocka_unit_test(test_others_do_not_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
