/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "elf/object.h"
#include "maps/mapping.h"

/*
 * The ELF files behind mappings, each read once for all processes that map it, and closed again.
 *
 * A file is known by device, inode, size and times; copies of it (one in each container) are held
 * once when they are equal byte for byte, not because they claim the same build-id. Of a process
 * that is gone, a file at the same path is taken when it has the build-id (or inode) that was
 * told, and then one that is held, if there is only one like that.
 *
 * The least recently used go where there are too many bytes; what somebody has stays. For one
 * thread.
 */
struct objects;

struct objects_options {
	size_t max_bytes; /* 0: 256 MiB */
	const char *proc; /* NULL: "/proc" */
};

struct objects_counts {
	uint64_t files; /* held, those included that are of no use */
	uint64_t read;
	uint64_t shared; /* of these, copies of what was held */
	uint64_t hits;   /* asked for, and held already */
	uint64_t failed;
	uint64_t evicted;
	size_t bytes;
};

int objects__new(struct objects **out, const struct objects_options *options);
/* Everything has been put back. */
void objects__free(struct objects *objects);

/*
 * The file behind a mapping of `pid`, to be put back. -ENOENT: no file is behind it (code made at
 * run time, for one); -EINVAL, -EFBIG, -ENOEXEC as of object__read(); -ESTALE: there is a file, but
 * another one; -ESRCH: the process is gone and nothing else leads to the file; -EPERM; -errno.
 * `why`: one sentence.
 */
int objects__get(struct objects *objects, uint32_t pid, const struct mapping *mapping,
		 struct object **out, char *why, size_t why_size);
/* A descriptor to read the file of an object with, to be closed soon, by a mapping of it; errors as
 * above. */
int objects__open(struct objects *objects, uint32_t pid, const struct mapping *mapping,
		  const struct object *object);
void objects__put(struct objects *objects, struct object *object);

/* Of what nobody has, the least recently used go. */
void objects__keep_within(struct objects *objects, size_t max_bytes);

struct objects_counts objects__counts(const struct objects *objects);
