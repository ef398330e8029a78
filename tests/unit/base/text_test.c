/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"

#define BYTES(literal) literal, sizeof(literal) - 1

static void assert_text(struct text *text, const char *expected)
{
	assert_true(text__ok(text));
	assert_string_equal(text->data ? text->data : "", expected);
	assert_int_equal(text->length, strlen(expected));
	text__free(text);
}

static void assert_escaped(const char *bytes, size_t length, const char *expected)
{
	struct text text = {0};

	text__escaped(&text, bytes, length);
	assert_text(&text, expected);
}

static void assert_argv(const char *argv, size_t bytes, size_t columns, const char *expected)
{
	struct text text = {0};

	text__argv(&text, argv, bytes, columns);
	assert_text(&text, expected);
}

static void test_building(void **state)
{
	struct text text = {0};

	(void)state;
	text__append(&text, "abc", 2);
	text__string(&text, "-");
	text__printf(&text, "%d %s", 42, "x");
	text__pad(&text, '.', 3);
	text__pad(&text, '.', 0);
	assert_text(&text, "ab-42 x...");
	text__free(&text);
	text__free(&text);
}

static void test_grows_beyond_any_first_size(void **state)
{
	struct text text = {0};

	(void)state;
	for (int i = 0; i < 10000; i++)
		text__printf(&text, "%d", i % 10);
	assert_true(text__ok(&text));
	assert_int_equal(text.length, 10000);
	assert_int_equal(text.data[9999], '9');
	text__free(&text);
}

static void test_failure_is_remembered(void **state)
{
	struct text text = {0};

	(void)state;
	text__string(&text, "before");
	text__pad(&text, ' ', SIZE_MAX - 3);
	assert_false(text__ok(&text));
	text__string(&text, "behind");
	assert_false(text__ok(&text));
	assert_string_equal(text.data, "before");
	text__free(&text);
	assert_true(text__ok(&text));
}

static void test_pad_to(void **state)
{
	struct text text = {0};
	size_t line;

	(void)state;
	text__pad_to(&text, 0, 2);
	text__string(&text, "first\n");
	line = text.length;
	text__string(&text, "\xc3\xa9");
	text__pad_to(&text, line, 4);
	text__string(&text, "|");
	text__pad_to(&text, line, 3);
	assert_text(&text, "  first\n\xc3\xa9   |");
}

static void test_escapes_controls_and_backslash(void **state)
{
	(void)state;
	assert_escaped(BYTES("plain text"), "plain text");
	assert_escaped(BYTES("a\nb\tc\\d"), "a\\nb\\tc\\\\d");
	assert_escaped(BYTES("\x1b[2J\r\x7f"), "\\x1b[2J\\x0d\\x7f");
	assert_escaped("a\0b", 3, "a\\x00b");
	assert_escaped("", 0, "");
}

static void test_passes_valid_utf8_only(void **state)
{
	(void)state;
	assert_escaped(BYTES("gr\xc3\xb6\xc3\x9f"
			     "er"),
		       "gr\xc3\xb6\xc3\x9f"
		       "er");
	assert_escaped(BYTES("\xf0\x9f\x94\xa5"), "\xf0\x9f\x94\xa5");
	assert_escaped(BYTES("\xff\xfe"), "\\xff\\xfe");
	assert_escaped(BYTES("\xc0\xaf"), "\\xc0\\xaf");                   /* overlong */
	assert_escaped(BYTES("\xe0\x80\xaf"), "\\xe0\\x80\\xaf");          /* overlong */
	assert_escaped(BYTES("\xed\xa0\x80"), "\\xed\\xa0\\x80");          /* surrogate */
	assert_escaped(BYTES("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80"); /* above the end */
	assert_escaped(BYTES("\xe2\x82"), "\\xe2\\x82");                   /* cut */
	assert_escaped(BYTES("\xe2\x82z"), "\\xe2\\x82z");
}

static void test_escapes_c1_and_bidirectional(void **state)
{
	(void)state;
	assert_escaped(BYTES("\xc2\x9b"
			     "2J"),
		       "\\xc2\\x9b2J");
	assert_escaped(BYTES("\xe2\x80\xae"
			     "x"),
		       "\\xe2\\x80\\xaex");
	assert_escaped(BYTES("\xe2\x81\xa6"), "\\xe2\\x81\\xa6");
	assert_escaped(BYTES("\xd8\x9c"), "\\xd8\\x9c");
}

static void test_array_ends_at_nul_or_size(void **state)
{
	struct text text = {0};
	const char full[4] = {'a', 'b', 'c', 'd'};

	(void)state;
	text__escaped_array(&text, full, sizeof(full));
	text__escaped_array(&text, "xy\0z", 4);
	assert_text(&text, "abcdxy");
}

static void test_argv_quotes(void **state)
{
	(void)state;
	assert_argv(BYTES("python3\0worker.py\0--queue\0"), 0, "python3 worker.py --queue");
	assert_argv(BYTES("sh\0-c\0echo it's \"x\""), 0, "sh -c 'echo it\\'s \"x\"'");
	assert_argv(BYTES("a\0\0b"), 0, "a '' b");
	assert_argv(BYTES("a\nb\0\x1b"), 0, "a\\nb \\x1b");
	assert_argv(BYTES("nginx: worker\0\0\0\0\0"), 0, "'nginx: worker'");
	assert_argv("", 0, 0, "");
	assert_argv(BYTES("\0\0"), 0, "");
}

static void test_argv_is_cut_between_characters(void **state)
{
	(void)state;
	assert_argv(BYTES("abcdefghij"), 10, "abcdefghij");
	assert_argv(BYTES("abcdefghijk"), 10, "abcdefg...");
	assert_argv(BYTES("abcd\0efgh\0ijkl"), 10, "abcd ef...");
	assert_argv(BYTES("abcde\x1b\x1b\x1b"), 10, "abcde...");
	assert_argv(BYTES("\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"), 4, "\xc3\xa9...");
	assert_argv(BYTES("abcdef"), 2, "..");
	assert_argv(BYTES("a b c d e f"), 8, "'a b ...");
}

static void test_cut_argv_keeps_what_stood_before(void **state)
{
	struct text text = {0};

	(void)state;
	text__string(&text, "KILLED ");
	text__argv(&text, BYTES("\x01\x01"), 5);
	assert_text(&text, "KILLED ...");
}

static void test_columns(void **state)
{
	(void)state;
	assert_int_equal(text__columns(""), 0);
	assert_int_equal(text__columns("abc"), 3);
	assert_int_equal(text__columns("\xc3\xa9"), 1);
	assert_int_equal(text__columns("e\xcc\x81"), 1);                /* combining accent */
	assert_int_equal(text__columns("\xe6\x97\xa5\xe6\x9c\xac"), 4); /* two wide characters */
	assert_int_equal(text__columns("\xf0\x9f\x94\xa5"), 2);
	assert_int_equal(text__columns("\xff"), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_building),
		cmocka_unit_test(test_grows_beyond_any_first_size),
		cmocka_unit_test(test_failure_is_remembered),
		cmocka_unit_test(test_pad_to),
		cmocka_unit_test(test_escapes_controls_and_backslash),
		cmocka_unit_test(test_passes_valid_utf8_only),
		cmocka_unit_test(test_escapes_c1_and_bidirectional),
		cmocka_unit_test(test_array_ends_at_nul_or_size),
		cmocka_unit_test(test_argv_quotes),
		cmocka_unit_test(test_argv_is_cut_between_characters),
		cmocka_unit_test(test_cut_argv_keeps_what_stood_before),
		cmocka_unit_test(test_columns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
