/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include "bpf/stack_sample.h"
#include "unwind/unwind.h"

/* What the kernel saved of a thread (struct pt_regs, struct user_pt_regs) by DWARF's numbers. */
void registers__read(struct unwind_state *out, const __u64 saved[STACK_REGISTERS]);
