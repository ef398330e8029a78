/* SPDX-License-Identifier: GPL-2.0-only */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "flight/store_internal.h"

int explain_why(char *why, size_t size, int err, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(why, size, format, arguments);
	va_end(arguments);
	return err;
}

int folder__open(int parent_fd, const char *name)
{
	int fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int file__open(int folder_fd, const char *name)
{
	_cleanup_(closep) int fd = -1;
	struct stat status;

	if (folder_fd < 0)
		return -ENOENT;
	/* O_NONBLOCK: a FIFO that nobody writes to would be waited for. */
	fd = openat(folder_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &status) < 0)
		return -errno;
	return S_ISREG(status.st_mode) ? take_fd(&fd) : -EINVAL;
}

int file__create(int folder_fd, const char *name)
{
	const int flags = O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	_cleanup_(closep) int fd = openat(folder_fd, name, flags, 0600);
	struct stat status;

	if (fd < 0 || fstat(fd, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode))
		return -EINVAL;
	if ((status.st_mode & 07777) != 0600 && fchmod(fd, 0600) < 0)
		return -errno;
	return take_fd(&fd);
}

int folder__make(int parent_fd, const char *name)
{
	_cleanup_(closep) int fd = -1;
	char path[32];

	if (mkdirat(parent_fd, name, 0700) < 0)
		return errno == EEXIST ? 0 : -errno;
	/* A umask of 0777 leaves a folder that its owner may not open; O_PATH may. */
	fd = openat(parent_fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return chmod(path, 0700) < 0 ? -errno : 0;
}

static void closedirp(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

int folder__walk(int folder_fd, int (*visit)(void *context, int folder_fd, const char *name),
		 void *context)
{
	_cleanup_(closedirp) DIR *dir = NULL;
	const struct dirent *entry;
	int fd, result = 0;

	if (folder_fd < 0)
		return 0;
	/* A descriptor of its own: the position of reading belongs to it. */
	fd = folder__open(folder_fd, ".");
	if (fd < 0)
		return fd;
	dir = fdopendir(fd);
	if (!dir) {
		result = -errno;
		close(fd);
		return result;
	}
	while (result == 0 && (errno = 0, entry = readdir(dir))) {
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			result = visit(context, folder_fd, entry->d_name);
	}
	return result ? result : -errno;
}

/* --- removing --------------------------------------------------------------------------------- */

#define REMOVED_DEPTH 64 /* what somebody made deeper than that is for them to remove */

struct removal {
	unsigned int depth;
	int err; /* the first one */
};

/* Of any file system: what is mounted there is somebody else's, even of our own file system. */
static bool is_mounted(int folder_fd)
{
	struct statx status;

	return statx(folder_fd, "", AT_EMPTY_PATH, 0, &status) < 0 ||
	       (status.stx_attributes & STATX_ATTR_MOUNT_ROOT);
}

static int remove_folder(int parent_fd, const char *name, unsigned int depth);

/* What can be removed goes, whatever lies beside it. */
static int remove_entry(void *context, int folder_fd, const char *name)
{
	struct removal *removal = context;
	int err = unlinkat(folder_fd, name, 0) < 0 ? -errno : 0;

	if (err == -EISDIR)
		err = remove_folder(folder_fd, name, removal->depth + 1);
	if (removal->err == 0 && err != -ENOENT)
		removal->err = err;
	return 0;
}

static int remove_folder(int parent_fd, const char *name, unsigned int depth)
{
	_cleanup_(closep) int folder = folder__open(parent_fd, name);
	struct removal removal = {.depth = depth};
	int err = 0;

	if (folder < 0)
		return folder;
	if (is_mounted(folder))
		return -EBUSY;
	if (depth < REMOVED_DEPTH)
		err = folder__walk(folder, remove_entry, &removal);
	if (err == 0)
		err = removal.err;
	if (err == 0 && unlinkat(parent_fd, name, AT_REMOVEDIR) < 0)
		err = -errno;
	return err;
}

int folder__remove(int parent_fd, const char *name)
{
	const int err = remove_folder(parent_fd, name, 0);

	return err == -ENOENT ? 0 : err;
}

/* --- bytes ------------------------------------------------------------------------------------ */

int file__put(int fd, const char *data, size_t length)
{
	size_t done = 0;

	while (done < length) {
		ssize_t written = pwrite(fd, data + done, length - done, (off_t)done);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return written < 0 ? -errno : -EIO;
		done += (size_t)written;
	}
	/* Gives back what was preallocated and not needed. */
	return ftruncate(fd, (off_t)length) < 0 ? -errno : 0;
}

bool fd__is_same(int a, int b)
{
	struct stat first, second;

	return a >= 0 && b >= 0 && fstat(a, &first) == 0 && fstat(b, &second) == 0 &&
	       first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

int store__sync(int fd)
{
	return fsync(fd) < 0 && errno != EINVAL ? -errno : 0;
}

int file__copy(int from, int to)
{
	char bytes[STORE_COPY_BYTES];
	off_t at = 0;

	for (;;) {
		const ssize_t got = pread(from, bytes, sizeof(bytes), at);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got < 0 ? -errno : 0;
		for (ssize_t done = 0; done < got;) {
			const ssize_t written =
				pwrite(to, bytes + done, (size_t)(got - done), at + done);

			if (written < 0 && errno == EINTR)
				continue;
			if (written <= 0)
				return written < 0 ? -errno : -EIO;
			done += written;
		}
		at += got;
	}
}
