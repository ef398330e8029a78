/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/*
 * Memory over time in characters: bytes on the vertical axis, seconds before the end on the
 * horizontal one. A series is a step function; a column shows everything between the lowest and
 * the highest value in force during its share of the time, so a short peak is never lost.
 */

#include <stdint.h>

#include "base/text.h"
#include "model/series.h"

#define CHART_COLUMNS 78

struct chart_line {
	const struct series *series;             /* NULL: nothing drawn */
	int64_t (*value)(const int64_t *values); /* EVENT_UNKNOWN: nothing drawn */
	char mark;
	struct text legend;
};

struct chart {
	uint64_t from_ns;
	uint64_t to_ns;
	int64_t limit_bytes;        /* EVENT_UNKNOWN or EVENT_NO_LIMIT: none */
	struct chart_line lines[3]; /* later ones are drawn over earlier ones */
	unsigned int killed;        /* the line that ends with an X */
};

/* Appends the chart with its legend; nothing when no line has a value. */
void chart__draw(struct text *out, const struct chart *chart);
