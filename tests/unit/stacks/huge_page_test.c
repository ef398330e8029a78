/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/units.h"
#include "stacks/huge_page.h"

/* A /proc of a kernel that knows no PAGEMAP_SCAN: of process 7, whose mapping has this much by huge
 * pages. */
static char proc[] = "/tmp/oomtrail-huge.XXXXXX";

static void write_file(const char *name, const char *text)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/7/%s", proc, name);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

static void has_kib(unsigned int kib)
{
	char text[256];

	snprintf(text, sizeof(text),
		 "10000000-20000000 rw-p 00000000 00:00 0 \nSize: 1 kB\nAnonHugePages: %u kB\n",
		 kib);
	write_file("smaps", text);
	write_file("pagemap", "");
}

static struct stack_sample sample_at(uint64_t time_ns)
{
	struct stack_sample sample = {.address = 0x10200000, .pages = {[1] = 512}};

	sample.header.time_ns = time_ns;
	sample.task.pid = 7;
	return sample;
}

static enum arrival look(uint64_t time_ns, struct huge_page_looks *looks)
{
	const struct stack_sample sample = sample_at(time_ns);

	return huge_page__look(&sample, proc, looks);
}

static void test_by_the_mapping(void **state)
{
	struct huge_page_looks looks = {0};

	(void)state;
	has_kib(2048);
	assert_int_equal(look(NS_PER_S, &looks), ARRIVAL_CAME);
	has_kib(0);
	assert_int_equal(look(NS_PER_S, &looks), ARRIVAL_NONE);
}

static void test_not_for_each_of_many(void **state)
{
	struct huge_page_looks looks = {0};

	(void)state;
	has_kib(0);
	for (int i = 0; i < HUGE_PAGE_LOOKS_MAX; i++)
		assert_int_equal(look(5 * NS_PER_S + (uint64_t)i, &looks), ARRIVAL_NONE);
	assert_int_equal(look(5 * NS_PER_S + 100, &looks), ARRIVAL_NOT_KNOWN);
	assert_int_equal(look(6 * NS_PER_S, &looks), ARRIVAL_NONE);
}

static void test_who_has_gone_is_believed(void **state)
{
	struct stack_sample sample = sample_at(NS_PER_S);
	struct huge_page_looks looks = {0};

	(void)state;
	sample.task.pid = 8;
	assert_int_equal(huge_page__look(&sample, proc, &looks), ARRIVAL_CAME);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_by_the_mapping),
		cmocka_unit_test(test_not_for_each_of_many),
		cmocka_unit_test(test_who_has_gone_is_believed),
	};
	char path[128];
	int failed;

	if (!mkdtemp(proc))
		return 1;
	snprintf(path, sizeof(path), "%s/7", proc);
	if (mkdir(path, 0700))
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	for (size_t i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/7/%s", proc, i ? "smaps" : "pagemap");
		unlink(path);
	}
	snprintf(path, sizeof(path), "%s/7", proc);
	rmdir(path);
	rmdir(proc);
	return failed;
}
