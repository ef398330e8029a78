/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "flight/store_internal.h"

/* What store__replace() had begun. */
static int remove_temporary(void *context, int folder_fd, const char *name)
{
	const size_t length = strlen(name);

	(void)context;
	if (name[0] == '.' && length > 4 && strcmp(name + length - 4, ".new") == 0)
		unlinkat(folder_fd, name, 0);
	return 0;
}

static int store__remove_temporary(struct store *store)
{
	_cleanup_(freep) char(*ids)[STORE_ID_BYTES] = NULL;
	size_t count;
	int err = store__incidents(store, &ids, &count);

	for (size_t i = 0; err == 0 && i < count; i++) {
		_cleanup_(closep) int folder = folder__open(store->incidents_fd, ids[i]);

		if (folder >= 0)
			folder__walk(folder, remove_temporary, NULL);
	}
	return err;
}

static bool has_bytes(int folder_fd, const char *name)
{
	struct stat status;

	return fstatat(folder_fd, name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISREG(status.st_mode) && status.st_size > 0;
}

static int remove_gone(void *context, int folder_fd, const char *name)
{
	int *first_err = context, err;

	if (strncmp(name, STORE_GONE, strlen(STORE_GONE)) != 0)
		return 0;
	err = folder__remove(folder_fd, name);
	if (*first_err == 0)
		*first_err = err;
	return 0;
}

static int store__remove_gone(struct store *store)
{
	int first_err = 0, err = folder__walk(store->incidents_fd, remove_gone, &first_err);

	return err ? err : first_err;
}

static int store__recover_spare(struct store *store,
				int (*id_of)(void *context, int folder_fd, char id[STORE_ID_BYTES]),
				void *context, size_t *recovered)
{
	_cleanup_(closep) int spare = folder__open(store->incidents_fd, STORE_SPARE);
	char id[STORE_ID_BYTES] = "";
	int err;

	if (spare < 0)
		return spare == -ENOENT ? 0 : spare;
	if ((!has_bytes(spare, STORE_TRAIL) && !has_bytes(spare, STORE_JSON)) ||
	    id_of(context, spare, id) < 0 || !store__is_id(id))
		return folder__remove(store->incidents_fd, STORE_SPARE);
	err = store__sync(spare);
	if (err == 0)
		err = store__name_spare(store, id);
	if (err < 0) {
		memcpy(store->left_id, id, sizeof(id));
		return err;
	}
	*recovered = 1;
	return store__sync(store->incidents_fd);
}

int store__recover(struct store *store,
		   int (*id_of)(void *context, int folder_fd, char id[STORE_ID_BYTES]),
		   void *context, size_t *recovered)
{
	int err, first_err;

	*recovered = 0;
	store->recovered = true;
	/* What one of them cannot put right is no reason to leave the rest. On a full disk a name
	 * may need the room that what is removed gives back. */
	first_err = store__remove_gone(store);
	err = store__remove_temporary(store);
	if (first_err == 0)
		first_err = err;
	err = store__remove_fresh_chunks(store);
	if (first_err == 0)
		first_err = err;
	err = store__recover_spare(store, id_of, context, recovered);
	return first_err ? first_err : err;
}
