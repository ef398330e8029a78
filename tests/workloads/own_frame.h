/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/*
 * Workloads whose stacks are known: functions that are never inlined, cloned or left by a jump.
 * They tell "bytes.FUNCTION=" and "chain.FUNCTION=", the names of the functions from the one that
 * made the page fault (or called libc for it) outwards to main.
 */

#include "workload.h"

#define OWN_FRAME   __attribute__((noipa))

/* Behind a function's last call: without it that call would be a jump, and the caller no caller. */
#define COME_BACK() __asm__ volatile("" ::: "memory")

/* Address space without a page: huge pages would make one fault of what are many. */
static inline char *map_fresh(unsigned long bytes)
{
	char *memory =
		mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		die("mmap");
	madvise(memory, bytes, MADV_NOHUGEPAGE);
	return memory;
}

/* What everybody here calls for memory. The page faults are taken in libc's memset(). */
__attribute__((unused)) OWN_FRAME static char *allocate(unsigned long bytes)
{
	char *memory = map_fresh(bytes);

	memset(memory, 'x', bytes);
	COME_BACK();
	return memory;
}
