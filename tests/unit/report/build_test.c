/* SPDX-License-Identifier: GPL-2.0-only */
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "report/build.h"

static void assert_dump(struct build *build, json_t *object, const char *expected)
{
	_cleanup_(text__free) struct text out = {0};

	assert_false(build->failed);
	assert_int_equal(build__dump(object, &out), 0);
	assert_string_equal(out.data, expected);
	json_decref(object);
}

static void assert_ms(int64_t ns, const char *expected)
{
	_cleanup_(text__free) struct text line = {0};
	struct build build = {0};
	json_t *object = json_object();

	build__ms(&build, object, "t_ms", ns);
	text__printf(&line, "{\n  \"t_ms\": %s\n}\n", expected);
	assert_dump(&build, object, line.data);
}

static void test_times_print_exactly(void **state)
{
	(void)state;
	assert_ms(0, "0");
	assert_ms(-90 * (int64_t)NS_PER_S, "-90000");
	assert_ms(1000, "0.001");
	assert_ms(-1000, "-0.001");
	assert_ms(999, "0");
	assert_ms(100000, "0.1");
	assert_ms(-89999123456, "-89999.123");
	assert_ms(40 * (int64_t)NS_PER_MS + 123000, "40.123");
	assert_ms(86400LL * 365 * 10 * (int64_t)NS_PER_S + 7000, "315360000000.007");
}

/* Every number of microseconds in a stretch, against the same made of integers alone. */
static void test_no_digit_is_rounded(void **state)
{
	(void)state;
	for (int64_t us = -3000; us <= 1200000; us += us < 3000 ? 1 : 997) {
		const int64_t size = us < 0 ? -us : us;
		char expected[40];
		size_t length;

		snprintf(expected, sizeof(expected), "%s%lld.%03lld", us < 0 ? "-" : "",
			 (long long)size / 1000, (long long)size % 1000);
		length = strlen(expected);
		while (expected[length - 1] == '0')
			expected[--length] = '\0';
		if (expected[length - 1] == '.')
			expected[--length] = '\0';
		assert_ms(us * 1000, us == 0 ? "0" : expected);
	}
}

static void test_a_locale_changes_nothing(void **state)
{
	(void)state;
	setlocale(LC_ALL, "de_DE.UTF-8");
	assert_ms(1500000, "1.5");
	setlocale(LC_ALL, "C");
}

static void test_unknown_is_absent_and_no_limit_is_max(void **state)
{
	struct build build = {0};
	json_t *object = json_object();

	(void)state;
	build__bytes(&build, object, "a_bytes", EVENT_UNKNOWN);
	build__bytes(&build, object, "b_bytes", 0);
	build__limit(&build, object, "c_bytes", EVENT_NO_LIMIT);
	build__limit(&build, object, "d_bytes", EVENT_UNKNOWN);
	build__utc(&build, object, "time", EVENT_UNKNOWN);
	build__count(&build, object, "count", UINT64_MAX);
	assert_dump(&build, object,
		    "{\n  \"b_bytes\": 0,\n  \"c_bytes\": \"max\",\n  \"time\": null,\n"
		    "  \"count\": 9223372036854775807\n}\n");
}

static void test_text_that_is_not_utf8_has_a_twin(void **state)
{
	static const char comm[8] = {'a', (char)0xff, '"', '\n', (char)0xc3, 'b', 0, 'x'};
	struct build build = {0};
	json_t *object = json_object();

	(void)state;
	build__text_array(&build, object, "comm", comm, sizeof(comm));
	build__text(&build, object, "name", "\xc3\xa9\x1b\x7f\xc2\x9b", 6);
	assert_dump(
		&build, object,
		"{\n  \"comm\": \"a\\uFFFD\\\"\\n\\uFFFDb\",\n  \"comm_hex\": \"61ff220ac362\",\n"
		"  \"name\": \"\\u00E9\\u001B\x7f\\u009B\"\n}\n");
}

static void test_arguments(void **state)
{
	struct build build = {0};
	json_t *object = json_object();

	(void)state;
	build__argv(&build, object, "a\0\0b\xff", 5, ARGV_CUT);
	assert_dump(&build, object,
		    "{\n  \"argv\": [\n    \"a\",\n    \"\",\n    \"b\\uFFFD\"\n  ],\n"
		    "  \"argv_hex\": [\n    \"61\",\n    \"\",\n    \"62ff\"\n  ],\n"
		    "  \"argv_cut\": true\n}\n");
	object = json_object();
	build__argv(&build, object, NULL, 0, ARGV_UNREADABLE);
	assert_dump(&build, object, "{\n  \"argv\": null\n}\n");
	object = json_object();
	build__argv(&build, object, NULL, 0, 0);
	assert_dump(&build, object, "{}\n");
	object = json_object();
	build__argv(&build, object, "", 0, 0);
	assert_dump(&build, object, "{\n  \"argv\": []\n}\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_times_print_exactly),
		cmocka_unit_test(test_no_digit_is_rounded),
		cmocka_unit_test(test_a_locale_changes_nothing),
		cmocka_unit_test(test_unknown_is_absent_and_no_limit_is_max),
		cmocka_unit_test(test_text_that_is_not_utf8_has_a_twin),
		cmocka_unit_test(test_arguments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
