/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/* What the tests of the recorder's folder have in common: a store in a throwaway folder, and a
 * look at it from outside, by path.
 */

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "flight/store.h"

#define JSON_BYTES 16384

struct folder {
	char top[64];
	char dir[80]; /* of the store; not there at first */
	struct store *store;
};

static inline int remove_one(const char *path, const struct stat *status, int type, struct FTW *ftw)
{
	(void)status;
	(void)type;
	(void)ftw;
	return remove(path);
}

static inline void remove_tree(const char *path)
{
	nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static inline int folder__setup(void **state)
{
	struct folder *folder = calloc(1, sizeof(*folder));

	strcpy(folder->top, "/tmp/oomtrail-flight-XXXXXX");
	if (!mkdtemp(folder->top))
		return -1;
	snprintf(folder->dir, sizeof(folder->dir), "%s/store", folder->top);
	*state = folder;
	return 0;
}

static inline int folder__teardown(void **state)
{
	struct folder *folder = *state;

	store__free(folder->store);
	remove_tree(folder->top);
	free(folder);
	return 0;
}

static inline struct store *folder__open(struct folder *folder)
{
	struct store_holder holder;
	char why[256] = "";

	if (store__open(&folder->store, folder->dir, &holder, why, sizeof(why)) < 0)
		fail_msg("%s", why);
	return folder->store;
}

static inline void folder__close(struct folder *folder)
{
	store__free(folder->store);
	folder->store = NULL;
}

/* "DIR/<what>", in one of a few buffers. */
static inline const char *folder__path(const struct folder *folder, const char *what)
{
	static char paths[4][512];
	static unsigned int next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", folder->dir, what);
	return path;
}

static inline bool folder__has(const struct folder *folder, const char *what)
{
	struct stat status;

	return lstat(folder__path(folder, what), &status) == 0;
}

static inline struct stat folder__stat(const struct folder *folder, const char *what)
{
	struct stat status;

	if (lstat(folder__path(folder, what), &status) < 0)
		fail_msg("%s: %s", folder__path(folder, what), strerror(errno));
	return status;
}

static inline void folder__write(const struct folder *folder, const char *what, const char *data)
{
	int fd = open(folder__path(folder, what), O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, strlen(data)), strlen(data));
	close(fd);
}

static inline void folder__assert_holds(const struct folder *folder, const char *what,
					const char *data)
{
	char bytes[256] = {0};
	int fd = open(folder__path(folder, what), O_RDONLY);

	if (fd < 0)
		fail_msg("%s: %s", folder__path(folder, what), strerror(errno));
	assert_true(read(fd, bytes, sizeof(bytes) - 1) >= 0);
	close(fd);
	assert_string_equal(bytes, data);
}

/* A chunk that is no recording; to the store it is only a file. The descriptor is for reading. */
static inline int folder__chunk(const struct folder *folder, uint64_t number, const char *data)
{
	char path[64];
	int fd;

	store__chunk_path(folder->store, number, path, sizeof(path));
	fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, strlen(data)), strlen(data));
	return fd;
}

static inline struct store_published folder__publish(struct folder *folder, const char *id,
						     uint64_t chunk, const char *json)
{
	char used[STORE_ID_BYTES];
	struct store_published result;

	snprintf(used, sizeof(used), "%s", id);
	assert_int_equal(
		store__publish(folder->store, used, chunk, -1, json, strlen(json), &result), 0);
	assert_string_equal(used, id);
	return result;
}
