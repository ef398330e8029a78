/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <stdlib.h>

#include "model/model_internal.h"

/* What the memory of sampled processes has risen by. */

/* As of a machine's memory: sums of a thousand such values still fit. */
#define SUM_MAX (1LL << 52)

int64_t growth__sum(int64_t a, int64_t b)
{
	int64_t sum = bytes__add(a, b);

	if (sum > SUM_MAX)
		return SUM_MAX;
	return sum < -SUM_MAX ? -SUM_MAX : sum;
}

struct grower *growth__find_grower(const struct model *model, const struct process_slot *slot)
{
	struct grower *grower;

	HASH_FIND(hh, model->growths.growers, &slot, sizeof(slot), grower);
	return grower;
}

const struct grower *growth__grower(const struct model *model, const struct process_slot *slot)
{
	return growth__find_grower(model, slot);
}

static int64_t rise(int64_t before, int64_t after)
{
	return before >= 0 && after > before ? after - before : 0;
}

/* Before its first sample: as far as its history is kept. */
static int64_t rose_before(const struct process *process)
{
	int64_t rose = 0, before = EVENT_UNKNOWN;

	for (size_t i = 0; i < series__count(process->series); i++) {
		struct memory memory;
		int64_t now;

		memory__from_columns(&memory, series__values(process->series, i));
		now = memory__resident(&memory);
		rose = growth__sum(rose, rise(before, now));
		before = now;
	}
	return rose;
}

void growth__note_memory(struct model *model, const struct process_slot *slot,
			 const struct memory *next)
{
	struct grower *grower = model->growths.growers ? growth__find_grower(model, slot) : NULL;

	if (grower)
		grower->rose_bytes =
			growth__sum(grower->rose_bytes, rise(memory__resident(&slot->process.now),
							     memory__resident(next)));
}

int growth__reach_grower(struct model *model, const struct process_slot *slot, struct grower **out)
{
	struct grower *grower = growth__find_grower(model, slot);

	*out = grower;
	if (grower)
		return 0;
	grower = calloc(1, sizeof(*grower));
	if (!grower)
		return -ENOMEM;
	grower->slot = slot;
	grower->rose_bytes = rose_before(&slot->process);
	HASH_ADD_PTR(model->growths.growers, slot, grower);
	if (!grower->hh.tbl) {
		free(grower);
		return -ENOMEM;
	}
	*out = grower;
	return 0;
}

uint64_t model__pages_looked_ns(const struct model *model, const struct task_ref *task)
{
	const struct process_slot *slot = process_table__find(&model->processes, task);
	const struct grower *grower = slot ? growth__find_grower(model, slot) : NULL;

	return grower ? grower->looked_ns : 0;
}

int64_t model__rose_bytes(const struct model *model, const struct task_ref *task)
{
	const struct process_slot *slot = process_table__find(&model->processes, task);
	const struct grower *grower = slot ? growth__find_grower(model, slot) : NULL;

	return grower ? grower->rose_bytes : EVENT_UNKNOWN;
}
