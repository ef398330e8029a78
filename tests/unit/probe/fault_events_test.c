/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "probe/fault_events.h"

static char path[] = "/tmp/oomtrail-online.XXXXXX";

static const char *online(const char *list)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(list, file);
	assert_int_equal(fclose(file), 0);
	return path;
}

/* Processors 0 and 1 have events; nothing is called through these links. */
static void begin(struct fault_events *events)
{
	memset(events, 0, sizeof(*events));
	events->links[0] = events->links[1] = (struct bpf_link *)events;
	events->attached = true;
}

static void test_none_missing(void **state)
{
	struct fault_events events;

	(void)state;
	begin(&events);
	assert_int_equal(fault_events__unwatched(&events, online("0-1\n")), 0);
}

static void test_one_that_comes_later(void **state)
{
	struct fault_events events;

	(void)state;
	begin(&events);
	assert_int_equal(fault_events__unwatched(&events, online("0-2\n")), 1);
	/* It was so, and stays said. */
	assert_int_equal(fault_events__unwatched(&events, online("0-1\n")), 1);
}

static void test_one_that_was_away(void **state)
{
	struct fault_events events;

	(void)state;
	begin(&events);
	assert_int_equal(fault_events__unwatched(&events, online("0\n")), 0);
	assert_int_equal(fault_events__unwatched(&events, online("0-1\n")), 1);
}

static void test_beyond_the_table(void **state)
{
	struct fault_events events;

	(void)state;
	begin(&events);
	assert_int_equal(fault_events__unwatched(&events, online("0-1,600\n")), 1);
}

static void test_tracepoints_are_of_all(void **state)
{
	struct fault_events events = {0};

	(void)state;
	assert_int_equal(fault_events__unwatched(&events, online("0-7\n")), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_none_missing),
		cmocka_unit_test(test_one_that_comes_later),
		cmocka_unit_test(test_one_that_was_away),
		cmocka_unit_test(test_beyond_the_table),
		cmocka_unit_test(test_tracepoints_are_of_all),
	};
	int fd = mkstemp(path), failed;

	if (fd < 0)
		return 1;
	close(fd);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	return failed;
}
