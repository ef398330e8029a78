/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "flight/store_internal.h"

DEFINE_FREEP(store)

const char *store__default_dir(void)
{
	return "/var/lib/oomtrail";
}

const char *store__dir(const struct store *store)
{
	return store->dir;
}

void store__close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* --- the folders ------------------------------------------------------------------------------ */

static int explain_open(char *why, size_t size, int err, const char *path)
{
	switch (err) {
	case -ENOENT:
		return explain_why(why, size, err, "there is no folder '%s'", path);
	case -ELOOP:
		return explain_why(why, size, err,
				   "'%s' is a symbolic link; name the folder itself", path);
	case -ENOTDIR:
		return explain_why(why, size, err, "'%s' is not a folder", path);
	default:
		return explain_why(why, size, err, "cannot open the folder '%s': %s", path,
				   strerror(-err));
	}
}

/* What others could have put there is not to be believed, nor written beside. */
static int check_owner(int fd, const char *path, char *why, size_t size)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return explain_why(why, size, -errno, "cannot look at '%s': %s", path,
				   strerror(errno));
	if (status.st_uid != geteuid())
		return explain_why(
			why, size, -EPERM,
			"the folder '%s' belongs to user %u, not to the user %u who runs this",
			path, status.st_uid, geteuid());
	if (status.st_mode & (S_IWGRP | S_IWOTH))
		return explain_why(
			why, size, -EPERM,
			"others may write to the folder '%s' (mode %04o); it must be the "
			"recorder's alone",
			path, status.st_mode & 07777);
	return 0;
}

/* ENOTDIR is what O_DIRECTORY | O_NOFOLLOW makes of a symbolic link. */
static int open_folder(int parent_fd, const char *name)
{
	int fd = folder__open(parent_fd, name), err = fd;
	struct stat status;

	if (err == -ENOTDIR && fstatat(parent_fd, name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
	    S_ISLNK(status.st_mode))
		err = -ELOOP;
	return err;
}

static int store__open_part(struct store *store, const char *name, int *fd, char *why, size_t size)
{
	char path[PATH_MAX + 32];
	int err;

	snprintf(path, sizeof(path), "%s/%s", store->dir, name);
	err = folder__make(store->dir_fd, name);
	if (err < 0)
		return explain_why(why, size, err, "cannot make the folder '%s': %s", path,
				   strerror(-err));
	err = open_folder(store->dir_fd, name);
	if (err < 0)
		return explain_open(why, size, err, path);
	*fd = err;
	return check_owner(*fd, path, why, size);
}

static int store__open_dir(struct store *store, char *why, size_t size)
{
	int err = folder__make(AT_FDCWD, store->dir);

	if (err < 0)
		return explain_why(why, size, err, "cannot make the folder '%s': %s", store->dir,
				   strerror(-err));
	err = open_folder(AT_FDCWD, store->dir);
	if (err < 0)
		return explain_open(why, size, err, store->dir);
	store->dir_fd = err;
	return check_owner(store->dir_fd, store->dir, why, size);
}

/* A name that is not synced takes along all that lies below it. A parent that may not be read
 * cannot be synced either: not an error. */
static int sync_name(const char *dir)
{
	_cleanup_(closep) int fd = -1;
	const char *slash = strrchr(dir, '/');
	char parent[PATH_MAX];

	snprintf(parent, sizeof(parent), "%.*s", slash == dir ? 1 : (int)(slash - dir), dir);
	fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? 0 : store__sync(fd);
}

/* --- the lock --------------------------------------------------------------------------------- */

static void holder__read(int fd, struct store_holder *holder)
{
	char text[64] = {0}, since[32];
	int32_t pid;

	*holder = (struct store_holder){0};
	if (pread(fd, text, sizeof(text) - 1, 0) <= 0 || sscanf(text, "%d %31s", &pid, since) != 2)
		return;
	if (pid <= 0 || strspn(since, "0123456789TZ:-") != strlen(since))
		return;
	holder->pid = pid;
	memcpy(holder->since, since, sizeof(since));
}

static void holder__write(int fd)
{
	char text[64], since[UNITS_MAX];
	struct timespec now;
	int length;

	clock_gettime(CLOCK_REALTIME, &now);
	length = snprintf(text, sizeof(text), "%d %s\n", getpid(),
			  units__utc(since, now.tv_sec * (int64_t)NS_PER_S));
	/* On a full disk the lock holds all the same; only its holder has no name. */
	(void)!file__put(fd, text, (size_t)length);
}

/* `held` is the lock of an earlier time, or -1: still the same file, it is kept. */
static int store__lock(struct store *store, int *held, struct store_holder *holder, char *why,
		       size_t size)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	_cleanup_(closep) int fd = file__create(store->dir_fd, STORE_LOCK);
	int err = 0;

	if (fd < 0)
		return explain_why(why, size, fd, "cannot make '%s/%s': %s", store->dir, STORE_LOCK,
				   strerror(-fd));
	if (fd__is_same(fd, *held)) {
		store->lock_fd = take_fd(held);
		return 0;
	}
	if (fcntl(fd, F_OFD_SETLK, &lock) < 0)
		err = errno == EACCES || errno == EAGAIN ? -EWOULDBLOCK : -errno;
	if (err == -EWOULDBLOCK) {
		holder__read(fd, holder);
		return explain_why(why, size, err,
				   "another recorder uses '%s' already (pid %d, since %s)",
				   store->dir, holder->pid, holder->since[0] ? holder->since : "?");
	}
	if (err < 0)
		return explain_why(why, size, err, "cannot lock '%s/%s': %s", store->dir,
				   STORE_LOCK, strerror(-err));
	holder__write(fd);
	store->lock_fd = take_fd(&fd);
	return 0;
}

bool store__is_watched(const struct store *store, struct store_holder *holder)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	_cleanup_(closep) int fd = file__open(store->dir_fd, STORE_LOCK);

	*holder = (struct store_holder){0};
	if (fd < 0 || fcntl(fd, F_OFD_GETLK, &lock) < 0 || lock.l_type == F_UNLCK)
		return false;
	holder__read(fd, holder);
	return true;
}

/* --- life cycle ------------------------------------------------------------------------------- */

/* Everything but the path. */
static void store__init(struct store *store)
{
	store->dir_fd = store->lock_fd = store->window_fd = store->incidents_fd = -1;
	store->spare_fd = store->json_fd = store->path_fd = -1;
	store->json_bytes = 0;
}

static void store__detach(struct store *store)
{
	store__close(&store->dir_fd);
	store__close(&store->lock_fd);
	store__close(&store->window_fd);
	store__close(&store->incidents_fd);
	store__close(&store->spare_fd);
	store__close(&store->json_fd);
	store__close(&store->path_fd);
}

/* The folder may be removed and made anew while the recorder runs, from wherever it was started. */
static int store__set_dir(struct store *store, const char *dir, char *why, size_t size)
{
	size_t length, room = sizeof(store->dir);

	if (!*dir)
		return explain_why(why, size, -ENOENT, "the folder's name is empty");
	if (*dir != '/' && !getcwd(store->dir, room))
		return explain_why(why, size, -errno, "the present folder has no name: %s",
				   strerror(errno));
	length = strlen(store->dir);
	if ((size_t)snprintf(store->dir + length, room - length, "%s%s", length > 1 ? "/" : "",
			     dir) >= room - length)
		return explain_why(why, size, -ENAMETOOLONG, "the folder's name is too long");
	/* A trailing slash would follow a link. */
	for (length = strlen(store->dir); length > 1 && store->dir[length - 1] == '/'; length--)
		store->dir[length - 1] = '\0';
	return 0;
}

static int store__new(struct store **out, const char *dir, char *why, size_t size)
{
	_cleanup_(store__freep) struct store *store = calloc(1, sizeof(*store));
	int err;

	if (!store)
		return explain_why(why, size, -ENOMEM, "out of memory");
	store__init(store);
	err = store__set_dir(store, dir, why, size);
	if (err < 0)
		return err;
	*out = take(store);
	return 0;
}

static int store__attach(struct store *store, int *held, struct store_holder *holder, char *why,
			 size_t size)
{
	int err = store__open_dir(store, why, size);

	if (!err)
		err = store__lock(store, held, holder, why, size);
	if (!err)
		err = store__open_part(store, STORE_WINDOW, &store->window_fd, why, size);
	if (!err)
		err = store__open_part(store, STORE_INCIDENTS, &store->incidents_fd, why, size);
	if (!err)
		err = store__sync(store->dir_fd);
	if (!err)
		err = sync_name(store->dir);
	return err;
}

int store__open(struct store **out, const char *dir, struct store_holder *holder, char *why,
		size_t why_size)
{
	_cleanup_(store__freep) struct store *store = NULL;
	int held = -1, err;

	*holder = (struct store_holder){0};
	err = store__new(&store, dir, why, why_size);
	if (!err)
		err = store__attach(store, &held, holder, why, why_size);
	if (err < 0)
		return err;
	*out = take(store);
	return 0;
}

int store__open_to_read(struct store **out, const char *dir, char *why, size_t why_size)
{
	_cleanup_(store__freep) struct store *store = NULL;
	int err = store__new(&store, dir, why, why_size);

	if (err < 0)
		return err;
	err = open_folder(AT_FDCWD, store->dir);
	if (err < 0)
		return explain_open(why, why_size, err, store->dir);
	store->dir_fd = err;
	store->window_fd = folder__open(store->dir_fd, STORE_WINDOW);
	store->incidents_fd = folder__open(store->dir_fd, STORE_INCIDENTS);
	err = store->incidents_fd;
	if (err < 0 && err != -ENOENT)
		return explain_why(why, why_size, err, "cannot open the folder '%s/%s': %s",
				   store->dir, STORE_INCIDENTS, strerror(-err));
	*out = take(store);
	return 0;
}

static bool names(int parent_fd, const char *name, int fd)
{
	struct stat there, here;

	return fstatat(parent_fd, name, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
	       fstat(fd, &here) == 0 && there.st_dev == here.st_dev && there.st_ino == here.st_ino;
}

bool store__is_there(const struct store *store)
{
	return names(AT_FDCWD, store->dir, store->dir_fd) &&
	       names(store->dir_fd, STORE_LOCK, store->lock_fd) &&
	       names(store->dir_fd, STORE_WINDOW, store->window_fd) &&
	       names(store->dir_fd, STORE_INCIDENTS, store->incidents_fd);
}

int store__revive(struct store *store)
{
	struct store old = *store;
	struct store_holder holder;
	char why[8];
	int err;

	store__init(store);
	err = store__attach(store, &old.lock_fd, &holder, why, sizeof(why));
	if (err < 0) {
		if (old.lock_fd < 0)
			old.lock_fd = take_fd(&store->lock_fd);
		store__detach(store);
		*store = old;
		return err;
	}
	store__detach(&old);
	return 0;
}

void store__free(struct store *store)
{
	if (!store)
		return;
	store__detach(store);
	free(store);
}
