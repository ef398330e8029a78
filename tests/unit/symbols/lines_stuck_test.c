/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "symbols/lines.h"
#include "symbols/lines_child.h"

/*
 * A child that does not end when nobody wants its answers any more, as one that waits for a file
 * system: this test's child takes the place of symbols/lines_child.c, and its clock that of libc's
 * nanosleep(2), which lines.c waits with.
 */

#define NS_PER_S     1000000000ULL
#define STUCK        4
#define BUDGET_NS    (3600 * NS_PER_S)
#define CHILDREN_MAX 16

struct children {
	pid_t pids[CHILDREN_MAX];
	size_t count;
};

static struct children *children; /* shared with them */
static uint64_t slept_ns;

int nanosleep(const struct timespec *wanted, struct timespec *left)
{
	(void)left;
	slept_ns += (uint64_t)wanted->tv_sec * NS_PER_S + (uint64_t)wanted->tv_nsec;
	return 0;
}

void lines_child__run(int out_fd, int fd, const uint64_t *vaddrs, size_t count, pid_t parent,
		      uint64_t budget_ns)
{
	size_t place;

	(void)out_fd;
	(void)fd;
	(void)vaddrs;
	(void)count;
	(void)parent;
	(void)budget_ns;
	/* Whatever happens to the test. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	place = __atomic_load_n(&children->count, __ATOMIC_ACQUIRE);
	children->pids[place] = getpid();
	__atomic_store_n(&children->count, place + 1, __ATOMIC_RELEASE);
	for (;;)
		pause();
}

static struct lines_search *start(uint64_t budget_ns)
{
	static struct source_line line;
	static const uint64_t vaddr = 0x1000;
	const size_t before = children->count;
	struct lines_search *search = NULL;

	assert_int_equal(lines__start(&search, &line, &vaddr, 1, STDIN_FILENO, budget_ns), 0);
	while (__atomic_load_n(&children->count, __ATOMIC_ACQUIRE) == before)
		(void)poll(NULL, 0, 1);
	slept_ns = 0;
	return search;
}

static int try_to_start(void)
{
	struct lines_search *search = NULL;
	struct source_line line;
	const uint64_t vaddr = 0x1000;

	return lines__start(&search, &line, &vaddr, 1, STDIN_FILENO, BUDGET_NS);
}

static bool is_there(size_t child)
{
	return !kill(children->pids[child], 0);
}

/* Until somebody can reap it. */
static void end(size_t child)
{
	siginfo_t unused;

	assert_int_equal(kill(children->pids[child], SIGKILL), 0);
	assert_int_equal(waitid(P_PID, (id_t)children->pids[child], &unused, WEXITED | WNOWAIT), 0);
}

static void assert_waited_for_two_seconds(void)
{
	assert_int_equal(slept_ns, 2 * NS_PER_S);
}

static void test_a_child_that_hangs_is_left_after_two_seconds(void **state)
{
	struct lines_search *search;

	(void)state;
	lines__stop(start(BUDGET_NS));
	assert_waited_for_two_seconds();
	assert_true(is_there(0));
	/* Nor when its time is over. */
	search = start(0);
	assert_int_equal(lines__look(search), -ETIME);
	assert_waited_for_two_seconds();
	assert_int_equal(lines__fd(search), -1);
	/* Once. */
	lines__stop(search);
	assert_waited_for_two_seconds();
	assert_true(is_there(1));
}

/* After the two of the test before. */
static void test_there_are_four_of_them_at_most(void **state)
{
	(void)state;
	while (children->count < STUCK)
		lines__stop(start(BUDGET_NS));
	assert_int_equal(try_to_start(), -EBUSY);
	assert_int_equal(try_to_start(), -EBUSY);
	/* The file system of one has answered: one more. */
	end(2);
	lines__stop(start(BUDGET_NS));
	assert_int_equal(kill(children->pids[2], 0), -1);
	assert_int_equal(errno, ESRCH);
	assert_int_equal(try_to_start(), -EBUSY);
	assert_int_equal(children->count, STUCK + 1);
}

static void test_those_that_have_ended_are_reaped(void **state)
{
	struct lines_search *search;

	(void)state;
	for (size_t i = 0; i < children->count; i++) {
		if (i != 2)
			end(i);
	}
	search = start(BUDGET_NS);
	end(children->count - 1);
	lines__stop(search);
	/* It was reaped at once, as were the others when it was started. */
	assert_int_equal(slept_ns, 0);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_child_that_hangs_is_left_after_two_seconds),
		cmocka_unit_test(test_there_are_four_of_them_at_most),
		cmocka_unit_test(test_those_that_have_ended_are_reaped),
	};

	children = mmap(NULL, sizeof(*children), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			-1, 0);
	if (children == MAP_FAILED)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
