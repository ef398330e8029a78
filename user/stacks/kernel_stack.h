/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Of a stack of the kernel's: functions [from, to). */
struct kernel_part {
	size_t from, to;
};

/*
 * What was running when a page fault came, of the stack as it was within that page fault: not what
 * handles it, nor what enters the kernel and finds the system call. Names are innermost first;
 * NULL: not known. False: where the page fault was taken is not to be seen. The part may be empty.
 */
bool kernel_stack__cut(const char *const *names, size_t count, struct kernel_part *out);

/* "read" of the stack of read(2), if its own entry is there ("__x64_sys_read"); else NULL. */
const char *kernel_stack__system_call(const char *const *names, size_t count);
