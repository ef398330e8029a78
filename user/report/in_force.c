/* SPDX-License-Identifier: GPL-2.0-only */
#include "report/report.h"

/* What all reports of this process go by, whatever their format. */

static struct thresholds in_force;
static bool are_set;

void report__set_thresholds(const struct thresholds *thresholds)
{
	in_force = *thresholds;
	are_set = true;
}

const struct thresholds *report__thresholds(void)
{
	return are_set ? &in_force : &thresholds__default;
}
