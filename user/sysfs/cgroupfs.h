/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <limits.h>
#include <stdint.h>

#include "bpf/events.h"

/* The memory controller's hierarchy: cgroup v1's own, or v2's unified one where the controller is
 * enabled there. Errors are -errno.
 */
struct cgroupfs {
	unsigned int version; /* 1, 2, or 0: no memory controller is mounted */
	char mount[PATH_MAX];
};

/* Finds it in /proc/self/mountinfo below `root` (see procfs.h). -ENOENT: version is 0. */
int cgroupfs__find(struct cgroupfs *out, const char *root);

/* The kernel's id of a cgroup named by its path below the mount ("/a/b") or by an absolute folder
 * inside the mount. -ENOENT, -ENOTDIR; -EXDEV: a folder outside the mount. */
int cgroupfs__id(const struct cgroupfs *cgroupfs, const char *path, uint64_t *id);

/* Opens the folder of a cgroup by its id, wherever it has been renamed to: a file descriptor for
 * openat(), or -errno (-ESTALE: it is gone). */
int cgroupfs__open_id(const struct cgroupfs *cgroupfs, uint64_t id);

/* memory.stat of the cgroup behind a folder's descriptor. Rows this version lacks stay
 * EVENT_UNKNOWN. Reading makes the kernel flush its statistics: tens of us. */
int cgroupfs__stat(const struct cgroupfs *cgroupfs, int folder, struct memcg_stat *out);

/* Fills a memcg_stat from the text of a memory.stat. */
void cgroupfs__parse_stat(const char *text, unsigned int version, struct memcg_stat *out);

/* What the limits have done at this very level: memory.events.local, on v1 memory.oom_control. Rows
 * that this version lacks stay EVENT_UNKNOWN. -ENOENT: the root of v2 has none. */
int cgroupfs__events(const struct cgroupfs *cgroupfs, int folder, struct memcg_events *out);

void cgroupfs__parse_events(const char *text, unsigned int version, struct memcg_events *out);

/* A file that holds one size. EVENT_UNKNOWN where there is none, as memory.high on v1. v1 knows no
 * "max": a limit that is not set is a huge number there. */
enum cgroupfs_bytes {
	CGROUPFS_USAGE,
	CGROUPFS_MAX,
	CGROUPFS_HIGH,
	CGROUPFS_MEMSW_USAGE, /* memory and swap together */
	CGROUPFS_MEMSW_MAX
};
int64_t cgroupfs__bytes(const struct cgroupfs *cgroupfs, int folder, enum cgroupfs_bytes which);

/* "4096", or "max": EVENT_NO_LIMIT. */
int64_t cgroupfs__parse_bytes(const char *text);

/* Makes a cgroup directly below the mount and sets its memory limit, swap forbidden. The limit is
 * read back: a cgroup whose limit does not hold is removed again and -EIO returned. `folder`
 * receives its path.
 */
int cgroupfs__make(const struct cgroupfs *cgroupfs, const char *name, uint64_t limit_bytes,
		   char folder[PATH_MAX]);

/* Moves a process into the cgroup of that folder. */
int cgroupfs__move(const char *folder, uint32_t pid);

/* Removes the folder; -EBUSY while processes are left in it. */
int cgroupfs__remove(const char *folder);
