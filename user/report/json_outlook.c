/* SPDX-License-Identifier: GPL-2.0-only */
#include <stdlib.h>
#include <string.h>

#include "report/json.h"
#include "report/outlooks.h"

static json_t *trend__new(struct build *build, const struct trend *trend)
{
	static const char *const keys[TREND_SPAN_COUNT] = {
		[TREND_SPAN_10_S] = "grew_in_10_s_bytes",
		[TREND_SPAN_1_MIN] = "grew_in_1_min_bytes",
		[TREND_SPAN_10_MIN] = "grew_in_10_min_bytes",
		[TREND_SPAN_1_H] = "grew_in_1_h_bytes",
	};
	const bool of_highs = trend->shape == TREND_SAWTOOTH;
	json_t *object = json_object();

	build__string(build, object, "shape", trend_shape__word(trend->shape));
	if (trend->shape == TREND_UNKNOWN)
		return object;
	build__bytes(build, object, "rose_bytes",
		     of_highs ? trend->highs_rose_bytes : trend->rose_bytes);
	build__ms(
		build, object, "rose_for_ms",
		(int64_t)(trend->to_ns - (of_highs ? trend->highs_from_ns : trend->rise_from_ns)));
	build__bytes(build, object, "fell_back_bytes", trend->fell_back_bytes);
	build__bytes(build, object, "bytes_per_s", trend->rate);
	/* Growth may be below zero, and by one byte. */
	for (int span = 0; span < TREND_SPAN_COUNT; span++) {
		if (trend->to_ns - trend->from_ns >= trend_span__ns(span))
			build__set(build, object, keys[span],
				   json_integer(trend->grew_bytes[span]));
	}
	return object;
}

static json_t *forecast__new(struct build *build, const struct forecast *forecast)
{
	json_t *object = json_object();

	if (forecast->in_ns != UINT64_MAX)
		build__ms(build, object, "in_ms", (int64_t)forecast->in_ns);
	if (forecast->earliest_ns != UINT64_MAX)
		build__ms(build, object, "earliest_ms", (int64_t)forecast->earliest_ns);
	if (forecast->latest_ns != UINT64_MAX)
		build__ms(build, object, "latest_ms", (int64_t)forecast->latest_ns);
	return object;
}

static json_t *limit__new(struct build *build, const struct model *model,
			  const struct outlook_facts *facts)
{
	json_t *object = json_object();
	char *path = facts->limit_cgroup ? model__cgroup_path(model, facts->limit_cgroup) : NULL;

	if (path)
		build__text(build, object, "cgroup", path, strlen(path));
	free(path);
	build__bytes(build, object, "limit_bytes", facts->limit_bytes);
	build__bytes(build, object, "held_bytes", facts->held_bytes);
	return object;
}

void json__set_outlooks(struct build *build, json_t *parent, const struct model *model)
{
	struct outlook_row rows[OUTLOOKS_MAX];
	json_t *array = json_array();
	size_t count;

	build->failed |= outlooks__read(rows, &count, model) != 0;
	for (size_t i = 0; i < count; i++) {
		const struct process *process = rows[i].process;
		json_t *row = json_object();

		build__count(build, row, "pid", process->task.pid);
		build__text_array(build, row, "comm", process->comm, sizeof(process->comm));
		build__string(build, row, "class", outlook_class__word(rows[i].outlook.class));
		build__string(build, row, "level", level__word(rows[i].outlook.level));
		build__set(build, row, "trend", trend__new(build, &rows[i].facts.trend));
		if (rows[i].facts.limit_bytes > 0)
			build__set(build, row, "limit", limit__new(build, model, &rows[i].facts));
		if (rows[i].outlook.forecast.known)
			build__set(build, row, "forecast",
				   forecast__new(build, &rows[i].outlook.forecast));
		build__append(build, array, row);
	}
	build__set(build, parent, "outlooks", array);
}
