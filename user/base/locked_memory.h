/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Memory taken from the kernel before it is scarce: `bytes` are touched, locked and given to
 * malloc(3), which from then on takes nothing from the kernel until they are used up, in any
 * thread, and gives nothing back. Everything mapped by then is resident and locked as well, code
 * included: what runs for the first time while the host is full must not be read from the disk.
 *
 * What is mapped later is locked page by page as it is touched (MCL_ONFAULT): a thread's stack then
 * costs what it uses instead of its whole size. (Touched up front, the code of this program and its
 * libraries costs about 1 MiB more than on-fault, and each default stack would cost 8.)
 *
 * To be called once, before any other thread: arenas that exist stay. Locks do not survive fork(2),
 * and a fork makes every page copy-on-write for the parent too: start children with
 * posix_spawn(3).
 *
 * *locked: false without CAP_IPC_LOCK and with a finite RLIMIT_MEMLOCK; all else holds. (There is
 * no half of it: locking what comes later would then make mmap(2) fail some day.) -ENOMEM.
 */
int locked_memory__reserve(size_t bytes, bool *locked);

/*
 * The next 128 KiB of the calling thread's stack, which has to be larger, are there from now on:
 * the first walk down a deep path may be the one of the kill. The thread that reserves has its own.
 */
void locked_memory__touch_stack(void);

struct memory_use {
	uint64_t heap_from_kernel_bytes; /* all that malloc holds, in use or not */
	uint64_t minor_faults;           /* of the process, since its start */
	uint64_t major_faults;
};

/* Two of them tell what was taken in between. Allocates nothing. */
struct memory_use locked_memory__use(void);
