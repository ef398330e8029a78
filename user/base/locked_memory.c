/* SPDX-License-Identifier: GPL-2.0-only */
#include "base/locked_memory.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/mman.h>
#include <sys/resource.h>

#define STACK_BYTES (128 * 1024)

static void keep(void *memory)
{
	__asm__ volatile("" : : "r"(memory) : "memory");
}

/* The pages below us stay part of the stack's mapping. */
__attribute__((noinline)) void locked_memory__touch_stack(void)
{
	char stack[STACK_BYTES];

	memset(stack, 0, sizeof(stack));
	keep(stack);
}

/* Into the heap's top, which M_TRIM_THRESHOLD then keeps. */
static int grow_heap(size_t bytes)
{
	char *memory;

	mallopt(M_ARENA_MAX, 1);
	mallopt(M_MMAP_MAX, 0);
	mallopt(M_TRIM_THRESHOLD, -1);
	memory = malloc(bytes);
	if (!memory)
		return -ENOMEM;
	/* Not zeroes: the compiler would know a calloc() when it sees one. */
	memset(memory, 0xa5, bytes);
	keep(memory);
	free(memory);
	return 0;
}

static bool may_lock(void)
{
	cap_flag_value_t has = CAP_CLEAR;
	struct rlimit limit;
	cap_t caps;

	if (!getrlimit(RLIMIT_MEMLOCK, &limit) && limit.rlim_cur == RLIM_INFINITY)
		return true;
	caps = cap_get_proc();
	if (!caps)
		return false;
	cap_get_flag(caps, CAP_IPC_LOCK, CAP_EFFECTIVE, &has);
	cap_free(caps);
	return has == CAP_SET;
}

int locked_memory__reserve(size_t bytes, bool *locked)
{
	int error = grow_heap(bytes);

	if (error)
		return error;
	locked_memory__touch_stack();
	/* Two calls: the flag of the second must not hold for what is mapped already. */
	*locked = may_lock() && !mlockall(MCL_CURRENT) && !mlockall(MCL_FUTURE | MCL_ONFAULT);
	return 0;
}

struct memory_use locked_memory__use(void)
{
	struct mallinfo2 heap = mallinfo2();
	struct rusage usage = {0};

	getrusage(RUSAGE_SELF, &usage);
	return (struct memory_use){
		.heap_from_kernel_bytes = heap.arena + heap.hblkhd,
		.minor_faults = usage.ru_minflt,
		.major_faults = usage.ru_majflt,
	};
}
