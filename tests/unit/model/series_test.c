/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/unit/model/stream.h"

static struct series *new_series(unsigned int width)
{
	struct series *series = NULL;

	assert_int_equal(series__new(&series, width), 0);
	return series;
}

static void add(struct series *series, uint64_t time_ns, int64_t value)
{
	int64_t values[8] = {value};

	assert_int_equal(series__add(series, time_ns, values), 0);
}

static int64_t value_at(const struct series *series, uint64_t time_ns)
{
	long at = series__at(series, time_ns);

	return at < 0 ? -100 : series__values(series, (size_t)at)[0];
}

static void test_width_is_bounded(void **state)
{
	struct series *series = NULL;

	(void)state;
	assert_int_equal(series__new(&series, 0), -EINVAL);
	assert_int_equal(series__new(&series, 9), -EINVAL);
	assert_null(series);
	series__free(NULL);
	assert_int_equal(series__count(NULL), 0);
	assert_int_equal(series__at(NULL, 5), -1);
	assert_int_equal(series__bytes(NULL), 0);
}

static void test_steps(void **state)
{
	struct series *series = new_series(2);
	int64_t first[] = {1, 2}, second[] = {3, 4};

	(void)state;
	assert_int_equal(series__at(series, 10), -1);
	assert_int_equal(series__add(series, 10, first), 0);
	assert_int_equal(series__add(series, 20, second), 0);
	assert_int_equal(series__width(series), 2);
	assert_int_equal(series__at(series, 9), -1);
	assert_int_equal(series__at(series, 10), 0);
	assert_int_equal(series__at(series, 19), 0);
	assert_int_equal(series__at(series, 20), 1);
	assert_int_equal(series__at(series, UINT64_MAX), 1);
	assert_int_equal(series__values(series, 1)[1], 4);
	series__free(series);
}

static void test_same_and_earlier_times_replace_the_last_point(void **state)
{
	struct series *series = new_series(1);

	(void)state;
	add(series, 10, 1);
	add(series, 20, 2);
	add(series, 20, 3);
	assert_int_equal(series__count(series), 2);
	assert_int_equal(value_at(series, 20), 3);
	add(series, 15, 4);
	assert_int_equal(series__count(series), 2);
	assert_int_equal(value_at(series, 15), 1);
	assert_int_equal(value_at(series, 20), 4);
	series__free(series);
}

/* A day at ten points a second: bounded, monotonic, and the recent past denser than the old. */
static void test_thins_with_age(void **state)
{
	struct series *series = new_series(1);
	uint64_t newest = 0, dense = 0;

	(void)state;
	for (uint64_t i = 0; i <= 864000; i++) {
		newest = i * 100 * NS_PER_MS;
		add(series, newest, 1000 + (int64_t)(i % 97));
		assert_true(series__count(series) <= SERIES_MAX_POINTS);
	}
	assert_int_equal(series__time(series, 0), 0);
	assert_int_equal(series__time(series, series__count(series) - 1), newest);
	for (size_t i = 1; i < series__count(series); i++) {
		uint64_t time_ns = series__time(series, i), before = series__time(series, i - 1);

		assert_true(time_ns > before);
		if (newest - time_ns <= SERIES_DENSE_NS)
			dense++;
		/* No gap is wider than half of the age at which it ends, or a few seconds. */
		assert_true(time_ns - before <= (newest - before) / 2 + 4 * NS_PER_S);
	}
	assert_true(dense >= 40);
	series__free(series);
}

static void test_extremes_survive(void **state)
{
	struct series *series = new_series(1);
	bool low = false, high = false;

	(void)state;
	for (uint64_t i = 0; i < 100000; i++) {
		int64_t value = 1000;

		if (i == 777)
			value = 5;
		if (i == 1234)
			value = 900000;
		add(series, i * NS_PER_MS, value);
	}
	for (size_t i = 0; i < series__count(series); i++) {
		low |= series__values(series, i)[0] == 5;
		high |= series__values(series, i)[0] == 900000;
	}
	assert_true(low);
	assert_true(high);
	series__free(series);
}

/* Values near the ends of the number line, unknown ones and huge jumps of time. */
static void test_hostile_values(void **state)
{
	struct series *series = new_series(8);
	int64_t values[8];

	(void)state;
	for (uint64_t i = 0; i < 2000; i++) {
		for (int j = 0; j < 8; j++)
			values[j] = i % 3 == 0 ? INT64_MAX : i % 3 == 1 ? INT64_MIN : -1;
		assert_int_equal(series__add(series, i * (UINT64_MAX / 2000), values), 0);
		assert_true(series__count(series) <= SERIES_MAX_POINTS);
	}
	assert_int_equal(series__add(series, UINT64_MAX, values), 0);
	series__free(series);
}

static void test_doubling_times(void **state)
{
	struct series *series = new_series(1);

	(void)state;
	for (int round = 0; round < 8; round++) {
		for (unsigned int bit = 0; bit < 64; bit++) {
			add(series, UINT64_MAX - (UINT64_MAX >> bit), bit);
			assert_true(series__count(series) <= SERIES_MAX_POINTS);
		}
	}
	series__free(series);
}

static void test_copy(void **state)
{
	struct series *series = new_series(1), *copy = series;

	(void)state;
	for (uint64_t i = 1; i <= 10; i++)
		add(series, i * 10, (int64_t)i);
	assert_int_equal(series__copy(&copy, NULL, 0, 100), 0);
	assert_null(copy);
	assert_int_equal(series__copy(&copy, series, 0, 9), 0);
	assert_null(copy);

	assert_int_equal(series__copy(&copy, series, 35, 65), 0);
	assert_int_equal(series__count(copy), 4);
	assert_int_equal(series__time(copy, 0), 35);
	assert_int_equal(series__values(copy, 0)[0], 3);
	assert_int_equal(series__time(copy, 3), 60);
	series__free(copy);

	assert_int_equal(series__copy(&copy, series, 40, 40), 0);
	assert_int_equal(series__count(copy), 1);
	assert_int_equal(series__values(copy, 0)[0], 4);
	series__free(copy);

	assert_int_equal(series__copy(&copy, series, 0, 1000), 0);
	assert_int_equal(series__count(copy), 10);
	assert_int_equal(series__time(copy, 0), 10);
	assert_true(series__bytes(copy) >= 10 * 16);
	series__free(copy);
	series__free(series);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_width_is_bounded),
		cmocka_unit_test(test_steps),
		cmocka_unit_test(test_same_and_earlier_times_replace_the_last_point),
		cmocka_unit_test(test_thins_with_age),
		cmocka_unit_test(test_extremes_survive),
		cmocka_unit_test(test_hostile_values),
		cmocka_unit_test(test_doubling_times),
		cmocka_unit_test(test_copy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
