/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stdint.h>

#include "elf/object.h"
#include "maps/mapping.h"

/* Ways to the file behind a mapping, the surest first. */
enum mapped_route {
	ROUTE_MAPPED, /* /proc/PID/map_files: also a deleted one, and one of another mount namespace
		       */
	ROUTE_AROUND, /* likewise, where the mapping has been split or has grown meanwhile */
	ROUTE_ROOT,   /* its path, below the root of the process */
	ROUTE_OWN,    /* its path, as we see it: the process may be gone */
	ROUTE_COUNT
};

/* A descriptor to read a regular file with, or -errno: -ENOENT, -ESRCH, -EPERM, and as of
 * safe_open(). Which file that is, nobody knows yet. */
int mapped_open(const char *proc, uint32_t pid, const struct mapping *mapping,
		enum mapped_route route);

/* Is it the file that was told to be mapped? 0; -ESTALE: it is another one, or nobody can tell. */
int mapped_check(int fd, const struct object *object, const struct mapping *mapping,
		 enum mapped_route route);
