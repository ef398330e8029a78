/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include "report/growth.h"

#define ORDER(a, b) ((a) < (b) ? -1 : (a) > (b))

/* A hostile recording must not overflow a sum. */
static inline int64_t add(int64_t a, int64_t b)
{
	int64_t sum;

	if (!__builtin_add_overflow(a, b, &sum))
		return sum;
	return a > 0 ? INT64_MAX : INT64_MIN;
}

static inline uint64_t add_count(uint64_t a, uint64_t b)
{
	uint64_t sum;

	return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

static inline int task__compare(const struct task_ref *a, const struct task_ref *b)
{
	return a->pid != b->pid ? ORDER(a->pid, b->pid) : ORDER(a->start_ns, b->start_ns);
}

int file__compare(const struct file *a, const struct file *b);
/* Of the rows. 0 or -ENOMEM. */
int growths__read_files(struct growths *growths);

/* growth_stay.c. */
struct growth_stay growth_stay__of(const struct model *model, const struct growth *growth,
				   const struct process *process);
void growth_stay__add(struct growth_stay *stay, const struct growth_stay *more);
/* Of rows in the order of their processes, before they are merged. */
void growths__sum_stay(struct growths *growths);

/* growth_lost.c. */
void growths__find_lost(struct growths *growths, const struct model *model);

/* One row for each of the model's that is meant; then those that say the same become one, and the
 * largest come first. growth_rows.c. 0 or -ENOMEM. */
int growths__read_rows(struct growths *growths, const struct model *model,
		       const struct growth_filter *filter);
int growths__merge_rows(struct growths *growths, enum growth_rows rows);
