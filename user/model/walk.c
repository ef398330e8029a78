/* SPDX-License-Identifier: GPL-2.0-only */
#include "model/model_internal.h"

/* Walks over all processes: whoever a whole one has not met has gone, unseen by anybody. */

#define KTHREADD_PID 2U /* parent of all kernel threads */

void walk__begin(struct model *model, uint64_t walk_ns)
{
	model->walk_ns = walk_ns;
	model->processes.walk++;
}

void walk__meet(const struct model *model, struct process_slot *slot)
{
	slot->process.walk = model->processes.walk;
}

void walk__miss(const struct model *model, struct process_slot *slot)
{
	slot->process.walk = model->processes.walk - 1;
}

bool walk__has_met(const struct model *model, const struct process_slot *slot)
{
	return slot->process.walk == model->processes.walk;
}

/* A kernel thread, known for having asked for memory, is in no walk. */
static bool is_walked(const struct process *process)
{
	return process->mm_id || process->parent.pid != KTHREADD_PID;
}

void walk__end(struct model *model)
{
	struct process_table *table = &model->processes;

	/* A recording may be made of nothing but walks over a million processes. */
	if (model->walk_looks + table->count <= model->applied * WALK_LOOKS_MAX) {
		model->walk_looks += table->count;
		for (uint32_t i = 0; i < table->count; i++) {
			struct process_slot *slot = process_table__slot(table, i);

			if (!slot->process.exit_ns && !walk__has_met(model, slot) &&
			    is_walked(&slot->process))
				process_table__end_unseen(table, slot, model->walk_ns);
		}
	}
	model->walk_ns = 0;
}
