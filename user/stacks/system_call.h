/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <linux/types.h>

/* The system call that a process was in, by the registers it entered the kernel with (as
 * bpf/stack_sample.h has them): "[read]"; NULL for one that is not known to fill memory, or when it
 * was none. */
const char *system_call__name(const __u64 *registers);
