/* SPDX-License-Identifier: GPL-2.0-only */
#include "maps/objects.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "maps/mapped_open.h"
#include "maps/objects_internal.h"
#include "maps/vdso.h"

#define MAX_BYTES (256 * MIB)

int objects__new(struct objects **out, const struct objects_options *options)
{
	struct objects *objects = calloc(1, sizeof(*objects));

	if (!objects)
		return -ENOMEM;
	objects->proc = options->proc ? options->proc : "/proc";
	objects->max_bytes = options->max_bytes ? options->max_bytes : MAX_BYTES;
	*out = objects;
	return 0;
}

void objects__free(struct objects *objects)
{
	if (!objects)
		return;
	while (objects->recent)
		objects__drop(objects, objects->recent);
	object__unref(objects->vdso);
	free(objects);
}

static struct held *read_file(struct objects *objects, int fd, const struct file_key *key)
{
	struct object *object = NULL;
	struct held *held = NULL;
	char why[WHY_BYTES] = "";
	int error = object__read(&object, fd, why, sizeof(why));

	if (error == -ENOMEM)
		return NULL;
	objects->counts.read++;
	if (object)
		held = objects__find_equal(objects, object);
	if (held) {
		objects->counts.shared++;
		object__unref(object);
	} else {
		held = objects__hold(objects, object);
		if (!held)
			return NULL;
		held->error = error;
		memcpy(held->why, why, sizeof(why));
	}
	if (objects__know(objects, key, held)) {
		if (!held->files)
			objects__drop(objects, held);
		return NULL;
	}
	return held;
}

static int64_t ns_of(const struct timespec *time)
{
	return (int64_t)time->tv_sec * (int64_t)NS_PER_S + time->tv_nsec;
}

/* What is behind `fd`, if it is what is mapped. */
static int find_file(struct objects *objects, int fd, const struct mapping *mapping,
		     enum mapped_route route, struct held **out)
{
	struct file_key key = {0};
	struct known *known;
	struct held *held;
	struct stat status;
	int error;

	if (fstat(fd, &status))
		return -errno;
	key.device = status.st_dev;
	key.inode = status.st_ino;
	key.size_bytes = (uint64_t)status.st_size;
	key.modified_ns = ns_of(&status.st_mtim);
	key.changed_ns = ns_of(&status.st_ctim);
	HASH_FIND(hh, objects->by_key, &key, sizeof(key), known);
	held = known ? known->held : read_file(objects, fd, &key);
	if (!held)
		return -ENOMEM;
	objects__use(objects, held);
	/* Nothing that was read: its inode has to do. */
	error = mapped_check(fd, held->object, mapping, route);
	if (error && !(held->error && route <= ROUTE_AROUND))
		return error;
	objects->counts.hits += known != NULL;
	*out = held;
	return 0;
}

static int find(struct objects *objects, uint32_t pid, const struct mapping *mapping,
		struct held **out)
{
	int error = 0;

	for (enum mapped_route route = ROUTE_MAPPED; route < ROUTE_COUNT; route++) {
		_cleanup_(closep) int fd = mapped_open(objects->proc, pid, mapping, route);
		int failed = fd < 0 ? fd : find_file(objects, fd, mapping, route, out);

		if (!failed || failed == -ENOMEM)
			return failed;
		/* Who is gone is gone by any way; a file that is another one says more than none.
		 */
		if (!error || failed == -ESTALE)
			error = failed;
	}
	*out = objects__find_like(objects, mapped_file__id(mapping->file));
	if (!*out)
		return error;
	objects__use(objects, *out);
	objects->counts.hits++;
	return 0;
}

static int get_vdso(struct objects *objects, const struct mapping *mapping, struct object **out,
		    char *why, size_t why_size)
{
	int error;

	if (!objects->vdso) {
		error = vdso__read(&objects->vdso, &objects->vdso_bytes, why, why_size);
		if (error)
			return error;
		objects->counts.bytes += object__bytes(objects->vdso);
	}
	if (!vdso__is_ours(mapping, objects->vdso_bytes)) {
		snprintf(why, why_size, "its vdso is not the one of 64-bit programs");
		return -ENOEXEC;
	}
	*out = objects->vdso;
	return 0;
}

static void explain(int error, char *why, size_t why_size)
{
	switch (error) {
	case -ENOENT:
	case -ESRCH:
		snprintf(why, why_size, "the file that was mapped is not to be found any more");
		break;
	case -ESTALE:
		snprintf(why, why_size, "at the path of what was mapped is another file by now");
		break;
	case -EPERM:
	case -EACCES:
		snprintf(why, why_size,
			 "opening the files of other processes needs CAP_SYS_PTRACE, "
			 "CAP_CHECKPOINT_RESTORE and CAP_DAC_READ_SEARCH (root)");
		break;
	default:
		snprintf(why, why_size, "opening the file that is mapped: %s", strerror(-error));
	}
}

int objects__get(struct objects *objects, uint32_t pid, const struct mapping *mapping,
		 struct object **out, char *why, size_t why_size)
{
	struct held *held = NULL;
	int error;

	if (mapping->kind == MAPPING_VDSO)
		return get_vdso(objects, mapping, out, why, why_size);
	if (mapping->kind != MAPPING_FILE) {
		snprintf(why, why_size, "no file is mapped there");
		return -ENOENT;
	}
	error = find(objects, pid, mapping, &held);
	if (error) {
		objects->counts.failed++;
		explain(error, why, why_size);
		return error;
	}
	if (held->error) {
		error = held->error;
		objects->counts.failed++;
		snprintf(why, why_size, "%s", held->why);
	} else {
		held->users++;
		*out = held->object;
	}
	objects__make_room(objects);
	return error;
}

int objects__open(struct objects *objects, uint32_t pid, const struct mapping *mapping,
		  const struct object *object)
{
	int error = -ENOENT;

	if (mapping->kind != MAPPING_FILE)
		return -ENOENT;
	for (enum mapped_route route = ROUTE_MAPPED; route < ROUTE_COUNT; route++) {
		_cleanup_(closep) int fd = mapped_open(objects->proc, pid, mapping, route);
		struct held *held = NULL;
		int found = fd;

		error = fd < 0 ? fd : find_file(objects, fd, mapping, route, &held);
		if (error)
			continue;
		error = held->object == object ? 0 : -ESTALE;
		if (error)
			continue;
		fd = -1;
		return found;
	}
	objects__make_room(objects);
	return error;
}

void objects__put(struct objects *objects, struct object *object)
{
	struct held *held;

	if (!object || object == objects->vdso)
		return;
	HASH_FIND_PTR(objects->by_object, &object, held);
	if (held && held->users > 0)
		held->users--;
	objects__make_room(objects);
}

void objects__keep_within(struct objects *objects, size_t max_bytes)
{
	const size_t most = objects->max_bytes;

	objects->max_bytes = max_bytes < most ? max_bytes : most;
	objects__make_room(objects);
	objects->max_bytes = most;
}

struct objects_counts objects__counts(const struct objects *objects)
{
	return objects->counts;
}
