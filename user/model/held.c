/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <stdlib.h>

#include "model/model_internal.h"

/*
 * Cgroups at a limit that kills nobody. What is known of it are looks (EVENT_MEMCG_EVENTS), told
 * when something has changed; what the counts gained between two of them happened in between.
 */

/* A charge that was refused needed one page; the rest is what was given back since. */
#define NEAR_SHARE 64
#define NEAR_BYTES (1LL << 20)

struct memcg_events events__normal(const struct memcg_events *events)
{
	return (struct memcg_events){
#define X(field, v2, v1) .field = bytes__normal(events->field),
		MEMCG_EVENTS(X)
#undef X
	};
}

static bool is_near(int64_t usage_bytes, int64_t limit_bytes)
{
	int64_t near_bytes = limit_bytes / NEAR_SHARE;

	if (usage_bytes < 0 || limit_bytes < 0 || limit_bytes == EVENT_NO_LIMIT)
		return false;
	return usage_bytes >= limit_bytes - (near_bytes > NEAR_BYTES ? near_bytes : NEAR_BYTES);
}

/* Throttled so often before the first look: not at all where nothing had ever been charged when
 * the cgroup introduced itself. */
static int64_t high_at_first(const struct cgroup_slot *slot)
{
	return slot->counted && slot->cgroup.first.watermark_bytes == 0 ? 0 : EVENT_UNKNOWN;
}

static void note_high(struct hold *hold, const struct event_memcg_events *look, int64_t times)
{
	if (times <= 0)
		return;
	if (!hold->from_ns)
		hold->from_ns = look->header.time_ns;
	hold->to_ns = look->header.time_ns;
	hold->times += (uint64_t)times;
	hold->usage_bytes = bytes__normal(look->usage_bytes);
	hold->limit_bytes = limit__normal(look->high_bytes);
}

/*
 * Tasks below a full level wait as well, with the flags of their own cgroup: of all of them it is
 * full that has used up its own limit.
 */
static void note_full(struct hold *hold, const struct event_memcg_events *look, bool first)
{
	const int64_t usage_bytes = bytes__normal(look->usage_bytes);
	const int64_t max_bytes = limit__normal(look->max_bytes);
	const int64_t memsw_bytes = bytes__normal(look->memsw_usage_bytes);
	const int64_t memsw_max_bytes = limit__normal(look->memsw_max_bytes);
	const bool of_memory = is_near(usage_bytes, max_bytes);
	const bool waiting = look->events.under_oom > 0 && look->events.oom_kill_disable > 0 &&
			     (of_memory || is_near(memsw_bytes, memsw_max_bytes));
	const bool waited = hold->from_ns && !hold->ended_ns;

	if (!waiting && waited)
		hold->ended_ns = look->header.time_ns;
	if (!waiting)
		return;
	if (!waited) {
		hold->from_ns = look->header.time_ns;
		hold->from_first = first;
		hold->ended_ns = 0;
		hold->times++;
	}
	hold->to_ns = look->header.time_ns;
	hold->memsw = !of_memory;
	hold->usage_bytes = of_memory ? usage_bytes : memsw_bytes;
	hold->limit_bytes = of_memory ? max_bytes : memsw_max_bytes;
}

int held__on_events(struct model *model, const struct event_header *event)
{
	const struct event_memcg_events *look = (const struct event_memcg_events *)event;
	const struct memcg_events now = events__normal(&look->events);
	struct cgroup_slot *slot;
	struct held *held;
	int64_t high;
	int error = cgroup__reach(model, look->cgroup_id, event->time_ns, &slot);

	if (error || !slot)
		return error;
	held = slot->cgroup.held;
	if (held && event->time_ns < held->looked_ns)
		return 0;
	high = held ? held->now.high : high_at_first(slot);
	if (!held) {
		held = slot->cgroup.held = calloc(1, sizeof(*held));
		if (!held)
			return -ENOMEM;
	}
	note_high(&held->high, look, now.high < 0 || high < 0 ? 0 : now.high - high);
	note_full(&held->full, look, !held->looked_ns);
	held->looked_ns = event->time_ns ? event->time_ns : 1;
	held->now = now;
	return 0;
}
