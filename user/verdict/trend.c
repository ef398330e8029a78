/* SPDX-License-Identifier: GPL-2.0-only */
#include "verdict/trend.h"

#include <string.h>

#include "base/units.h"
#include "bpf/events.h"

#define SLOTS            16 /* of the last rise */
#define STEP_SLOTS       3  /* so few, and it is a step or several: */
#define STEP_SHARE       80 /* percent of the rise in them */
#define SMALL_STEP_BYTES (512LL << 10)
#define KNEE_PERCENT     20 /* of the rise, below a straight line */

static int64_t min(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t max(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static int64_t percent_of(int64_t bytes, unsigned int percent)
{
	return (int64_t)((__int128)bytes * percent / 100);
}

/* The value in force; before the first point that one's. */
static int64_t value_at(const struct trend_point *points, size_t count, uint64_t time_ns)
{
	size_t at = 0;

	while (at + 1 < count && points[at + 1].time_ns <= time_ns)
		at++;
	return points[at].bytes;
}

static int64_t noise_of(const struct trend *trend)
{
	return max(TREND_NOISE_BYTES, trend->highest_bytes / 50);
}

/* What takes back enough of what was climbed before it. */
static bool is_fall(const struct trend *trend, int64_t fell, int64_t climbed)
{
	return fell >= noise_of(trend) && fell >= percent_of(climbed, TREND_FALL_PERCENT);
}

/* From each high to the low that follows it. */
static void count_falls(struct trend *trend, const struct trend_point *points, size_t count)
{
	int64_t high = points[0].bytes, low = points[0].bytes, climbed = 0, fell = 0;
	bool falling = false;

	for (size_t i = 1; i < count; i++) {
		const int64_t bytes = points[i].bytes;

		if (!falling) {
			high = max(high, bytes);
			if (!is_fall(trend, high - bytes, high - low))
				continue;
			climbed += high - low;
			falling = true;
			low = bytes;
			trend->falls++;
		} else {
			low = min(low, bytes);
			if (bytes - low < noise_of(trend))
				continue;
			fell += high - low;
			falling = false;
			high = bytes;
		}
	}
	if (falling)
		fell += high - low;
	else
		climbed += high - low;
	trend->gave_back = fell > 0 && fell >= percent_of(climbed, TREND_FALL_PERCENT);
}

/* Where the last rise begins, its plateau included: back to the low behind the last fall that took
 * too much of it. */
static size_t low_of_rise(const struct trend *trend, const struct trend_point *points, size_t count)
{
	const int64_t noise = noise_of(trend), last = points[count - 1].bytes;
	size_t low = count - 1;

	for (size_t i = count - 1; i-- > 0;) {
		const int64_t given_back = points[i].bytes - points[low].bytes;
		const int64_t gained = last - points[low].bytes;

		if (given_back > noise && given_back > percent_of(gained, TREND_FALL_PERCENT))
			break;
		if (points[i].bytes < points[low].bytes)
			low = i;
	}
	return low;
}

/* The least that is told at once, with some room. */
static int64_t step_of(int64_t bytes)
{
	return max(SMALL_STEP_BYTES, bytes / 64);
}

/*
 * Behind the plateau: where the course lies furthest below a straight line from its low to its end,
 * if that is further than a line has any business to be. Before a small step the value has held
 * until then: movements are told as soon as they are large enough.
 */
static struct trend_point begin_of_rise(const struct trend *trend, const struct trend_point *points,
					size_t count, size_t low)
{
	const int64_t rose = trend->last_bytes - points[low].bytes;
	const uint64_t ns = trend->to_ns - points[low].time_ns;
	struct trend_point begin = points[low];
	int64_t furthest = percent_of(rose, KNEE_PERCENT);

	for (size_t i = low; i + 1 < count && ns; i++) {
		const struct trend_point *point = &points[i], *next = &points[i + 1];
		const bool held = next->bytes - point->bytes <= step_of(point->bytes);
		const uint64_t time_ns = held ? next->time_ns : point->time_ns;
		const uint64_t since_ns = time_ns - points[low].time_ns;
		const int64_t line = points[low].bytes + (int64_t)((__int128)rose * since_ns / ns);

		if (line - point->bytes <= furthest)
			continue;
		furthest = line - point->bytes;
		begin = (struct trend_point){time_ns, point->bytes};
	}
	return begin;
}

static int64_t largest_fall(const struct trend_point *points, size_t count,
			    const struct trend_point *begin)
{
	int64_t high = begin->bytes, fall = 0;

	for (size_t i = 0; i < count; i++) {
		if (points[i].time_ns < begin->time_ns)
			continue;
		high = max(high, points[i].bytes);
		fall = max(fall, high - points[i].bytes);
	}
	return fall;
}

/* Bytes a second; 0: it did not rise. */
static int64_t rate_of(int64_t bytes, uint64_t ns)
{
	__int128 rate;

	if (bytes <= 0 || ns == 0)
		return 0;
	rate = (__int128)bytes * (int64_t)NS_PER_S / (int64_t)ns;
	return rate > INT64_MAX ? INT64_MAX : (int64_t)rate;
}

/* From so long before its end on; `points`: of what is judged. */
static int64_t rate_of_last(const struct trend *trend, const struct trend_point *points,
			    size_t count, int64_t end_bytes, uint64_t ns)
{
	const uint64_t from_ns = trend->to_ns - ns;

	return rate_of(end_bytes - value_at(points, count, from_ns), ns);
}

static void set_rates(struct trend *trend, const struct trend_point *points, size_t count,
		      int64_t end_bytes, uint64_t ns)
{
	const int64_t half = rate_of_last(trend, points, count, end_bytes, ns / 2);
	const int64_t quarter = rate_of_last(trend, points, count, end_bytes, ns / 4);

	trend->rate_lately = half;
	trend->rate_least = min(trend->rate, min(half, quarter));
	trend->rate_most = max(trend->rate, max(half, quarter));
}

/* Steps are judged with the plateau before them: a step alone has no rate. */
static void set_rates_of_rise(struct trend *trend, const struct trend_point *points, size_t count,
			      const struct trend_point *low)
{
	const bool in_steps = trend->shape == TREND_STEPPING;
	const uint64_t from_ns = in_steps ? low->time_ns : trend->rise_from_ns;
	const int64_t from_bytes = in_steps ? low->bytes : trend->rise_from_bytes;
	const uint64_t ns = trend->to_ns - from_ns;

	trend->rate = rate_of(trend->last_bytes - from_bytes, ns);
	set_rates(trend, points, count, trend->last_bytes, ns);
}

/* What the first fall fell from. */
static size_t first_high(const struct trend *trend, const struct trend_point *points, size_t count)
{
	size_t high = 0;

	for (size_t i = 1; i < count; i++) {
		if (is_fall(trend, points[high].bytes - points[i].bytes,
			    points[high].bytes - points[0].bytes))
			break;
		if (points[i].bytes > points[high].bytes)
			high = i;
	}
	return high;
}

/* The highest so far, from its first high on: what a sawtooth leads to is its next high, not where
 * a straight line along its last tooth would end. In place. */
static void set_rates_of_highs(struct trend *trend, struct trend_point *points, size_t count)
{
	const size_t first = first_high(trend, points, count);
	uint64_t ns;

	for (size_t i = first + 1; i < count; i++)
		points[i].bytes = max(points[i].bytes, points[i - 1].bytes);
	ns = trend->to_ns - points[first].time_ns;
	trend->highs_from_ns = points[first].time_ns;
	trend->above_bytes = points[count - 1].bytes - trend->last_bytes;
	trend->highs_rose_bytes = points[count - 1].bytes - points[first].bytes;
	trend->rate = rate_of(trend->highs_rose_bytes, ns);
	set_rates(trend, points, count, points[count - 1].bytes, ns);
}

/* Is most of it in few of the slots that its time has? */
static bool is_in_steps(const struct trend *trend, const struct trend_point *points, size_t count)
{
	const uint64_t ns = trend->to_ns - trend->rise_from_ns;
	int64_t gains[SLOTS], before = trend->rise_from_bytes, most = 0;

	for (unsigned int i = 0; i < SLOTS; i++) {
		const uint64_t end_ns =
			trend->rise_from_ns + (uint64_t)((__int128)ns * (i + 1) / SLOTS);
		const int64_t bytes = value_at(points, count, end_ns);

		gains[i] = max(bytes - before, 0);
		before = bytes;
	}
	for (unsigned int taken = 0; taken < STEP_SLOTS; taken++) {
		unsigned int largest = 0;

		for (unsigned int i = 1; i < SLOTS; i++)
			largest = gains[i] > gains[largest] ? i : largest;
		most += gains[largest];
		gains[largest] = 0;
	}
	return most >= percent_of(trend->rose_bytes, STEP_SHARE);
}

static enum trend_shape shape_of(const struct trend *trend, const struct trend_point *points,
				 size_t count)
{
	if (trend->highest_bytes - trend->lowest_bytes < noise_of(trend))
		return TREND_FLAT;
	if (trend->falls >= 2 && trend->gave_back)
		return TREND_SAWTOOTH;
	if (trend->rose_bytes < noise_of(trend))
		return TREND_FLAT;
	return is_in_steps(trend, points, count) ? TREND_STEPPING : TREND_STEADY;
}

struct trend trend__of(struct trend_point *points, size_t count, uint64_t to_ns)
{
	struct trend trend = {.shape = TREND_UNKNOWN};
	struct trend_point begin;
	size_t low;

	for (int span = 0; span < TREND_SPAN_COUNT; span++)
		trend.grew_bytes[span] = EVENT_UNKNOWN;
	if (count < 2 || to_ns <= points[0].time_ns)
		return trend;
	trend.from_ns = points[0].time_ns;
	trend.to_ns = to_ns;
	trend.first_bytes = trend.lowest_bytes = trend.highest_bytes = points[0].bytes;
	trend.last_bytes = points[count - 1].bytes;
	for (size_t i = 1; i < count; i++) {
		trend.lowest_bytes = min(trend.lowest_bytes, points[i].bytes);
		trend.highest_bytes = max(trend.highest_bytes, points[i].bytes);
	}
	count_falls(&trend, points, count);
	low = low_of_rise(&trend, points, count);
	begin = begin_of_rise(&trend, points, count, low);
	trend.rise_from_ns = begin.time_ns;
	trend.rise_from_bytes = begin.bytes;
	trend.highest_before_bytes = begin.bytes;
	for (size_t i = 0; i < count && points[i].time_ns < begin.time_ns; i++)
		trend.highest_before_bytes = max(trend.highest_before_bytes, points[i].bytes);
	trend.rose_bytes = max(trend.last_bytes - trend.rise_from_bytes, 0);
	trend.fell_back_bytes = largest_fall(points, count, &begin);
	for (int span = 0; span < TREND_SPAN_COUNT; span++) {
		const uint64_t ns = trend_span__ns(span);

		if (to_ns - trend.from_ns >= ns)
			trend.grew_bytes[span] =
				trend.last_bytes - value_at(points, count, to_ns - ns);
	}
	trend.shape = shape_of(&trend, points, count);
	if (trend.shape == TREND_SAWTOOTH)
		set_rates_of_highs(&trend, points, count);
	else
		set_rates_of_rise(&trend, points, count, &points[low]);
	return trend;
}

const char *trend_shape__word(enum trend_shape shape)
{
	static const char *const words[] = {
#define X(name, text) text,
		TREND_SHAPES(X)
#undef X
	};

	return words[shape];
}

uint64_t trend_span__ns(enum trend_span span)
{
	static const uint64_t spans[] = {
#define X(name, ns, text) ns,
		TREND_SPANS(X)
#undef X
	};

	return spans[span];
}

/* In sixths of it. */
static uint64_t time_for(int64_t bytes, int64_t rate, unsigned int sixths)
{
	__int128 ns;

	if (rate <= 0)
		return UINT64_MAX;
	ns = (__int128)bytes * (int64_t)NS_PER_S / rate * sixths / 6;
	return ns > (__int128)INT64_MAX ? UINT64_MAX : (uint64_t)ns;
}

struct forecast trend__forecast(const struct trend *trend, int64_t left_bytes)
{
	const int64_t to_rise = max(left_bytes - trend->above_bytes, 1);
	struct forecast forecast = {0};

	if (trend->shape == TREND_UNKNOWN || left_bytes <= 0 || trend->rate <= 0)
		return forecast;
	forecast.known = true;
	forecast.in_ns =
		time_for(to_rise, trend->rate_lately > 0 ? trend->rate_lately : trend->rate, 6);
	forecast.earliest_ns = time_for(to_rise, trend->rate_most, 4);
	forecast.latest_ns = time_for(to_rise, trend->rate_least, 9);
	return forecast;
}
