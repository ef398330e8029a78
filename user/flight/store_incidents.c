/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "flight/store_internal.h"

/* --- one incident ----------------------------------------------------------------------------- */

static int incident__open(const struct store *store, const char *id)
{
	if (!store__is_id(id))
		return -EINVAL;
	return store->incidents_fd < 0 ? -ENOENT : folder__open(store->incidents_fd, id);
}

int store__open_file(const struct store *store, const char *id, const char *name)
{
	_cleanup_(closep) int folder = incident__open(store, id);

	if (folder < 0)
		return folder;
	return store__is_id(name) ? file__open(folder, name) : -EINVAL;
}

int store__incident_path(struct store *store, const char *id, const char *name, char *path,
			 size_t size)
{
	_cleanup_(closep) int folder = incident__open(store, id);

	if (folder < 0)
		return folder;
	if (!store__is_id(name))
		return -EINVAL;
	store__close(&store->path_fd);
	store->path_fd = take_fd(&folder);
	snprintf(path, size, "/proc/self/fd/%d/%s", store->path_fd, name);
	return 0;
}

struct contents {
	const char *data; /* NULL: all of fd */
	size_t length;
	int fd;
};

static int put_synced(int folder, const char *name, const struct contents *contents)
{
	_cleanup_(closep) int fd = file__create(folder, name);
	int err = fd;

	if (err >= 0)
		err = contents->data ? file__put(fd, contents->data, contents->length)
				     : file__copy(contents->fd, fd);
	return err < 0 ? err : store__sync(fd);
}

static int incident__replace(struct store *store, const char *id, const char *name,
			     const struct contents *contents)
{
	_cleanup_(closep) int folder = incident__open(store, id);
	char fresh[STORE_ID_BYTES + 8];
	int err;

	if (folder < 0)
		return folder;
	if (!store__is_id(name))
		return -EINVAL;
	snprintf(fresh, sizeof(fresh), ".%s.new", name);
	if (unlinkat(folder, fresh, 0) < 0 && errno != ENOENT)
		return -errno;
	err = put_synced(folder, fresh, contents);
	if (err == 0 && renameat(folder, fresh, folder, name) < 0)
		err = -errno;
	if (err < 0) {
		unlinkat(folder, fresh, 0);
		return err;
	}
	return store__sync(folder);
}

int store__replace(struct store *store, const char *id, const char *name, const char *data,
		   size_t length)
{
	return incident__replace(store, id, name,
				 &(struct contents){.data = data, .length = length});
}

int store__replace_window(struct store *store, const char *id, int chunk_fd)
{
	return incident__replace(store, id, STORE_TRAIL, &(struct contents){.fd = chunk_fd});
}

static int add_bytes(void *context, int folder_fd, const char *name)
{
	uint64_t *bytes = context;
	struct stat status;

	if (fstatat(folder_fd, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(status.st_mode))
		*bytes += (uint64_t)status.st_blocks * STORE_BLOCK_BYTES;
	return 0;
}

int store__incident_bytes(const struct store *store, const char *id, uint64_t *bytes)
{
	_cleanup_(closep) int folder = incident__open(store, id);
	uint64_t sum = 0;
	int err;

	if (folder < 0)
		return folder;
	err = folder__walk(folder, add_bytes, &sum);
	if (err == 0)
		*bytes = sum;
	return err;
}

/* --- all of them ------------------------------------------------------------------------------ */

struct id_list {
	char (*ids)[STORE_ID_BYTES];
	size_t count;
	size_t room;
};

static int id_list__add(void *context, int folder_fd, const char *name)
{
	struct id_list *list = context;
	struct stat status;

	if (!store__is_id(name) || fstatat(folder_fd, name, &status, AT_SYMLINK_NOFOLLOW) < 0 ||
	    !S_ISDIR(status.st_mode))
		return 0;
	if (list->count == list->room) {
		const size_t room = list->room ? 2 * list->room : 64;
		void *ids = reallocarray(list->ids, room, sizeof(*list->ids));

		if (!ids)
			return -ENOMEM;
		list->ids = ids;
		list->room = room;
	}
	memset(list->ids[list->count], 0, STORE_ID_BYTES);
	strcpy(list->ids[list->count++], name);
	return 0;
}

static int id__compare(const void *a, const void *b)
{
	return -strcmp(a, b);
}

int store__incidents(const struct store *store, char (**out)[STORE_ID_BYTES], size_t *count)
{
	struct id_list list = {0};
	int err = folder__walk(store->incidents_fd, id_list__add, &list);

	if (err < 0) {
		free(list.ids);
		return err;
	}
	if (list.count > 0)
		qsort(list.ids, list.count, sizeof(*list.ids), id__compare);
	*out = list.ids;
	*count = list.count;
	return 0;
}

/* --- removing --------------------------------------------------------------------------------- */

int store__remove_incident(struct store *store, const char *id)
{
	char gone[sizeof(STORE_GONE) + STORE_ID_BYTES];
	int err;

	if (!store__is_id(id))
		return -EINVAL;
	/* Under its own name nobody shall meet half of it. */
	snprintf(gone, sizeof(gone), STORE_GONE "-%s", id);
	err = folder__remove(store->incidents_fd, gone);
	if (err < 0)
		return err;
	if (renameat(store->incidents_fd, id, store->incidents_fd, gone) < 0)
		return -errno;
	return folder__remove(store->incidents_fd, gone);
}

static bool is_kept(const char *id, const char (*keep)[STORE_ID_BYTES], size_t keep_count)
{
	for (size_t i = 0; i < keep_count; i++) {
		if (strcmp(id, keep[i]) == 0)
			return true;
	}
	return false;
}

int store__trim_incidents(struct store *store, size_t max_count, uint64_t max_bytes,
			  const char (*keep)[STORE_ID_BYTES], size_t keep_count, size_t *removed)
{
	_cleanup_(freep) char(*ids)[STORE_ID_BYTES] = NULL;
	_cleanup_(freep) uint64_t *bytes = NULL;
	uint64_t sum = 0;
	size_t count, left;
	int first_err = 0, err = store__incidents(store, &ids, &count);

	*removed = 0;
	if (err < 0 || count == 0)
		return err;
	bytes = calloc(count, sizeof(*bytes));
	if (!bytes)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		/* What cannot be looked at counts as nothing, and can be removed all the same. */
		store__incident_bytes(store, ids[i], &bytes[i]);
		sum += bytes[i];
	}
	left = count;
	for (size_t i = count; i-- > 0 && (left > max_count || sum > max_bytes);) {
		if (is_kept(ids[i], keep, keep_count))
			continue;
		err = store__remove_incident(store, ids[i]);
		if (err == 0)
			++*removed;
		else if (err != -ENOENT && first_err == 0)
			first_err = err;
		/* Newer ones do not go in place of one that stays. */
		left--;
		sum -= bytes[i];
	}
	return first_err;
}
