/* SPDX-License-Identifier: GPL-2.0-only */
#include "maps/parent_looks.h"

#include <stdbool.h>
#include <stddef.h>

#define LOOKS_MAX 64  /* at a time */
#define TOLD_MAX  256 /* processes */

struct parent {
	uint32_t pid;
	uint64_t time_ns; /* of its fork */
};

struct found {
	const struct address_spaces *spaces;
	struct parent parents[LOOKS_MAX];
	size_t count;
	uint32_t told[TOLD_MAX]; /* of whom a birth or an exec waits: that says what they are */
	size_t told_count;
};

static bool is_told(const struct found *found, uint32_t pid)
{
	for (size_t i = 0; i < found->told_count; i++) {
		if (found->told[i] == pid)
			return true;
	}
	return false;
}

static void tell(struct found *found, uint32_t pid)
{
	if (found->told_count < TOLD_MAX)
		found->told[found->told_count++] = pid;
}

static void find(struct found *found, const struct map_event *event)
{
	if (found->count == LOOKS_MAX || is_told(found, event->parent_pid) ||
	    address_spaces__has_looked_at(found->spaces, event->parent_pid))
		return;
	/* Once is enough. */
	tell(found, event->parent_pid);
	found->parents[found->count++] =
		(struct parent){.pid = event->parent_pid, .time_ns = event->time_ns};
}

static int on_waiting(void *context, const struct map_event *event)
{
	struct found *found = context;

	if (event->kind == MAP_EVENT_FORKED)
		find(found, event);
	if (event->kind == MAP_EVENT_FORKED || event->kind == MAP_EVENT_EXEC)
		tell(found, event->pid);
	return 0;
}

void parent_looks__take(struct first_look *look, uint64_t now_ns)
{
	struct found found = {.spaces = look->spaces};
	char why[128];

	if (!look->perf || perf_maps__peek(look->perf, on_waiting, &found))
		return;
	for (size_t i = 0; i < found.count; i++) {
		const struct parent *parent = &found.parents[i];
		struct process_maps *process =
			address_spaces__process(look->spaces, parent->pid, 0, parent->time_ns);

		if (process && process_maps__wants_look(process))
			(void)first_look(look, process, parent->pid, parent->time_ns, now_ns, why,
					 sizeof(why));
	}
}
