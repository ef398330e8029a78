/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "elf/object.h"

/*
 * The separate debug file of an object, below a root:
 *
 *   /usr/lib/debug/.build-id/xx/yyyy.debug   by its build-id
 *   FOLDER/NAME, FOLDER/.debug/NAME,         by the name in .gnu_debuglink, FOLDER being that of
 *   /usr/lib/debug/FOLDER/NAME               the object
 *
 * It is opened by safe_open(), and taken only when it belongs to the object: the build-id is the
 * same, and so is the checksum of what is found by name.
 */
struct debug_file {
	int fd;                /* to be closed soon: it pins the file system that it is on */
	struct object *object; /* what object__read() takes out of it */
};

#define DEBUG_FILE_MAX_BYTES (4ULL << 30)
#define DEBUG_LINK_MAX_BYTES (1ULL << 30) /* by name: all of it is read for the checksum */

struct debug_place {
	int root;         /* safe_open__root() */
	const char *path; /* of the object, from there; NULL: not known */
	uid_t owner;      /* whose file it has to be, or root's; SAFE_OPEN_ANY_OWNER */
};

/* 0; -ENOENT: there is none; else why the first one was refused, and none was better: of
 * safe_open() or object__read(), or -EBADMSG: another one's. `why`: a sentence without anything
 * that somebody else wrote. */
int debug_file__open(struct debug_file *out, const struct object *object,
		     const struct debug_place *place, char *why, size_t why_size);

void debug_file__close(struct debug_file *file);
