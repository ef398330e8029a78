/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/* Without it uthash ends the program when memory is short. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "maps/objects.h"

#define WHY_BYTES 96

struct file_key {
	uint64_t device;
	uint64_t inode;
	uint64_t size_bytes;
	int64_t modified_ns;
	int64_t changed_ns;
};

/* What was read, or why it cannot be. */
struct held {
	struct object *object; /* NULL: `error` */
	int error;
	char why[WHY_BYTES];
	size_t bytes;
	unsigned int users;
	struct known *files;
	struct held *prev, *next;
	UT_hash_handle hh; /* by object */
};

struct known {
	struct file_key key;
	struct held *held;
	struct known *next; /* of the same content */
	UT_hash_handle hh;
};

struct objects {
	const char *proc;
	size_t max_bytes;
	struct known *by_key;
	struct held *by_object;
	struct held *recent; /* the least recently used first */
	struct object *vdso;
	size_t vdso_bytes;
	struct objects_counts counts;
};

/* Gives up what is held, with all its files. */
void objects__drop(struct objects *objects, struct held *held);
/* As much as has to be, of what nobody uses. */
void objects__make_room(struct objects *objects);
void objects__use(struct objects *objects, struct held *held);
/* A place for `object` (consumed; NULL: none). NULL: out of memory. */
struct held *objects__hold(struct objects *objects, struct object *object);
/* One more file of that content; 0 or -ENOMEM. */
int objects__know(struct objects *objects, const struct file_key *key, struct held *held);
struct held *objects__find_equal(const struct objects *objects, const struct object *object);
/* NULL also where there are several: nobody can tell which one it was. */
struct held *objects__find_like(const struct objects *objects, const struct file_id *id);
