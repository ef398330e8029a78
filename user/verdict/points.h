/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/* From a process's series to points of a trend: resident memory and swap. */

#include "model/series.h"
#include "verdict/trend.h"

/* Of what it was from one moment to the other. 0 or -ENOMEM. */
int points__trend(struct trend *out, const struct series *series, uint64_t from_ns, uint64_t to_ns);
