/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/*
 * How a quantity of bytes has moved up to a moment: the shape of its course, its last rise and what
 * that rise would make of the time to come. A pure function of points; whole numbers only.
 *
 * The last rise is what is judged: from the last time that the quantity was near its low, to the
 * end, with no fall between that took back more than TREND_FALL_PERCENT of what had been gained by
 * the end. What lies before, a plateau or an earlier rise that was given back, is not of it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* From time_ns on, so many bytes. */
struct trend_point {
	uint64_t time_ns;
	int64_t bytes;
};

/* X(NAME, word of the report) */
#define TREND_SHAPES(X)                                                             \
	X(UNKNOWN, "not known")   /* too few points */                              \
	X(FLAT, "flat")           /* it moved by no more than noise */              \
	X(STEADY, "steady")       /* the last rise, spread over its time */         \
	X(STEPPING, "in steps")   /* most of the last rise in little of its time */ \
	X(SAWTOOTH, "a sawtooth") /* it has fallen back by much of its range, repeatedly */

enum trend_shape {
#define X(name, text) TREND_##name,
	TREND_SHAPES(X)
#undef X
		TREND_SHAPE_COUNT
};

/* Movements below this, or below the 50th part of the highest value, are noise. */
#define TREND_NOISE_BYTES  (4LL << 20)
#define TREND_FALL_PERCENT 25

/* Over how long growth is told. X(NAME, ns, word) */
#define TREND_SPANS(X)                           \
	X(10_S, 10 * 1000000000ULL, "10 s")      \
	X(1_MIN, 60 * 1000000000ULL, "1 min")    \
	X(10_MIN, 600 * 1000000000ULL, "10 min") \
	X(1_H, 3600 * 1000000000ULL, "1 h")

enum trend_span {
#define X(name, ns, text) TREND_SPAN_##name,
	TREND_SPANS(X)
#undef X
		TREND_SPAN_COUNT
};

struct trend {
	enum trend_shape shape;
	uint64_t from_ns; /* of the first point; from here on all is 0 where the shape is unknown */
	uint64_t to_ns;   /* when it was judged */
	int64_t first_bytes;
	int64_t last_bytes;
	int64_t lowest_bytes;
	int64_t highest_bytes;
	/* Of each by TREND_FALL_PERCENT of what had been climbed since the last, and more than
	 * noise. gave_back: by that share of all that was climbed, together. */
	unsigned int falls;
	bool gave_back;

	/* The last rise. */
	uint64_t rise_from_ns;
	int64_t rise_from_bytes;
	int64_t highest_before_bytes; /* what it was before, at most */
	int64_t rose_bytes;           /* at to_ns; not below 0 */
	int64_t fell_back_bytes;      /* the largest fall within it */

	/* What the last 10 s, ... have brought; EVENT_UNKNOWN: it is not known for so long. */
	int64_t grew_bytes[TREND_SPAN_COUNT];

	/* Bytes a second of the rise: of all of it, of its second half, and the least and the most
	 * of these and its last quarter. 0: it did not rise. Of a sawtooth those of its highs. */
	int64_t rate;
	int64_t rate_lately;
	int64_t rate_least;
	int64_t rate_most;
	/* Of a sawtooth: its highest above its last, and above its first high. Otherwise 0. */
	int64_t above_bytes;
	int64_t highs_rose_bytes;
	uint64_t highs_from_ns; /* when that first high was */
};

/* Times ascend. `to_ns` is not before the last of them. Points are its to change. */
struct trend trend__of(struct trend_point *points, size_t count, uint64_t to_ns);

const char *trend_shape__word(enum trend_shape shape);
uint64_t trend_span__ns(enum trend_span span);

/* When it would have risen by so much more if it went on as it has. */
struct forecast {
	bool known;     /* false: it does not rise, or is there already */
	uint64_t in_ns; /* from to_ns on, at the rate of the second half of the rise */
	/* By the most and the least that it rose at, a third less and half as much more time: what
	 * that is worth tests/bench/parts/11-forecast.bash says. UINT64_MAX: perhaps never. */
	uint64_t earliest_ns;
	uint64_t latest_ns;
};
struct forecast trend__forecast(const struct trend *trend, int64_t left_bytes);
