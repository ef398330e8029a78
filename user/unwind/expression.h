/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "unwind/rule.h"
#include "unwind/stack.h"

/* Evaluates the DWARF expression at `place` in the rule's section: registers from `state`, memory
 * from `memory` only, `cfa` (when given) first on its own stack. At most 256 steps. */
bool expression__evaluate(const struct unwind_rule *rule, int32_t place,
			  const struct unwind_state *state, struct stack_reader *memory,
			  const uint64_t *cfa, uint64_t *value);
