/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/* What the files store*.c share. */

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flight/store.h"

#define STORE_WINDOW      "window"
#define STORE_INCIDENTS   "incidents"
#define STORE_LOCK        "lock"
#define STORE_SPARE       ".spare"
#define STORE_GONE        ".gone"
#define STORE_TRAIL       "window.trail"
#define STORE_JSON        "incident.json"
#define STORE_TEXT        "report.txt"

#define STORE_BLOCK_BYTES 512   /* the unit of st_blocks */
#define STORE_COPY_BYTES  16384 /* at once, on the stack */

struct store {
	char dir[PATH_MAX]; /* absolute */
	int dir_fd;
	int lock_fd;                  /* -1: opened to read */
	int window_fd;                /* opened to read: -1 when there is none */
	int incidents_fd;             /* likewise */
	int spare_fd;                 /* .spare, when prepared */
	int json_fd;                  /* its incident.json */
	size_t json_bytes;            /* preallocated there */
	int path_fd;                  /* what store__incident_path() runs through */
	bool recovered;               /* store__recover() was asked */
	char left_id[STORE_ID_BYTES]; /* that it could not give to .spare; "" */
};

/* Prints to `why` and returns `err`. */
__attribute__((format(printf, 4, 5))) int explain_why(char *why, size_t size, int err,
						      const char *format, ...);

/* Of folders and files below a folder of ours; a symbolic link is never followed. fd or -errno. */
int folder__open(int parent_fd, const char *name);
int file__open(int folder_fd, const char *name); /* to read, and regular */
int file__create(int folder_fd, const char *name);

/* mkdir(2) with mode 0700 whatever the umask. 0 also when there is one. */
int folder__make(int parent_fd, const char *name);

bool fd__is_same(int a, int b); /* both of one file; false when one is -1 */

/* Calls `visit` for every name but "." and "..", until it returns something else than 0. */
int folder__walk(int folder_fd, int (*visit)(void *context, int folder_fd, const char *name),
		 void *context);

/* A folder and all that lies in it; nothing behind a link or in a mount (-EBUSY). What can be
 * removed is, also when something else cannot: the first error. 0 also when there is none. */
int folder__remove(int parent_fd, const char *name);

/* All of it, at the file's beginning. */
int file__put(int fd, const char *data, size_t length);

/* All that is readable at `from`, to the beginning of `to`. */
int file__copy(int from, int to);

/* fsync(2), but a file system without need for it is no error. */
int store__sync(int fd);

void store__close(int *fd);

static inline int take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

/* The name of a chunk in window/: 16 hex digits and ".trail". */
#define STORE_CHUNK_BYTES 24
void chunk__name(char name[STORE_CHUNK_BYTES], uint64_t number);

/* Those that a crash left without a name. */
int store__remove_fresh_chunks(struct store *store);

/* Gives .spare the name `id`, or `id` with a number behind it, which `id` becomes then. */
int store__name_spare(struct store *store, char id[STORE_ID_BYTES]);
