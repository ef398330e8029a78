/* SPDX-License-Identifier: GPL-2.0-only */
#include <stdlib.h>

#include "base/units.h"
#include "stacks/resident_internal.h"

#define AFRESH_NS  (60 * NS_PER_S) /* a process of which all is there is told of so often */
#define OVERDUE_NS (60 * NS_PER_S) /* who has waited for so long comes before those that grow */

/* --- whose turn it is ------------------------------------------------------------------------ */

static bool is_due(const struct sampled *sampled, uint64_t now_ns, uint64_t every_ns)
{
	if (!sampled->count || sampled->untold)
		return false;
	return sampled->next ||
	       (now_ns > sampled->looked_ns && now_ns - sampled->looked_ns >= every_ns);
}

/* What was begun, what is overdue, what grew most. */
static int compare_due(const void *left, const void *right)
{
	const struct sampled *a = *(struct sampled *const *)left;
	const struct sampled *b = *(struct sampled *const *)right;

	if (!a->next != !b->next)
		return a->next ? -1 : 1;
	if (a->came_bytes != b->came_bytes)
		return a->came_bytes > b->came_bytes ? -1 : 1;
	return (a->looked_ns > b->looked_ns) - (a->looked_ns < b->looked_ns);
}

static size_t find_due(struct resident *resident, uint64_t now_ns, uint64_t every_ns)
{
	struct sampled *sampled, *next;
	size_t count = 0;

	if (HASH_COUNT(resident->processes) > resident->due_capacity) {
		const size_t capacity = HASH_COUNT(resident->processes) * 2;
		struct sampled **due = realloc(resident->due, capacity * sizeof(*due));

		if (!due)
			return 0;
		resident->due = due;
		resident->due_capacity = capacity;
	}
	HASH_ITER (hh, resident->processes, sampled, next) {
		if (!is_due(sampled, now_ns, every_ns))
			continue;
		/* What has waited for its turn for so long must not wait for ever. */
		if (now_ns - sampled->looked_ns > OVERDUE_NS)
			sampled->came_bytes = UINT64_MAX;
		resident->due[count++] = sampled;
	}
	if (count)
		qsort(resident->due, count, sizeof(resident->due[0]), compare_due);
	return count;
}

/* --- looking --------------------------------------------------------------------------------- */

static void unmark(struct sampled *sampled)
{
	for (size_t i = 0; i < sampled->count; i++) {
		if (sampled->pages[i].state == PAGE_NOT_SEEN)
			sampled->pages[i].state = PAGE_LIVES;
	}
}

static void look_at(struct resident *resident, struct sampled *sampled, uint64_t now_ns,
		    uint64_t seen_ns, uint64_t until_ns)
{
	if (!sampled->next) {
		sampled__sort(sampled);
		sampled->looked_ns = now_ns;
		sampled->came_bytes = 0;
	}
	switch (sampled__look(resident, sampled, until_ns)) {
	case LOOK_GOES_ON:
		return;
	case LOOK_COMPLETE:
		sampled->untold = true;
		sampled->seen_ns = seen_ns;
		resident->counts.looks++;
		break;
	case LOOK_FAILED:
		unmark(sampled);
		resident->counts.unreadable++;
		break;
	case LOOK_ANOTHER:
		sampled__free(resident, sampled);
		return;
	}
	sampled->next = 0;
}

static void look_around(struct resident *resident, uint64_t now_ns, uint64_t every_ns,
			uint64_t for_ns)
{
	const uint64_t until_ns = resident__clock_ns() + for_ns;
	const size_t count = find_due(resident, now_ns, every_ns);

	for (size_t i = 0; i < count && (!i || resident__clock_ns() < until_ns); i++)
		look_at(resident, resident->due[i], now_ns, now_ns + for_ns, until_ns);
}

/* --- telling --------------------------------------------------------------------------------- */

static int tell_outcome(struct resident *resident, struct sampled *sampled)
{
	const struct stack_gone nothing = {.task = sampled__task(sampled)};
	const uint64_t gone = resident->counts.gone;
	int error = sampled__tell(resident, sampled, true);

	sampled->untold = false;
	if (!error && resident->counts.gone == gone) {
		if (sampled->told_ns && sampled->looked_ns - sampled->told_ns < AFRESH_NS)
			return 0;
		error = resident->sink.gone(resident->sink.context, &nothing);
	}
	sampled->told_ns = sampled->looked_ns;
	return error;
}

int resident__tell(struct resident *resident, uint64_t looked_ns)
{
	struct sampled *sampled, *next;
	int error = 0;

	HASH_ITER (hh, resident->processes, sampled, next) {
		if (!sampled->untold || sampled->seen_ns > looked_ns)
			continue;
		error = tell_outcome(resident, sampled);
		if (error)
			break;
		if (!sampled->count)
			sampled__free(resident, sampled);
	}
	return error;
}

int resident__look(struct resident *resident, uint64_t now_ns, uint64_t for_ns)
{
	/* Who waits to be told of would be passed over. */
	int error = resident__tell(resident, UINT64_MAX);

	if (!error)
		look_around(resident, now_ns, 0, for_ns);
	return error;
}

int resident__turn(struct resident *resident, uint64_t now_ns, uint64_t heard_ns)
{
	int error = 0;

	if (heard_ns > RESIDENT_GRACE_NS)
		error = resident__tell(resident, heard_ns - RESIDENT_GRACE_NS);
	if (!error)
		look_around(resident, now_ns, resident->every_ns, resident->turn_ns);
	return error;
}
