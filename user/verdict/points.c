/* SPDX-License-Identifier: GPL-2.0-only */
#include "verdict/points.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "model/model.h"

/* Where its memory is not known nothing is told for a while. */
static size_t take_points(struct trend_point *points, const struct series *series, uint64_t from_ns,
			  uint64_t to_ns)
{
	size_t count = 0;

	for (size_t i = 0; i < series__count(series); i++) {
		const int64_t *values = series__values(series, i);
		const struct memory memory = {
			.anon_bytes = values[MEMORY_ANON],
			.file_bytes = values[MEMORY_FILE],
			.shmem_bytes = values[MEMORY_SHMEM],
		};
		int64_t bytes = memory__resident(&memory);

		if (series__time(series, i) > to_ns)
			break;
		if (bytes == EVENT_UNKNOWN || series__time(series, i) < from_ns)
			continue;
		if (values[MEMORY_SWAP] > 0)
			bytes += values[MEMORY_SWAP];
		points[count++] = (struct trend_point){series__time(series, i), bytes};
	}
	return count;
}

int points__trend(struct trend *out, const struct series *series, uint64_t from_ns, uint64_t to_ns)
{
	_cleanup_(freep) struct trend_point *points =
		calloc(series__count(series) + 1, sizeof(*points));

	if (!points)
		return -ENOMEM;
	*out = trend__of(points, take_points(points, series, from_ns, to_ns), to_ns);
	return 0;
}
