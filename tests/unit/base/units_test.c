/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "base/units.h"

#define ASSERT_UNITS(format, value, expected)                                \
	do {                                                                 \
		char out_[UNITS_MAX];                                        \
		assert_string_equal(units__##format(out_, value), expected); \
	} while (0)

static void test_bytes(void **state)
{
	(void)state;
	ASSERT_UNITS(bytes, 0, "0");
	ASSERT_UNITS(bytes, 1, "1 B");
	ASSERT_UNITS(bytes, 512, "512 B");
	ASSERT_UNITS(bytes, 1023, "1023 B");
	ASSERT_UNITS(bytes, 1024, "1.0 KiB");
	ASSERT_UNITS(bytes, 4096, "4.0 KiB");
	ASSERT_UNITS(bytes, 12 * MIB, "12 MiB");
	ASSERT_UNITS(bytes, 1610612736, "1.50 GiB");
	ASSERT_UNITS(bytes, 2 * GIB, "2.00 GiB");
	ASSERT_UNITS(bytes, 15 * GIB + GIB / 2, "15.5 GiB");
	ASSERT_UNITS(bytes, 128 * GIB, "128 GiB");
	ASSERT_UNITS(bytes, 3 * (1LL << 40), "3.00 TiB");
	ASSERT_UNITS(bytes, -4096, "-4.0 KiB");
	ASSERT_UNITS(bytes, INT64_MAX, "8.00 EiB");
	ASSERT_UNITS(bytes, INT64_MIN, "-8.00 EiB");
}

static void test_bytes_round_half_up_across_units(void **state)
{
	(void)state;
	ASSERT_UNITS(bytes, MIB - 512, "1.0 MiB");
	ASSERT_UNITS(bytes, MIB - 513, "1023 KiB");
	ASSERT_UNITS(bytes, 10 * MIB - 1, "10 MiB");
	ASSERT_UNITS(bytes, 9 * MIB + 998244, "10 MiB");
	ASSERT_UNITS(bytes, 9 * MIB + 996147, "9.9 MiB");
	ASSERT_UNITS(bytes, 10 * GIB - 1, "10.0 GiB");
	ASSERT_UNITS(bytes, 100 * GIB - 1, "100 GiB");
	ASSERT_UNITS(bytes, 1024 + 51, "1.0 KiB");
	ASSERT_UNITS(bytes, 1024 + 52, "1.1 KiB");
}

static void test_delta(void **state)
{
	(void)state;
	ASSERT_UNITS(delta, 0, "0");
	ASSERT_UNITS(delta, 4096, "+4.0 KiB");
	ASSERT_UNITS(delta, -(int64_t)(GIB + GIB / 5), "-1.20 GiB");
}

static void test_duration(void **state)
{
	(void)state;
	ASSERT_UNITS(duration, 0, "0");
	ASSERT_UNITS(duration, 999, "999 ns");
	ASSERT_UNITS(duration, 250 * NS_PER_US, "250 us");
	ASSERT_UNITS(duration, 4200 * NS_PER_US, "4.2 ms");
	ASSERT_UNITS(duration, 31 * NS_PER_MS, "31 ms");
	ASSERT_UNITS(duration, 999600 * NS_PER_US, "1.0 s");
	ASSERT_UNITS(duration, 1200 * NS_PER_MS, "1.2 s");
	ASSERT_UNITS(duration, 9960 * NS_PER_MS, "10 s");
	ASSERT_UNITS(duration, 88 * NS_PER_S, "88 s");
	ASSERT_UNITS(duration, 119499 * NS_PER_MS, "119 s");
	ASSERT_UNITS(duration, 119500 * NS_PER_MS, "2 min");
	ASSERT_UNITS(duration, 125 * NS_PER_S, "2 min 5 s");
	ASSERT_UNITS(duration, 3599600 * NS_PER_MS, "1 h");
	ASSERT_UNITS(duration, (3 * 60 + 10) * 60 * NS_PER_S, "3 h 10 min");
	ASSERT_UNITS(duration, 52 * 3600 * NS_PER_S, "2 d 4 h");
	ASSERT_UNITS(duration, UINT64_MAX, "213504 d");
}

static void test_offset(void **state)
{
	(void)state;
	ASSERT_UNITS(offset, 0, "0");
	ASSERT_UNITS(offset, 400 * 1000, "0");
	ASSERT_UNITS(offset, -600 * 1000, "-0.001 s");
	ASSERT_UNITS(offset, 3 * 1000000, "+0.003 s");
	ASSERT_UNITS(offset, 40 * 1000000, "+0.04 s");
	ASSERT_UNITS(offset, 310 * 1000000, "+0.31 s");
	ASSERT_UNITS(offset, 996 * 1000000, "+1.0 s");
	ASSERT_UNITS(offset, -41000000000, "-41.0 s");
	ASSERT_UNITS(offset, -6240000000, "-6.2 s");
	ASSERT_UNITS(offset, INT64_MIN, "-9223372036.9 s");
}

static void test_count(void **state)
{
	(void)state;
	ASSERT_UNITS(count, 0, "0");
	ASSERT_UNITS(count, 999, "999");
	ASSERT_UNITS(count, 1204, "1,204");
	ASSERT_UNITS(count, 1000000, "1,000,000");
	ASSERT_UNITS(count, UINT64_MAX, "18,446,744,073,709,551,615");
}

static void test_utc(void **state)
{
	(void)state;
	setenv("TZ", "right/Europe/Vienna", 1);
	tzset();
	ASSERT_UNITS(utc, 0, "1970-01-01T00:00:00Z");
	ASSERT_UNITS(utc, 1795214467000000000, "2026-11-20T22:41:07Z");
	ASSERT_UNITS(utc, 951782400000000000, "2000-02-29T00:00:00Z");
	ASSERT_UNITS(utc, 1709251199999999999, "2024-02-29T23:59:59Z");
	ASSERT_UNITS(utc, 4107542400000000000, "2100-03-01T00:00:00Z");
	ASSERT_UNITS(utc, INT64_MAX, "2262-04-11T23:47:16Z");
	ASSERT_UNITS(utc, -1, "?");
	ASSERT_UNITS(utc_id, 1795214467000000000, "20261120T224107Z");
	ASSERT_UNITS(utc_id, INT64_MAX, "22620411T234716Z");
	ASSERT_UNITS(utc_id, -1, "unknown");
}

static void assert_bytes(const char *string, uint64_t expected)
{
	uint64_t bytes = 77;

	assert_int_equal(units__parse_bytes(string, &bytes), 0);
	assert_int_equal(bytes, expected);
}

static void test_signal(void **state)
{
	char out[UNITS_MAX];

	(void)state;
	assert_string_equal(units__signal(out, 9), "SIGKILL");
	assert_string_equal(units__signal(out, 11), "SIGSEGV");
	assert_string_equal(units__signal(out, 0), "signal 0");
	assert_string_equal(units__signal(out, 127), "signal 127");
}

static void test_parse_bytes(void **state)
{
	static const char *const wrong[] = {
		"",          "K",
		"-1",        "+1",
		" 1",        "1 ",
		"1.",        ".5G",
		"1.5",       "1.5B",
		"1x",        "1 KiX",
		"1Ki",       "1i",
		"1iB",       "0x10",
		"1,5G",      "1KBB",
		"1e3",       "18446744073709551616",
		"16777216T", "1.0123456789K",
		"1..5K",     "1  K",
	};
	uint64_t bytes = 77;

	(void)state;
	assert_bytes("0", 0);
	assert_bytes("4096", 4096);
	assert_bytes("4096B", 4096);
	assert_bytes("64M", 64 * MIB);
	assert_bytes("64mb", 64 * MIB);
	assert_bytes("1.5G", GIB + GIB / 2);
	assert_bytes("512 KiB", 512 * KIB);
	assert_bytes("512 kib", 512 * KIB);
	assert_bytes("2T", 2048 * GIB);
	assert_bytes("0.3K", 307);
	assert_bytes("18446744073709551615", UINT64_MAX);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_true(units__parse_bytes(wrong[i], &bytes) < 0);
		assert_int_equal(bytes, 77);
	}
}

static void assert_duration(const char *string, uint64_t expected)
{
	uint64_t ns = 77;

	assert_int_equal(units__parse_duration(string, &ns), 0);
	assert_int_equal(ns, expected);
}

static void test_parse_duration(void **state)
{
	static const char *const wrong[] = {
		"", "s", "-1s", "1 s", "1S", "1M", "1w", "1ss", "1.s", "1e9", "213504d",
	};
	uint64_t ns = 77;

	(void)state;
	assert_duration("0", 0);
	assert_duration("10", 10 * NS_PER_S);
	assert_duration("0.25", 250 * NS_PER_MS);
	assert_duration("200us", 200 * NS_PER_US);
	assert_duration("250ms", 250 * NS_PER_MS);
	assert_duration("10s", 10 * NS_PER_S);
	assert_duration("1.5m", 90 * NS_PER_S);
	assert_duration("1.5min", 90 * NS_PER_S);
	assert_duration("2h", 7200 * NS_PER_S);
	assert_duration("7d", 7 * 86400 * NS_PER_S);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_true(units__parse_duration(wrong[i], &ns) < 0);
		assert_int_equal(ns, 77);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_bytes_round_half_up_across_units),
		cmocka_unit_test(test_delta),
		cmocka_unit_test(test_duration),
		cmocka_unit_test(test_offset),
		cmocka_unit_test(test_count),
		cmocka_unit_test(test_utc),
		cmocka_unit_test(test_signal),
		cmocka_unit_test(test_parse_bytes),
		cmocka_unit_test(test_parse_duration),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
