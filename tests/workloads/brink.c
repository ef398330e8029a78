/* SPDX-License-Identifier: GPL-2.0-only */

/*
 * Grows with its stack pointer within a red zone of the lowest byte of its stack, below a buffer
 * that nobody has touched: brink TOTAL. Neither what lies below the stack pointer nor all of what
 * lies between it and the callers is there to be read.
 */

#include <alloca.h>
#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>

#include "own_frame.h"

#define STACK_BYTES (16UL << 10)
#define GUARD_BYTES (64UL << 10)
#define LEFT_BYTES  64 /* below the stack pointer; the red zone of x86-64 is twice that */

/* A thread of pthread_create(3) has 128 KiB at least on arm64, more than is copied of a stack. */
#define THREAD      (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM)

static unsigned long total;
static char *stack;
static int running = 1; /* the kernel clears it */

OWN_FRAME static void take_at_the_brink(void)
{
	char *memory = map_fresh(total);
	char *here = alloca(16), *room;

	room = alloca((unsigned long)(here - stack) - LEFT_BYTES);
	__asm__ volatile("" : : "r"(room) : "memory");
	/* Calls would go further down. */
	for (unsigned long at = 0; at < total; at += 4096)
		*(volatile char *)(memory + at) = 'x';
}

OWN_FRAME static int body(void *unused)
{
	(void)unused;
	take_at_the_brink();
	COME_BACK();
	return 0;
}

int main(int argc, char **argv)
{
	char *memory;

	total = argc == 2 ? parse_size(argv[1]) : 0;
	if (!total)
		return 2;
	hard_stop(total, 60);
	memory = map_fresh(GUARD_BYTES + STACK_BYTES);
	stack = memory + GUARD_BYTES;
	if (mprotect(memory, GUARD_BYTES, PROT_NONE))
		die("mprotect");
	tell("pid=%d", getpid());
	if (clone(body, stack + STACK_BYTES, THREAD | CLONE_CHILD_CLEARTID, NULL, NULL, NULL,
		  &running) < 0)
		die("clone");
	while (__atomic_load_n(&running, __ATOMIC_ACQUIRE))
		syscall(SYS_futex, &running, FUTEX_WAIT, 1, NULL, NULL, 0);
	tell("bytes.take_at_the_brink=%lu", total);
	tell("chain.take_at_the_brink=take_at_the_brink body");
	return 0;
}
