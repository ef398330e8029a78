/* SPDX-License-Identifier: GPL-2.0-only */
#include "stacks/settled.h"

static uint64_t *slot(struct settled *settled, uint64_t id)
{
	return &settled->ids[id * 0x9e3779b97f4a7c15ULL >> (64 - SETTLED_SHIFT)];
}

void settled__add(struct settled *settled, uint64_t id)
{
	*slot(settled, id) = id;
}

static bool brings_any(const struct stack_sample_more *more)
{
	for (int member = 0; member < GROWTH_MEMBERS; member++) {
		if (more->pages[member])
			return true;
	}
	return false;
}

bool settled__lacks(struct settled *settled, const struct stack_sample_more *more)
{
	uint64_t *id = slot(settled, more->header.id);
	const bool is_known = *id == more->header.id;

	if (is_known)
		*id = 0;
	return !is_known && brings_any(more);
}
