/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Opens files that a traced process names, below its root. Whoever put them there may have put
 * something else: a FIFO to wait for, a device to act upon, a link to a file that only this
 * program may read.
 */

#define SAFE_OPEN_ANY_OWNER ((uid_t)-1)

struct safe_open {
	uint64_t max_bytes; /* 0: any size */
	uid_t owner;        /* whose file it has to be; root's is always taken */
	bool follow;        /* may the last part of the path be a link? */
};

/* The root folder of a process, below `proc` ("/proc"): a descriptor for safe_open(), or -errno.
 * It pins the file system that it is on: to be closed soon. */
int safe_open__root(const char *proc, uint32_t pid);

/*
 * A descriptor to read the regular file `path` (from `root`, whether it begins with a slash or
 * not), or -errno. Links and ".." end at `root`; on no way out of it. Nothing but a regular file is
 * ever opened, not even for a moment.
 *
 * -ELOOP it is a link (or has too many, or one of /proc in it); -EISDIR; -EPIPE a FIFO or a socket;
 * -ENODEV a device; -EPERM another's; -EFBIG; and those of openat2(2).
 */
int safe_open(int root, const char *path, const struct safe_open *wanted);

/* What openat2(2) is asked with, in read-only memory: for filters of system calls. */
const void *safe_open__how(bool follow);

/* What those errors mean, to be put behind a path and "is" or "cannot be opened". */
const char *safe_open__why(int error);
