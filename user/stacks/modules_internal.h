/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Without it uthash ends the program when memory is short. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "stacks/modules.h"
#include "symbols/debug_file.h"

/*
 * What the files of modules share: modules.c (which module is where, and its names),
 * modules_room.c (what goes when there are too many, or memory is short), modules_lines.c (debug
 * files and source lines).
 */

/* `module` is the first member: what callers have is what is kept. */
struct entry {
	struct module module;
	struct symbols *symbols;
	bool named; /* symbols were looked for */
	char *path;
	uint32_t pid; /* that mapped it when it was last used */
	struct mapping mapping;
	uint64_t told_ns;  /* 0: not yet */
	uint64_t used;     /* the higher, the later */
	UT_hash_handle hh; /* by object */
};

/* Asking the host which file is behind a mapping costs a few system calls: once is enough. */
struct place_key {
	const struct mapped_file *file;
	uint64_t start;
	uint64_t from_ns;
	uint64_t pid;
};

struct place {
	struct place_key key;
	struct entry *entry; /* NULL: nothing of use */
	struct mapped_file *file;
	UT_hash_handle hh; /* the oldest first */
};

#define MODULES_RECENT 64 /* a power of two: what frames of stacks in a row ask for */

struct modules {
	struct objects *objects;
	struct patience *patience;
	struct stack_sink sink;
	struct place *places;
	struct place *recent[MODULES_RECENT];
	struct entry *by_object;
	uint64_t uses;
	uint32_t last_id;
	uint64_t too_large;
};

/* Where the place of a key is, if it has been asked for lately. */
static inline struct place **modules__recent(struct modules *modules, const struct place_key *key)
{
	uint64_t mixed =
		((uintptr_t)key->file >> 4 ^ key->start >> 12 ^ key->pid) * 0x9e3779b97f4a7c15ULL;

	return &modules->recent[mixed >> 32 & (MODULES_RECENT - 1)];
}

/* --- modules_room.c --- */

void modules__drop_place(struct modules *modules, struct place *place);
void modules__drop(struct modules *modules, struct entry *entry);
/* For one more. */
void modules__make_room(struct modules *modules);
/* Half of what there is, but not `kept` (may be NULL), as memory is short. False: there was nothing
 * to be given up. */
bool modules__relieve(struct modules *modules, const struct entry *kept);

/* --- modules_lines.c --- */

/* The debug file is looked for in our own root, whose it has to be; where the process has another,
 * the build-id still says which one belongs to its program. False: there is none. */
bool modules__open_debug_file(const struct entry *entry, struct debug_file *debug);
