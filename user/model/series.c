/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "bpf/events.h"
#include "model/series.h"

#define SERIES_MAX_WIDTH    8
#define SERIES_FIRST_POINTS 4
#define SERIES_THINNED      144 /* at most so many are left, so that thinning is rare */

/* Points lie back to back in `rows`: the time, then `width` values. */
struct series {
	int64_t *rows;
	int64_t smallest_sum;
	int64_t largest_sum;
	uint16_t count;
	uint16_t capacity;
	uint16_t smallest; /* index of the earliest point with the smallest sum */
	uint16_t largest;
	uint8_t width;
	uint8_t thinning; /* the round that sufficed last time: the next time begins a little before
			   */
};

/*
 * How thinning goes on until enough has gone. Beyond the dense age a point goes when it follows
 * the last kept one by less than age >> old; within it, by less than SERIES_DENSE_NS >> dense, and
 * in its last sixteenth, which a kill is explained by, by an eighth of that.
 * The last round leaves fewer than 100 points whatever the times are: beyond the dense age each
 * kept one is at most half as old as the one before.
 */
#define SPARED 63
static const struct thinning {
	uint8_t old;
	uint8_t dense;
} thinnings[] = {
	{6, SPARED}, {5, SPARED}, {4, SPARED}, {3, SPARED}, {3, 20}, {3, 18}, {3, 16},
	{3, 14},     {3, 12},     {3, 11},     {3, 10},     {3, 9},  {3, 8},  {3, 7},
	{3, 6},      {2, 6},      {2, 5},      {1, 5},      {1, 4},  {0, 4},  {0, 2},
};
#define THINNINGS (sizeof(thinnings) / sizeof(thinnings[0]))

_Static_assert(THINNINGS == EVENT_SERIES_THINNINGS, "thinnings as in the wire format");
_Static_assert(SERIES_MAX_POINTS == EVENT_SERIES_POINTS, "points as in the wire format");

DEFINE_FREEP(series)

static int64_t *series__row(const struct series *series, size_t index)
{
	return series->rows + index * (series->width + 1U);
}

int series__new(struct series **out, unsigned int width)
{
	struct series *series;

	if (width < 1 || width > SERIES_MAX_WIDTH)
		return -EINVAL;
	series = calloc(1, sizeof(*series));
	if (!series)
		return -ENOMEM;
	series->width = (uint8_t)width;
	*out = series;
	return 0;
}

static int64_t series__sum(const struct series *series, const int64_t *values)
{
	int64_t sum = 0;

	for (unsigned int i = 0; i < series->width; i++) {
		if (values[i] > 0 && __builtin_add_overflow(sum, values[i], &sum))
			return INT64_MAX;
	}
	return sum;
}

static void series__judge(struct series *series, uint16_t index)
{
	int64_t sum = series__sum(series, series__row(series, index) + 1);

	if (index == 0 || sum < series->smallest_sum) {
		series->smallest_sum = sum;
		series->smallest = index;
	}
	if (index == 0 || sum > series->largest_sum) {
		series->largest_sum = sum;
		series->largest = index;
	}
}

static void series__judge_all(struct series *series)
{
	for (uint16_t i = 0; i < series->count; i++)
		series__judge(series, i);
}

static uint64_t thinning__gap(struct thinning thinning, uint64_t age_ns)
{
	if (age_ns > SERIES_DENSE_NS)
		return age_ns >> thinning.old;
	if (thinning.dense == SPARED)
		return 0;
	return (SERIES_DENSE_NS >> thinning.dense) >> (age_ns <= SERIES_DENSE_NS / 16 ? 3 : 0);
}

static void series__thin_once(struct series *series, struct thinning thinning)
{
	uint64_t newest_ns = series__time(series, series->count - 1U);
	uint16_t kept = 1, smallest = 0, largest = 0;

	for (uint16_t i = 1; i < series->count; i++) {
		uint64_t time_ns = series__time(series, i);
		uint64_t gap_ns = time_ns - series__time(series, kept - 1U);

		if (i != series->count - 1 && i != series->smallest && i != series->largest &&
		    gap_ns < thinning__gap(thinning, newest_ns - time_ns))
			continue;
		if (i == series->smallest)
			smallest = kept;
		if (i == series->largest)
			largest = kept;
		if (kept != i)
			memcpy(series__row(series, kept), series__row(series, i),
			       (series->width + 1U) * sizeof(int64_t));
		kept++;
	}
	series->count = kept;
	series->smallest = smallest;
	series->largest = largest;
}

static int series__grow(struct series *series)
{
	uint32_t capacity = series->capacity ? series->capacity * 2U : SERIES_FIRST_POINTS;
	int64_t *rows;

	if (capacity > SERIES_MAX_POINTS)
		capacity = SERIES_MAX_POINTS;
	rows = realloc(series->rows, capacity * (series->width + 1U) * sizeof(*rows));
	if (!rows)
		return -ENOMEM;
	series->rows = rows;
	series->capacity = (uint16_t)capacity;
	return 0;
}

static int series__make_room(struct series *series)
{
	if (series->count < series->capacity)
		return 0;
	if (series->capacity < SERIES_MAX_POINTS)
		return series__grow(series);
	if (series->thinning)
		series->thinning--;
	series__thin_once(series, thinnings[series->thinning]);
	while (series->count > SERIES_THINNED && series->thinning + 1U < THINNINGS)
		series__thin_once(series, thinnings[++series->thinning]);
	return 0;
}

int series__add(struct series *series, uint64_t time_ns, const int64_t *values)
{
	size_t bytes = series->width * sizeof(*values);
	uint16_t last = series->count - 1U;
	int64_t *row;
	int error;

	if (series->count && time_ns <= series__time(series, last)) {
		memcpy(series__row(series, last) + 1, values, bytes);
		if (last == series->smallest || last == series->largest)
			series__judge_all(series);
		else
			series__judge(series, last);
		return 0;
	}
	error = series__make_room(series);
	if (error)
		return error;
	row = series__row(series, series->count);
	row[0] = (int64_t)time_ns;
	memcpy(row + 1, values, bytes);
	series__judge(series, series->count++);
	return 0;
}

/* What series__grow() would have come to. */
static uint16_t series__capacity_for(size_t count)
{
	size_t capacity = SERIES_FIRST_POINTS;

	while (capacity < count)
		capacity *= 2;
	return (uint16_t)(capacity < SERIES_MAX_POINTS ? capacity : SERIES_MAX_POINTS);
}

int series__restore(struct series **out, unsigned int width, unsigned int thinning,
		    const int64_t *rows, size_t count)
{
	_cleanup_(series__freep) struct series *series = NULL;
	int error;

	if (!count || count > SERIES_MAX_POINTS || thinning >= THINNINGS)
		return -EINVAL;
	error = series__new(&series, width);
	if (error)
		return error;
	for (size_t i = 1; i < count; i++) {
		if ((uint64_t)rows[i * (width + 1)] <= (uint64_t)rows[(i - 1) * (width + 1)])
			return -EINVAL;
	}
	series->capacity = series__capacity_for(count);
	series->rows = malloc(series->capacity * (width + 1U) * sizeof(*rows));
	if (!series->rows)
		return -ENOMEM;
	memcpy(series->rows, rows, count * (width + 1U) * sizeof(*rows));
	series->count = (uint16_t)count;
	series->thinning = (uint8_t)thinning;
	series__judge_all(series);
	*out = take(series);
	return 0;
}

const int64_t *series__rows(const struct series *series)
{
	return series->rows;
}

unsigned int series__thinning(const struct series *series)
{
	return series->thinning;
}

size_t series__count(const struct series *series)
{
	return series ? series->count : 0;
}

unsigned int series__width(const struct series *series)
{
	return series->width;
}

uint64_t series__time(const struct series *series, size_t index)
{
	return (uint64_t)series__row(series, index)[0];
}

const int64_t *series__values(const struct series *series, size_t index)
{
	return series__row(series, index) + 1;
}

long series__at(const struct series *series, uint64_t time_ns)
{
	size_t low = 0, high = series__count(series);

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (series__time(series, middle) <= time_ns)
			low = middle + 1;
		else
			high = middle;
	}
	return (long)low - 1;
}

bool series__is_younger(const struct series *series, uint64_t time_ns)
{
	size_t count = series__count(series);

	return count && series__time(series, count - 1) > time_ns;
}

int series__copy(struct series **out, const struct series *series, uint64_t from_ns, uint64_t to_ns)
{
	_cleanup_(series__freep) struct series *copy = NULL;
	long first = series__at(series, from_ns);
	long last = series__at(series, to_ns);
	int error;

	if (last < 0 || from_ns > to_ns) {
		*out = NULL;
		return 0;
	}
	error = series__new(&copy, series->width);
	if (error)
		return error;
	for (long i = first < 0 ? 0 : first; i <= last; i++) {
		uint64_t time_ns = series__time(series, (size_t)i);

		error = series__add(copy, time_ns < from_ns ? from_ns : time_ns,
				    series__values(series, (size_t)i));
		if (error)
			return error;
	}
	*out = take(copy);
	return 0;
}

size_t series__bytes(const struct series *series)
{
	if (!series)
		return 0;
	return sizeof(*series) + series->capacity * (series->width + 1U) * sizeof(int64_t);
}

void series__free(struct series *series)
{
	if (!series)
		return;
	free(series->rows);
	free(series);
}
