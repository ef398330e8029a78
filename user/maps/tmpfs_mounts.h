/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Where a process sees tmpfs file systems, from /proc/PID/mountinfo. The paths in there are chosen
 * by whoever mounted them. */

struct tmpfs_mounts {
	struct tmpfs_mount *mounts;
	size_t count;
	size_t bytes; /* of heap */
};

/* Up to `most`, of the first `most_bytes` of the file; none where it cannot be read. */
void tmpfs_mounts__read(struct tmpfs_mounts *mounts, const char *proc, uint32_t pid, size_t most,
			size_t most_bytes);
void tmpfs_mounts__free(struct tmpfs_mounts *mounts);

/* Of a device's mount points the one that leads to `path`; NULL: no tmpfs is on that device. */
const char *tmpfs_mounts__find(const struct tmpfs_mounts *mounts, uint32_t major, uint32_t minor,
			       const char *path);
