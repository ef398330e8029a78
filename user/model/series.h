/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A quantity over time in bounded memory: dense for the last minute, coarser with age.
 *
 * A point says "from time_ns on, these values" (a step function). Each point has `width` values.
 * A series grows to SERIES_MAX_POINTS and then thins itself: a point may go when the gap it leaves
 * is small against its age; the first, the last, and the points with the smallest and the largest
 * sum of all values ever seen never go. What goes depends only on the points, so two models fed
 * the same events hold the same series.
 *
 * Values are bytes or EVENT_UNKNOWN (bpf/events.h); unknown counts as 0 in the sum.
 */
struct series;

#define SERIES_MAX_POINTS 192
#define SERIES_DENSE_NS   60000000000ULL /* age up to which thinning spares points while it can */

int series__new(struct series **out, unsigned int width); /* width 1..8; 0 or -errno */

/* Times must not decrease; an earlier one (a late event) is moved up to the last point's time.
 * A point at the last one's time replaces it. -ENOMEM leaves the series as it was. */
int series__add(struct series *series, uint64_t time_ns, const int64_t *values);

/* From points that a series once had: rows of a time and its values. 0, -EINVAL when there are none
 * or their times do not ascend, or -ENOMEM. */
int series__restore(struct series **out, unsigned int width, unsigned int thinning,
		    const int64_t *rows, size_t count);
/* All points, back to back, and how far they are thinned: what series__restore() takes. */
const int64_t *series__rows(const struct series *series);
unsigned int series__thinning(const struct series *series);

size_t series__count(const struct series *series); /* series NULL: 0 */
unsigned int series__width(const struct series *series);
uint64_t series__time(const struct series *series, size_t index);
const int64_t *series__values(const struct series *series, size_t index);

/* Index of the point in force at time_ns, or -1 when the series begins later (or is NULL). */
long series__at(const struct series *series, uint64_t time_ns);

/* Has it a point younger than time_ns? What a late event says is then of the past. */
bool series__is_younger(const struct series *series, uint64_t time_ns);

/* The points in force between the two times, both included; the one in force at from_ns is moved
 * up to from_ns. NULL copies to NULL, and so does a span without a point. */
int series__copy(struct series **out, const struct series *series, uint64_t from_ns,
		 uint64_t to_ns);

size_t series__bytes(const struct series *series); /* of heap; series NULL: 0 */

void series__free(struct series *series);
