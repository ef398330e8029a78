/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stdint.h>

/*
 * The system calls that the process that names stacks, and those that it forks, are left with: they
 * read what others made. It reads files and memory maps, and sends to its socket. Files it opens
 * for reading only; it starts no program, signals nobody, makes no connection, and writes to
 * stderr alone. What no honest run ever asks for ends the process (SIGSYS); any other call is
 * refused (EPERM), counted, and its number written to stderr once.
 *
 * What remains: openat2(2) takes its flags from memory, where no filter looks. It is let through
 * with the two sets of flags of symbols/safe_open.h alone, known by their addresses in read-only
 * memory: somebody who runs code of his own in here, and has other memory mapped there first, could
 * create files and truncate them, but not write into them.
 */

/* For good, no_new_privs being set. `answers_fd`: the one socket that messages with descriptors are
 * taken from; -1: none. 0 or -errno: the kernel has no filters. */
int stack_calls__confine(int answers_fd);

/* Of all that were refused. */
uint64_t stack_calls__refused(void);
