/* SPDX-License-Identifier: GPL-2.0-only */
#include "symbols/safe_open.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/openat2.h>

#include "base/cleanup.h"

#define RACES_MAX 16 /* tries, while somebody renames folders of the path */

int safe_open__root(const char *proc, uint32_t pid)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/%u/root", proc, pid);
	fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static const struct open_how hows[] = {
	[false] = {.flags = O_PATH | O_CLOEXEC | O_NOFOLLOW,
		   .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS},
	[true] = {.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS},
};

const void *safe_open__how(bool follow)
{
	return &hows[follow];
}

/* Where the path leads, without opening what is there. */
static int find(int root, const char *path, bool follow)
{
	long fd = -1;

	for (int i = 0; i < RACES_MAX && fd < 0; i++) {
		fd = syscall(SYS_openat2, root, path, &hows[follow], sizeof(hows[follow]));
		if (fd < 0 && errno != EAGAIN && errno != EINTR)
			break;
	}
	return fd < 0 ? -errno : (int)fd;
}

static int check(const struct stat *status, const struct safe_open *wanted)
{
	switch (status->st_mode & S_IFMT) {
	case S_IFREG:
		break;
	case S_IFLNK:
		return -ELOOP;
	case S_IFDIR:
		return -EISDIR;
	case S_IFIFO:
	case S_IFSOCK:
		return -EPIPE;
	default:
		return -ENODEV;
	}
	if (wanted->owner != SAFE_OPEN_ANY_OWNER && status->st_uid != wanted->owner &&
	    status->st_uid != 0)
		return -EPERM;
	if (wanted->max_bytes && (uint64_t)status->st_size > wanted->max_bytes)
		return -EFBIG;
	return 0;
}

int safe_open(int root, const char *path, const struct safe_open *wanted)
{
	_cleanup_(closep) int found = find(root, path, wanted->follow);
	char self[64];
	struct stat status;
	int fd, error;

	if (found < 0)
		return found;
	if (fstat(found, &status) < 0)
		return -errno;
	error = check(&status, wanted);
	if (error)
		return error;
	/* The very file that was looked at, whatever is at its path by now. */
	snprintf(self, sizeof(self), "/proc/self/fd/%d", found);
	fd = open(self, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

const char *safe_open__why(int error)
{
	switch (error) {
	case -ELOOP:
		return "a link";
	case -EISDIR:
		return "a folder";
	case -EPIPE:
		return "a FIFO or a socket";
	case -ENODEV:
		return "a device";
	case -EPERM:
		return "of another owner";
	case -EFBIG:
		return "too large";
	default:
		return strerror(-error);
	}
}
