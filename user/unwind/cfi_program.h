/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "unwind/cfi_entry.h"
#include "unwind/rule.h"

/* Runs the entry's programs up to `vaddr`. false: they are damaged, or use what is beyond bounds:
 * 65,536 instructions, 16 remembered states, offsets of 32 bits. */
bool cfi_program__run(const struct frame_section *from, const struct frame_entry *entry,
		      bool aarch64, uint64_t vaddr, struct unwind_rule *out);
