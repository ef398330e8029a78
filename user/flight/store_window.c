/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "flight/store_internal.h"

void chunk__name(char name[STORE_CHUNK_BYTES], uint64_t number)
{
	snprintf(name, STORE_CHUNK_BYTES, "%016" PRIx64 ".trail", number);
}

static bool chunk__number(const char *name, uint64_t *number)
{
	char again[STORE_CHUNK_BYTES];

	*number = strtoull(name, NULL, 16);
	chunk__name(again, *number);
	return strcmp(name, again) == 0;
}

void store__chunk_path(const struct store *store, uint64_t number, char *path, size_t size)
{
	char name[STORE_CHUNK_BYTES];

	chunk__name(name, number);
	snprintf(path, size, "/proc/self/fd/%d/%s", store->window_fd, name);
}

#define FRESH ".new" /* in place of .trail; a name that no chunk has */

static void chunk__fresh_name(char name[STORE_CHUNK_BYTES], uint64_t number)
{
	snprintf(name, STORE_CHUNK_BYTES, "%016" PRIx64 FRESH, number);
}

void store__fresh_chunk_path(const struct store *store, uint64_t number, char *path, size_t size)
{
	char name[STORE_CHUNK_BYTES];

	chunk__fresh_name(name, number);
	snprintf(path, size, "/proc/self/fd/%d/%s", store->window_fd, name);
}

int store__name_chunk(struct store *store, uint64_t number)
{
	char fresh[STORE_CHUNK_BYTES], name[STORE_CHUNK_BYTES];

	chunk__fresh_name(fresh, number);
	chunk__name(name, number);
	if (renameat(store->window_fd, fresh, store->window_fd, name) < 0)
		return -errno;
	return store__sync(store->window_fd);
}

int store__drop_fresh_chunk(struct store *store, uint64_t number)
{
	char name[STORE_CHUNK_BYTES];

	chunk__fresh_name(name, number);
	return unlinkat(store->window_fd, name, 0) < 0 ? -errno : 0;
}

static int remove_fresh(void *context, int folder_fd, const char *name)
{
	const size_t length = strlen(name), ending = strlen(FRESH);

	(void)context;
	if (length > ending && strcmp(name + length - ending, FRESH) == 0)
		unlinkat(folder_fd, name, 0);
	return 0;
}

int store__remove_fresh_chunks(struct store *store)
{
	return folder__walk(store->window_fd, remove_fresh, NULL);
}

int store__open_chunk(const struct store *store, uint64_t number)
{
	char name[STORE_CHUNK_BYTES];

	chunk__name(name, number);
	return file__open(store->window_fd, name);
}

int store__remove_chunk(struct store *store, uint64_t number)
{
	char name[STORE_CHUNK_BYTES];

	chunk__name(name, number);
	return unlinkat(store->window_fd, name, 0) < 0 ? -errno : 0;
}

struct chunk_list {
	struct store_chunk *chunks;
	size_t count;
	size_t room;
};

static int chunk_list__add(void *context, int folder_fd, const char *name)
{
	struct chunk_list *list = context;
	struct stat status;
	uint64_t number;

	if (!chunk__number(name, &number) ||
	    fstatat(folder_fd, name, &status, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(status.st_mode))
		return 0;
	if (list->count == list->room) {
		const size_t room = list->room ? 2 * list->room : 16;
		struct store_chunk *chunks = reallocarray(list->chunks, room, sizeof(*chunks));

		if (!chunks)
			return -ENOMEM;
		list->chunks = chunks;
		list->room = room;
	}
	list->chunks[list->count++] = (struct store_chunk){
		.number = number,
		.bytes = (uint64_t)status.st_blocks * STORE_BLOCK_BYTES,
		.modified_ns = status.st_mtim.tv_sec * (int64_t)NS_PER_S + status.st_mtim.tv_nsec,
	};
	return 0;
}

static int chunk__compare(const void *a, const void *b)
{
	const struct store_chunk *first = a, *second = b;

	return (first->number > second->number) - (first->number < second->number);
}

int store__chunks(const struct store *store, struct store_chunk **out, size_t *count)
{
	struct chunk_list list = {0};
	int err = folder__walk(store->window_fd, chunk_list__add, &list);

	if (err < 0) {
		free(list.chunks);
		return err;
	}
	if (list.count > 0)
		qsort(list.chunks, list.count, sizeof(*list.chunks), chunk__compare);
	*out = list.chunks;
	*count = list.count;
	return 0;
}

int store__next_chunk(const struct store *store, uint64_t *number)
{
	_cleanup_(freep) struct store_chunk *chunks = NULL;
	size_t count;
	int err = store__chunks(store, &chunks, &count);

	if (err < 0)
		return err;
	if (count > 0 && chunks[count - 1].number == UINT64_MAX)
		return -ERANGE;
	*number = count > 0 ? chunks[count - 1].number + 1 : 0;
	return 0;
}

static int64_t realtime_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * (int64_t)NS_PER_S + now.tv_nsec;
}

int store__trim_window(struct store *store, uint64_t keep_from, uint64_t max_bytes,
		       uint64_t max_age_ns, size_t *removed)
{
	_cleanup_(freep) struct store_chunk *chunks = NULL;
	const int64_t now_ns = realtime_ns();
	uint64_t bytes = 0;
	size_t count;
	int err = store__chunks(store, &chunks, &count);

	*removed = 0;
	if (err < 0)
		return err;
	for (size_t i = 0; i < count; i++)
		bytes += chunks[i].bytes;
	for (size_t i = 0; i < count && chunks[i].number < keep_from; i++) {
		const int64_t age_ns = now_ns - chunks[i].modified_ns;

		/* Written in the future: the clock was set back, its age cannot be told. */
		if (bytes <= max_bytes && (age_ns < 0 || (uint64_t)age_ns <= max_age_ns))
			break;
		err = store__remove_chunk(store, chunks[i].number);
		if (err < 0 && err != -ENOENT)
			return err;
		bytes -= chunks[i].bytes;
		++*removed;
	}
	return 0;
}
