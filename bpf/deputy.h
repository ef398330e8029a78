/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/*
 * Programs that have deputies. The kernel does not run a program on a CPU on which the same program
 * is running already, and where programs can be preempted (since 7.0) another task may be in it for
 * as long as it waits for the CPU: whatever comes by meanwhile is skipped. So what must not be
 * missed has the same program some more times, attached behind the first, and each does what none
 * before it was run for. A deputy may be preempted as well, hence more than one; each further one
 * leaves some tenth of what is skipped.
 */
#define DEPUTIZED(X)               \
	X(FORK, on_fork)           \
	X(EXEC, on_exec)           \
	X(EXIT, on_exit)           \
	X(RENAME, on_rename)       \
	X(EXIT_MMAP, on_exit_mmap) \
	X(RECLAIMER_EXIT, on_reclaimer_exit)

/* Called as the program is, with their number behind it; the program itself is number 1. */
#define DEPUTIES(X) X(2) X(3) X(4)
#define DEPUTY_LAST 4
/* clang-format off */
#define DEPUTY_NAMES(program) { #program, #program "_2", #program "_3", #program "_4" }
/* clang-format on */

enum deputized {
#define X(name, program) DEPUTIZED_##name,
	DEPUTIZED(X)
#undef X
		DEPUTIZED_END
};
