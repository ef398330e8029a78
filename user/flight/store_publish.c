/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "flight/store_internal.h"

/* Phase one of an incident. It runs while memory is short: no allocation, and no library function
 * that may allocate. */

#define NAMES_TRIED 10000

bool store__is_id(const char *id)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789._-";
	const size_t length = strnlen(id, STORE_ID_BYTES);

	return length > 0 && length < STORE_ID_BYTES && id[0] != '.' &&
	       strspn(id, allowed) == length;
}

/* --- the spare folder ------------------------------------------------------------------------- */

static void spare__forget(struct store *store)
{
	store__close(&store->spare_fd);
	store__close(&store->json_fd);
	store->json_bytes = 0;
}

/* Not when somebody removed it, or the folders above it. */
static bool is_linked(int fd)
{
	struct stat status;

	return fd >= 0 && fstat(fd, &status) == 0 && status.st_nlink > 0;
}

static int put_zeros(int fd, size_t bytes)
{
	static const char zeros[STORE_COPY_BYTES];

	for (size_t done = 0; done < bytes;) {
		const size_t part = bytes - done < sizeof(zeros) ? bytes - done : sizeof(zeros);
		const ssize_t written = pwrite(fd, zeros, part, (off_t)done);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return written < 0 ? -errno : -EIO;
		done += (size_t)written;
	}
	return 0;
}

static int preallocate(int fd, size_t bytes)
{
	if (bytes == 0 || fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, (off_t)bytes) == 0)
		return 0;
	/* Where the file system cannot, blocks that are written once are there to be overwritten.
	 */
	if (errno == EOPNOTSUPP || errno == ENOSYS)
		return put_zeros(fd, bytes);
	return -errno;
}

/* An incident of before the crash goes first: nobody has it but .spare. */
static int spare__name_left(struct store *store)
{
	int err;

	if (!store->left_id[0])
		return 0;
	err = store__name_spare(store, store->left_id);
	if (err < 0 && err != -ENOENT)
		return err;
	store->left_id[0] = '\0';
	return 0;
}

static int spare__open(struct store *store)
{
	struct stat status;
	int err = spare__name_left(store);

	if (err == 0)
		err = folder__make(store->incidents_fd, STORE_SPARE);
	if (err < 0)
		return err;
	store->spare_fd = folder__open(store->incidents_fd, STORE_SPARE);
	if (store->spare_fd < 0)
		return store->spare_fd;
	/* Left by a crash, until store__recover() was asked. What a publishing that was refused has
	 * left since, the caller has as well: it stays until the next one begins. */
	if (!store->recovered &&
	    fstatat(store->spare_fd, STORE_TRAIL, &status, AT_SYMLINK_NOFOLLOW) == 0)
		return -EBUSY;
	if (unlinkat(store->spare_fd, STORE_TEXT, 0) < 0 && errno != ENOENT)
		return -errno;
	store->json_fd = file__create(store->spare_fd, STORE_JSON);
	if (store->json_fd < 0)
		return store->json_fd;
	return ftruncate(store->json_fd, 0) < 0 ? -errno : 0;
}

/* --- the name --------------------------------------------------------------------------------- */

/* Not onto an incident that exists; file systems that cannot promise it are asked beforehand,
 * which will do because the lock is ours. */
static int rename_new(int folder_fd, const char *from, const char *to)
{
	struct stat status;

	if (renameat2(folder_fd, from, folder_fd, to, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -errno;
	if (fstatat(folder_fd, to, &status, AT_SYMLINK_NOFOLLOW) == 0)
		return -EEXIST;
	return renameat(folder_fd, from, folder_fd, to) < 0 ? -errno : 0;
}

int store__name_spare(struct store *store, char id[STORE_ID_BYTES])
{
	char name[STORE_ID_BYTES];
	int err = rename_new(store->incidents_fd, STORE_SPARE, id);

	for (unsigned int i = 2; err == -EEXIST && i < NAMES_TRIED; i++) {
		if (snprintf(name, sizeof(name), "%s-%u", id, i) >= (int)sizeof(name))
			return -ENAMETOOLONG;
		err = rename_new(store->incidents_fd, STORE_SPARE, name);
		if (err == 0)
			memcpy(id, name, sizeof(name));
	}
	return err;
}

int store__prepare(struct store *store, size_t json_bytes)
{
	int err;

	if (is_linked(store->spare_fd) && store->json_bytes >= json_bytes)
		return 0;
	spare__forget(store);
	err = spare__open(store);
	if (err < 0) {
		spare__forget(store);
		return err;
	}
	err = preallocate(store->json_fd, json_bytes);
	if (err == 0)
		store->json_bytes = json_bytes;
	return err;
}

/* A spare folder to write into; its blocks may be lacking. */
static int store__need_spare(struct store *store, size_t json_bytes)
{
	int err = 0;

	if (is_linked(store->spare_fd))
		return 0;
	if (!store__is_there(store))
		err = store__revive(store);
	if (err == 0)
		err = store__prepare(store, json_bytes);
	return is_linked(store->spare_fd) ? 0 : err;
}

/* --- publishing ------------------------------------------------------------------------------- */

static uint64_t monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

static void sync_timed(int fd, struct store_published *result)
{
	const uint64_t begin_ns = monotonic_ns();
	const int err = store__sync(fd);

	result->synced_ns += monotonic_ns() - begin_ns;
	if (err < 0 && result->durable == 0)
		result->durable = err;
}

/* Part of a window would lack its end, the kill: whole or not at all. */
static int spare__copy_window(struct store *store, int chunk_fd, struct store_published *result)
{
	_cleanup_(closep) int copy = file__create(store->spare_fd, STORE_TRAIL);
	int err = copy < 0 ? copy : file__copy(chunk_fd, copy);

	if (err < 0) {
		unlinkat(store->spare_fd, STORE_TRAIL, 0);
		return err;
	}
	result->copied = true;
	sync_timed(copy, result);
	return 0;
}

/* Somebody may have put other files into the window's place. */
static bool spare__holds(const struct store *store, int chunk_fd)
{
	struct stat there, chunk;

	return fstatat(store->spare_fd, STORE_TRAIL, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
	       fstat(chunk_fd, &chunk) == 0 && there.st_dev == chunk.st_dev &&
	       there.st_ino == chunk.st_ino;
}

static int spare__keep_window(struct store *store, uint64_t number, int chunk_fd,
			      struct store_published *result)
{
	char name[STORE_CHUNK_BYTES];
	int err = 0;

	/* What a publishing that was refused its name has left may be another incident's. */
	if (chunk_fd >= 0 && spare__holds(store, chunk_fd))
		return 0;
	unlinkat(store->spare_fd, STORE_TRAIL, 0);
	chunk__name(name, number);
	if (linkat(store->window_fd, name, store->spare_fd, STORE_TRAIL, 0) < 0)
		err = -errno;
	if (chunk_fd < 0)
		return err;
	if (err == 0 && spare__holds(store, chunk_fd))
		return 0;
	if (err == 0)
		unlinkat(store->spare_fd, STORE_TRAIL, 0);
	return spare__copy_window(store, chunk_fd, result);
}

/* .spare holds what it shall; the name is the last thing, and makes it an incident. */
static int store__publish_spare(struct store *store, char id[STORE_ID_BYTES],
				struct store_published *result)
{
	int err;

	sync_timed(store->json_fd, result);
	sync_timed(store->spare_fd, result);
	err = store__name_spare(store, id);
	if (err < 0)
		return err;
	sync_timed(store->incidents_fd, result);
	spare__forget(store);
	return 0;
}

int store__publish(struct store *store, char id[STORE_ID_BYTES], uint64_t number, int chunk_fd,
		   const char *json, size_t json_bytes, struct store_published *result)
{
	int err;

	*result = (struct store_published){0};
	if (!store__is_id(id))
		return -EINVAL;
	err = store__need_spare(store, json_bytes);
	if (err < 0)
		return err;
	/* Of a publishing that was refused: it would pass for this one's. */
	unlinkat(store->spare_fd, STORE_TEXT, 0);
	result->window = spare__keep_window(store, number, chunk_fd, result);
	err = file__put(store->json_fd, json, json_bytes);
	if (err < 0) {
		/* Half an object says less than the window alone, from which it can be made. */
		(void)!ftruncate(store->json_fd, 0);
		if (result->window < 0)
			return err;
	}
	return store__publish_spare(store, id, result);
}

int store__publish_without_window(struct store *store, char id[STORE_ID_BYTES], const char *json,
				  size_t json_bytes, const char *text, size_t text_bytes,
				  struct store_published *result)
{
	_cleanup_(closep) int report = -1;
	int err;

	*result = (struct store_published){.window = -ENODATA};
	if (!store__is_id(id))
		return -EINVAL;
	err = store__need_spare(store, json_bytes);
	if (err == 0)
		err = file__put(store->json_fd, json, json_bytes);
	if (err < 0)
		return err;
	/* Likewise. */
	unlinkat(store->spare_fd, STORE_TRAIL, 0);
	/* The text can be had from nowhere else, but the JSON alone is better than nothing. */
	report = file__create(store->spare_fd, STORE_TEXT);
	if (report < 0 || file__put(report, text, text_bytes) < 0)
		unlinkat(store->spare_fd, STORE_TEXT, 0);
	else
		sync_timed(report, result);
	return store__publish_spare(store, id, result);
}
