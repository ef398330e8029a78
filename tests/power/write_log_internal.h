/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/* What write_log.c (records) and write_log_calls.c (the functions replaced) share. errno passes
 * through all of these. */

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/power/write_log.h"

/* An operation and its record happen under one lock, for all threads and processes. */
void log__lock(void);
void log__unlock(void);
uint64_t log__token(void); /* under the lock; never the same twice */

struct write_log_record log__begin(enum write_log_op op);
void log__put(struct write_log_record *record, const char *name, const char *to_name,
	      const void *data, size_t length);
void log__put_strange(const char *what);

/* Is the open file below the folder, also when it has lost its name? */
bool log__is_ours(int fd);
uint64_t log__inode_of(int fd);

struct place {
	int folder_fd; /* -1: not ours */
	uint64_t folder;
	char name[NAME_MAX + 1];
};

/* Where a path ends, whichever way it gets there. */
struct place place__find(int at_fd, const char *path);
uint64_t place__inode(const struct place *place); /* 0: nothing has that name */
void place__put(struct write_log_record *record, const struct place *place);
void place__leave(struct place *place);
