/* SPDX-License-Identifier: GPL-2.0-only */
#include "symbols/debug_file.h"

#include <endian.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <zlib.h>

#include "base/cleanup.h"
#include "symbols/safe_open.h"

#define DEBUG_ROOT    "/usr/lib/debug"
#define READ_BYTES    (64U << 10)
#define BY_BUILD_ID   "the debug file by build-id"
#define BY_LINK       "the debug file that the object names"
#define OBJECT_REASON 160

/* One look for it, over several places. */
struct search {
	const struct object *object;
	const struct debug_place *place;
	const char *how; /* BY_...: whose failure it is */
	int error;       /* of the first that was refused */
	char *why;
	size_t why_size;
};

/* What the object says about its debug file. */
struct debug_link {
	char name[NAME_MAX + 1];
	uint32_t crc32;
};

__attribute__((format(printf, 3, 4))) static int search__refuse(struct search *search, int error,
								const char *format, ...)
{
	va_list arguments;
	int length;

	if (search->error)
		return error;
	search->error = error;
	length = snprintf(search->why, search->why_size, "%s: ", search->how);
	if (length < 0 || (size_t)length >= search->why_size)
		return error;
	va_start(arguments, format);
	vsnprintf(search->why + length, search->why_size - (size_t)length, format, arguments);
	va_end(arguments);
	return error;
}

static bool debug_link__read(struct debug_link *out, const struct object *object)
{
	struct object_section section = object__section(object, ".gnu_debuglink");
	size_t length, at;

	if (!section.data)
		return false;
	length = strnlen((const char *)section.data, section.bytes);
	at = (length + 1 + 3) & ~(size_t)3;
	if (length == 0 || length > NAME_MAX || at > section.bytes ||
	    section.bytes - at < sizeof(out->crc32))
		return false;
	memcpy(out->name, section.data, length + 1);
	memcpy(&out->crc32, section.data + at, sizeof(out->crc32));
	out->crc32 = le32toh(out->crc32);
	return !strchr(out->name, '/') && strcmp(out->name, ".") && strcmp(out->name, "..");
}

static int checksum(int fd, uint32_t *out)
{
	_cleanup_(freep) uint8_t *buffer = malloc(READ_BYTES);
	uint64_t at = 0;
	uLong crc = crc32(0, NULL, 0);

	if (!buffer)
		return -ENOMEM;
	for (;;) {
		ssize_t count = pread(fd, buffer, READ_BYTES, (off_t)at);

		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0)
			return -errno;
		if (count == 0)
			break;
		crc = crc32(crc, buffer, (uInt)count);
		at += (uint64_t)count;
		if (at > DEBUG_LINK_MAX_BYTES) /* it grows */
			return -EFBIG;
	}
	*out = (uint32_t)crc;
	return 0;
}

/* Neither has to have a build-id, where a checksum tells. */
static bool belongs(const struct object *object, const struct object *debug, bool by_link)
{
	size_t bytes, debug_bytes;
	const uint8_t *id = object__build_id(object, &bytes);
	const uint8_t *debug_id = object__build_id(debug, &debug_bytes);

	if (object__machine(object) != object__machine(debug))
		return false;
	if (!id || !debug_id)
		return by_link;
	return bytes == debug_bytes && !memcmp(id, debug_id, bytes);
}

/* `link`: NULL when it is looked for by build-id. */
static int search__try(struct search *search, const char *path, const struct debug_link *link,
		       struct debug_file *out)
{
	const struct safe_open wanted = {
		.max_bytes = link ? DEBUG_LINK_MAX_BYTES : DEBUG_FILE_MAX_BYTES,
		.owner = search->place->owner,
		.follow = true, /* folders by build-id are full of links */
	};
	_cleanup_(closep) int fd = safe_open(search->place->root, path, &wanted);
	struct object *debug;
	char why[OBJECT_REASON];
	uint32_t crc = 0;
	int error = 0;

	if (fd == -ENOENT || fd == -ENOTDIR || fd == -ENAMETOOLONG)
		return -ENOENT;
	if (fd < 0)
		return search__refuse(search, fd, "%s", safe_open__why(fd));
	if (link)
		error = checksum(fd, &crc);
	if (error)
		return search__refuse(search, error, "cannot be read: %s", strerror(-error));
	if (link && crc != link->crc32)
		return search__refuse(search, -EBADMSG, "its checksum is another");
	error = object__read(&debug, fd, why, sizeof(why));
	if (error)
		return search__refuse(search, error, "%s", why);
	if (!belongs(search->object, debug, link != NULL)) {
		object__unref(debug);
		return search__refuse(search, -EBADMSG, "it belongs to another object");
	}
	out->object = debug;
	out->fd = fd;
	fd = -1;
	return 0;
}

static int search__by_build_id(struct search *search, struct debug_file *out)
{
	static const char prefix[] = DEBUG_ROOT "/.build-id/";
	char path[PATH_MAX];
	size_t bytes, at;
	const uint8_t *id = object__build_id(search->object, &bytes);

	if (!id || bytes < 2)
		return -ENOENT;
	at = (size_t)snprintf(path, sizeof(path), "%s%02x/", prefix, id[0]);
	for (size_t i = 1; i < bytes; i++)
		at += (size_t)snprintf(path + at, sizeof(path) - at, "%02x", id[i]);
	snprintf(path + at, sizeof(path) - at, ".debug");
	search->how = BY_BUILD_ID;
	return search__try(search, path, NULL, out);
}

static int search__by_link(struct search *search, struct debug_file *out)
{
	static const char *const patterns[] = {"%.*s/%s", "%.*s/.debug/%s", DEBUG_ROOT "%.*s/%s"};
	const char *object_path = search->place->path;
	const char *end = object_path ? strrchr(object_path, '/') : NULL;
	struct debug_link link;
	int error = -ENOENT;

	if (!end || object_path[0] != '/' || end - object_path >= PATH_MAX ||
	    !debug_link__read(&link, search->object))
		return -ENOENT;
	search->how = BY_LINK;
	for (size_t i = 0; error && i < sizeof(patterns) / sizeof(patterns[0]); i++) {
		char path[2 * PATH_MAX];

		snprintf(path, sizeof(path), patterns[i], (int)(end - object_path), object_path,
			 link.name);
		error = search__try(search, path, &link, out);
	}
	return error;
}

int debug_file__open(struct debug_file *out, const struct object *object,
		     const struct debug_place *place, char *why, size_t why_size)
{
	struct search search = {
		.object = object,
		.place = place,
		.why = why,
		.why_size = why_size,
	};

	*out = (struct debug_file){.fd = -1};
	if (!search__by_build_id(&search, out) || !search__by_link(&search, out))
		return 0;
	if (search.error)
		return search.error;
	snprintf(why, why_size, "there is none");
	return -ENOENT;
}

void debug_file__close(struct debug_file *file)
{
	closep(&file->fd);
	object__unref(file->object);
	*file = (struct debug_file){.fd = -1};
}
