/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "report/wording.h"

#define ASSERT_SAYS(expected, say, ...)                       \
	do {                                                  \
		_cleanup_(text__free) struct text out_ = {0}; \
		wording__##say(&out_, __VA_ARGS__);           \
		assert_true(text__ok(&out_));                 \
		assert_string_equal(out_.data, expected);     \
	} while (0)

static void test_unknown_zero_and_no_limit_are_three_things(void **state)
{
	(void)state;
	ASSERT_SAYS("unknown", bytes, EVENT_UNKNOWN);
	ASSERT_SAYS("0", bytes, 0);
	ASSERT_SAYS("no limit", limit, EVENT_NO_LIMIT);
	ASSERT_SAYS("unknown", limit, EVENT_UNKNOWN);
	ASSERT_SAYS("unknown", delta, EVENT_UNKNOWN);
	ASSERT_SAYS("at an unknown time", utc, EVENT_UNKNOWN);
}

static void test_percent(void **state)
{
	(void)state;
	ASSERT_SAYS("97%", percent, 97, 100, 0);
	ASSERT_SAYS("1%", percent, 5, 1000, 0);
	ASSERT_SAYS("0%", percent, 49, 10000, 0);
	ASSERT_SAYS("0.08%", percent, 8, 10000, 2);
	ASSERT_SAYS("12.5%", percent, 1, 8, 1);
	ASSERT_SAYS("100%", percent, UINT64_MAX, UINT64_MAX, 0);
	ASSERT_SAYS("unknown", percent, 1, 0, 0);
}

static void test_rate(void **state)
{
	(void)state;
	ASSERT_SAYS("18 MiB/s", rate, 1584LL << 20, 88 * NS_PER_S);
	ASSERT_SAYS("8.00 EiB/s", rate, INT64_MAX, 1);
	ASSERT_SAYS("unknown rate", rate, 1, 0);
}

static void test_exit_status(void **state)
{
	(void)state;
	ASSERT_SAYS("exit status 0", exit_status, 0);
	ASSERT_SAYS("exit status 3", exit_status, 3 << 8);
	ASSERT_SAYS("killed by SIGKILL", exit_status, SIGKILL);
	ASSERT_SAYS("killed by SIGSEGV", exit_status, SIGSEGV | 0x80);
	ASSERT_SAYS("killed by signal 127", exit_status, 127);
}

static void test_memory(void **state)
{
	struct memory memory = {2 << 20, 0, 4096, 0, EVENT_UNKNOWN, 0};

	(void)state;
	ASSERT_SAYS("2.0 MiB anon, 4.0 KiB shmem", memory, &memory);
	memset(&memory, 0xff, sizeof(memory));
	ASSERT_SAYS("unknown", memory, &memory);
	memory.anon_bytes = 0;
	ASSERT_SAYS("0", memory, &memory);
}

static void test_names_are_escaped(void **state)
{
	static const char full[EVENT_COMM_BYTES] = "\x1b[31m0123456789a";
	static const char empty[EVENT_COMM_BYTES];

	(void)state;
	ASSERT_SAYS("\\x1b[31m0123456789a, pid 7", task, full, 7);
	ASSERT_SAYS("(name unknown), pid 7", task, empty, 7);
}

static void test_command_lines(void **state)
{
	(void)state;
	ASSERT_SAYS("a b", argv, "a\0b", 4, 0, 0);
	ASSERT_SAYS("a b (recorded up to here)", argv, "a\0b", 4, ARGV_CUT, 0);
	ASSERT_SAYS("(command line unknown)", argv, NULL, 0, 0, 0);
	ASSERT_SAYS("(no command line)", argv, "", 0, 0, 0);
	ASSERT_SAYS("(command line could not be read)", argv, NULL, 0, ARGV_UNREADABLE, 0);
}

static void test_paragraphs_break_at_blanks(void **state)
{
	_cleanup_(text__free) struct text body = {0};
	_cleanup_(text__free) struct text out = {0};

	(void)state;
	for (int i = 0; i < 30; i++)
		text__string(&body, i ? " word5" : "word5");
	wording__paragraph(&out, "LABEL", 9, &body);
	assert_int_equal(strncmp(out.data, "LABEL    word5 word5 ", 21), 0);
	for (const char *line = out.data; *line; line = strchr(line, '\n') + 1) {
		const size_t length = (size_t)(strchr(line, '\n') - line);

		assert_true(length <= REPORT_COLUMNS);
		assert_true(line[length - 1] != ' ');
		assert_true(line == out.data || strncmp(line, "         word5", 14) == 0);
	}
}

static void test_a_figure_keeps_its_unit(void **state)
{
	_cleanup_(text__free) struct text body = {0};
	_cleanup_(text__free) struct text out = {0};

	(void)state;
	text__pad(&body, 'x', 90);
	text__string(&body, " -3.0 MiB, x1 y");
	wording__paragraph(&out, "L", 4, &body);
	assert_string_equal(strchr(out.data, '\n'), "\n    -3.0 MiB, x1 y\n");
}

static void test_a_word_longer_than_the_line_stays_whole(void **state)
{
	_cleanup_(text__free) struct text body = {0};
	_cleanup_(text__free) struct text out = {0};

	(void)state;
	text__string(&body, "a ");
	text__pad(&body, '/', 150);
	text__string(&body, " b");
	wording__paragraph(&out, "L", 4, &body);
	assert_int_equal(out.length, strlen("L   a\n") + 4 + 150 + 1 + strlen("    b\n"));
}

static void test_an_empty_paragraph(void **state)
{
	_cleanup_(text__free) struct text out = {0};
	const struct text body = {0};

	(void)state;
	wording__paragraph(&out, "L", 4, &body);
	assert_string_equal(out.data, "L   \n");
}

static void test_a_long_name_leaves_the_columns_in_place(void **state)
{
	_cleanup_(text__free) struct text out = {0}, name = {0}, short_name = {0};

	(void)state;
	text__string(&short_name, "cc1");
	text__string(&name, "abcdefgh");
	text__string(&out, "NAMES\n  ");
	wording__cell_left(&out, &short_name, 8);
	text__string(&out, "|1\n  ");
	wording__cell_left(&out, &name, 8);
	text__string(&out, "|2\n");
	assert_string_equal(out.data, "NAMES\n  cc1     |1\n  abcdefgh\n          |2\n");
}

static void test_means(void **state)
{
	static const struct {
		uint64_t sum, count;
		const char *ns, *per_second;
	} rows[] = {
		{0, 5, "0 ns", "0"},
		{713000, 10000, "71.3 ns", "10,000"},
		{999, 10, "99.9 ns", "10"},
		{99996, 1000, "100 ns", "1,000"}, /* 99.996 */
		{2689500, 1000, "2,690 ns", "1,000"},
		{1, 3, "0.3 ns", "3"},
		{UINT64_MAX, 1, "18,446,744,073,709,551,615 ns", "1"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		_cleanup_(text__free) struct text ns = {0}, rate = {0};

		wording__ns(&ns, rows[i].sum, rows[i].count);
		assert_string_equal(ns.data, rows[i].ns);
		wording__per_second(&rate, i ? rows[i].count : 0, NS_PER_S);
		assert_string_equal(rate.data, rows[i].per_second);
	}
}

static void test_rates_below_ten_have_a_decimal(void **state)
{
	_cleanup_(text__free) struct text out = {0};

	(void)state;
	wording__per_second(&out, 3, 2 * NS_PER_S);
	text__string(&out, " ");
	wording__per_second(&out, 199, 20 * NS_PER_S);
	text__string(&out, " ");
	wording__per_second(&out, 299, 20 * NS_PER_S);
	assert_string_equal(out.data, "1.5 10 15");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unknown_zero_and_no_limit_are_three_things),
		cmocka_unit_test(test_percent),
		cmocka_unit_test(test_rate),
		cmocka_unit_test(test_means),
		cmocka_unit_test(test_rates_below_ten_have_a_decimal),
		cmocka_unit_test(test_exit_status),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_names_are_escaped),
		cmocka_unit_test(test_command_lines),
		cmocka_unit_test(test_paragraphs_break_at_blanks),
		cmocka_unit_test(test_a_figure_keeps_its_unit),
		cmocka_unit_test(test_a_word_longer_than_the_line_stays_whole),
		cmocka_unit_test(test_an_empty_paragraph),
		cmocka_unit_test(test_a_long_name_leaves_the_columns_in_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
