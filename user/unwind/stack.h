/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <string.h>

#include "unwind/unwind.h"

/* Memory of the thread, as far as it was copied; remembers where it was not. */
struct stack_reader {
	const struct unwind_stack *stack;
	bool missed;
	uint64_t missed_address;
};

static inline bool stack__lacks(const struct unwind_stack *stack, uint64_t address)
{
	const uint64_t page = address / UNWIND_PAGE_BYTES - stack->from / UNWIND_PAGE_BYTES;

	return page < 64 && (stack->missing >> page & 1);
}

/* `bytes` (up to 8) at `address`. */
static inline bool stack_reader__read(struct stack_reader *reader, uint64_t address,
				      unsigned int bytes, uint64_t *value)
{
	const struct unwind_stack *stack = reader->stack;
	uint64_t offset = address - stack->from;

	if (address < stack->from || offset > stack->size || bytes > stack->size - offset ||
	    stack__lacks(stack, address) || stack__lacks(stack, address + bytes - 1)) {
		reader->missed = true;
		reader->missed_address = address;
		return false;
	}
	*value = 0;
	memcpy(value, stack->bytes + offset, bytes);
	return true;
}
