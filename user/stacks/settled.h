/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "bpf/stack_sample.h"

/*
 * Early samples whose page user space has looked for and credited. What the kernel tells of them
 * later, when their thread has its next page fault, is no news then. Of two that share a slot the
 * later one is known.
 */
#define SETTLED_SHIFT 13

struct settled {
	uint64_t ids[1 << SETTLED_SHIFT];
};

void settled__add(struct settled *settled, uint64_t id);
/* Has something been left out? Known once. */
bool settled__lacks(struct settled *settled, const struct stack_sample_more *more);
