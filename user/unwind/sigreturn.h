/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "elf/object.h"
#include "unwind/rule.h"

/* The kernel's signal trampoline on aarch64, in its vDSO: frame information cannot say there where
 * the interrupted pc is (no DWARF number was free for it), so every unwinder knows the layout of
 * struct rt_sigframe instead. */
struct sigreturn {
	uint64_t vaddr; /* 0: not in this object */
};

void sigreturn__init(struct sigreturn *sigreturn, const struct object *object);
bool sigreturn__rule(const struct sigreturn *sigreturn, uint64_t vaddr, struct unwind_rule *out);
