/* SPDX-License-Identifier: GPL-2.0-only */
#include "maps/mapped_open.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "maps/proc_maps.h"
#include "symbols/safe_open.h"

#define FOUND (-ECANCELED) /* ends the reading of maps */

static int open_mapped(const char *proc, uint32_t pid, uint64_t start, uint64_t end)
{
	_cleanup_(closep) int found = -1;
	struct stat status;
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/%u/map_files/%" PRIx64 "-%" PRIx64, proc, pid, start, end);
	found = open(path, O_PATH | O_CLOEXEC);
	if (found < 0)
		return -errno;
	/* A device can be mapped, and opening one may do something. */
	if (fstat(found, &status))
		return -errno;
	if (!S_ISREG(status.st_mode))
		return -ENODEV;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", found);
	fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

struct around {
	const struct mapping *wanted;
	uint64_t start;
	uint64_t end;
};

static int find_around(void *context, const struct told_mapping *told)
{
	struct around *around = context;
	const struct mapping *wanted = around->wanted;

	/* Any part of it that is mapped still. */
	if (told->kind != MAPPING_FILE || told->end <= wanted->start ||
	    told->start >= wanted->end ||
	    told->offset - told->start != wanted->offset - wanted->start)
		return 0;
	around->start = told->start;
	around->end = told->end;
	return FOUND;
}

static int open_around(const char *proc, uint32_t pid, const struct mapping *mapping)
{
	struct around around = {.wanted = mapping};
	uint64_t skipped = 0;
	int error = proc_maps__read(proc, pid, false, find_around, &around, &skipped);

	if (error != FOUND)
		return error ? error : -ENOENT;
	return open_mapped(proc, pid, around.start, around.end);
}

static int open_path(int root, const char *path)
{
	const struct safe_open wanted = {.owner = SAFE_OPEN_ANY_OWNER};

	return *path == '/' ? safe_open(root, path, &wanted) : -ENOENT;
}

int mapped_open(const char *proc, uint32_t pid, const struct mapping *mapping,
		enum mapped_route route)
{
	const char *path = mapped_file__path(mapping->file);
	_cleanup_(closep) int root = -1;

	switch (route) {
	case ROUTE_MAPPED:
		return open_mapped(proc, pid, mapping->start, mapping->end);
	case ROUTE_AROUND:
		return open_around(proc, pid, mapping);
	case ROUTE_ROOT:
		root = safe_open__root(proc, pid);
		return root < 0 ? root : open_path(root, path);
	case ROUTE_OWN:
		root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
		return root < 0 ? -errno : open_path(root, path);
	case ROUTE_COUNT:
		break;
	}
	return -EINVAL;
}

struct shown {
	uint64_t start;
	struct file_id file;
};

static int find_shown(void *context, const struct told_mapping *told)
{
	struct shown *shown = context;

	if (told->start != shown->start)
		return 0;
	shown->file = told->file;
	return FOUND;
}

/* What stat(2) shows is not always what the kernel tells of a mapping (btrfs, overlayfs): so a page
 * of the file is mapped here, never to be read, and looked up. */
static bool is_told_as(int fd, const struct file_id *id)
{
	size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);
	void *page = mmap(NULL, page_bytes, PROT_READ, MAP_SHARED, fd, 0);
	struct shown shown = {.start = (uintptr_t)page};
	uint64_t skipped = 0;
	int error;

	if (page == MAP_FAILED)
		return false;
	error = proc_maps__read("/proc", (uint32_t)getpid(), true, find_shown, &shown, &skipped);
	munmap(page, page_bytes);
	return error == FOUND && shown.file.inode == id->inode && shown.file.major == id->major &&
	       shown.file.minor == id->minor;
}

int mapped_check(int fd, const struct object *object, const struct mapping *mapping,
		 enum mapped_route route)
{
	const struct file_id *id = mapped_file__id(mapping->file);
	struct stat status;

	if (id->build_id_bytes > 0) {
		size_t bytes = 0;
		const uint8_t *build_id = object ? object__build_id(object, &bytes) : NULL;

		return build_id && bytes == id->build_id_bytes &&
				       !memcmp(build_id, id->build_id, bytes)
			       ? 0
			       : -ESTALE;
	}
	/* Nothing to tell it by. */
	if (!id->inode)
		return route == ROUTE_MAPPED ? 0 : -ESTALE;
	if (fstat(fd, &status))
		return -errno;
	if (status.st_ino == id->inode && major(status.st_dev) == id->major &&
	    minor(status.st_dev) == id->minor)
		return 0;
	return is_told_as(fd, id) ? 0 : -ESTALE;
}
