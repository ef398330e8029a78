/* SPDX-License-Identifier: GPL-2.0-only */
#include "sysfs/cgroupfs.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "sysfs/procfs.h"

/* mountinfo: "36 35 98:0 /root /mount opts ... - type source super,opts" */
static bool mount_of(char *line, const char **mount, const char **type, const char **options)
{
	char *save = NULL, *field = strtok_r(line, " ", &save);

	for (int i = 1; field && i < 5; i++)
		field = strtok_r(NULL, " ", &save);
	if (!field)
		return false;
	*mount = field;
	while (field && strcmp(field, "-"))
		field = strtok_r(NULL, " ", &save);
	*type = field ? strtok_r(NULL, " ", &save) : NULL;
	if (!*type || !strtok_r(NULL, " ", &save))
		return false;
	*options = strtok_r(NULL, " ", &save);
	return true;
}

static bool has_word(const char *list, const char *word, const char *separators)
{
	size_t length = strlen(word);

	while (list && *list) {
		size_t span = strcspn(list, separators);

		if (span == length && !strncmp(list, word, length))
			return true;
		list += span;
		list += strspn(list, separators);
	}
	return false;
}

static bool has_memory_controller(const char *root, const char *mount)
{
	char path[PATH_MAX], controllers[512];

	if (snprintf(path, sizeof(path), "%s/cgroup.controllers", mount) >= (int)sizeof(path))
		return false;
	return sysfs__read_line(root, path, controllers, sizeof(controllers)) == 0 &&
	       has_word(controllers, "memory", " ");
}

int cgroupfs__find(struct cgroupfs *out, const char *root)
{
	_cleanup_(freep) char *text = malloc(1 << 20);
	char *save = NULL;

	out->version = 0;
	out->mount[0] = '\0';
	if (!text)
		return -ENOMEM;
	if (sysfs__read(root, "/proc/self/mountinfo", text, 1 << 20) < 0)
		return -ENOENT;
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		const char *mount, *type, *options;
		unsigned int version = 0;

		if (!mount_of(line, &mount, &type, &options))
			continue;
		if (!strcmp(type, "cgroup") && has_word(options, "memory", ","))
			version = 1;
		else if (!strcmp(type, "cgroup2") && has_memory_controller(root, mount))
			version = 2;
		if (!version)
			continue;
		out->version = version;
		snprintf(out->mount, sizeof(out->mount), "%s%s", root, mount);
		return 0;
	}
	return -ENOENT;
}

int cgroupfs__id(const struct cgroupfs *cgroupfs, const char *path, uint64_t *id)
{
	char full[PATH_MAX];
	struct stat mount, folder;
	int length;

	if (!cgroupfs->version)
		return -ENOENT;
	length = snprintf(full, sizeof(full), "%s/%s", cgroupfs->mount, path);
	if (length >= (int)sizeof(full))
		return -ENAMETOOLONG;
	if (stat(full, &folder) && stat(path, &folder))
		return -errno;
	if (!S_ISDIR(folder.st_mode))
		return -ENOTDIR;
	if (stat(cgroupfs->mount, &mount))
		return -errno;
	if (folder.st_dev != mount.st_dev)
		return -EXDEV;
	*id = folder.st_ino; /* kernfs: the inode number is the id, on 64-bit kernels */
	return 0;
}

int cgroupfs__open_id(const struct cgroupfs *cgroupfs, uint64_t id)
{
	/* FILEID_KERNFS: the handle of a kernfs node is its 64-bit id. */
	struct {
		struct file_handle handle;
		uint64_t id;
	} named = {.handle = {.handle_bytes = sizeof(uint64_t), .handle_type = 0xfe}};
	_cleanup_(closep) int mount = -1;
	int folder;

	if (!cgroupfs->version)
		return -ENOENT;
	memcpy(named.handle.f_handle, &id, sizeof(id));
	mount = open(cgroupfs->mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (mount < 0)
		return -errno;
	folder = open_by_handle_at(mount, &named.handle, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return folder < 0 ? -errno : folder;
}

/* One row of a file of keys and numbers: its key by version, v2 and v1; "" where it has none. */
struct row {
	const char *key[2];
};

static void parse_rows(const char *text, unsigned int version, const struct row *rows, size_t count,
		       int64_t *values)
{
	memset(values, 0xff, count * sizeof(*values)); /* EVENT_UNKNOWN */
	for (const char *line = text; *line; line += strspn(line, "\n")) {
		size_t span = strcspn(line, " \n");

		for (size_t i = 0; i < count && line[span] == ' '; i++) {
			const char *key = rows[i].key[version == 1];

			if (strlen(key) == span && !strncmp(line, key, span))
				values[i] = strtoll(line + span, NULL, 10);
		}
		line += strcspn(line, "\n");
	}
}

void cgroupfs__parse_stat(const char *text, unsigned int version, struct memcg_stat *out)
{
	static const struct row rows[] = {
#define X(field, v2, v1) {{v2, v1}},
		MEMCG_STATS(X)
#undef X
	};
	int64_t values[sizeof(rows) / sizeof(*rows)];

	_Static_assert(sizeof(values) == sizeof(*out), "one row per field");
	parse_rows(text, version, rows, sizeof(rows) / sizeof(*rows), values);
	memcpy(out, values, sizeof(*out));
}

void cgroupfs__parse_events(const char *text, unsigned int version, struct memcg_events *out)
{
	static const struct row rows[] = {
#define X(field, v2, v1) {{v2, v1}},
		MEMCG_EVENTS(X)
#undef X
	};
	int64_t values[sizeof(rows) / sizeof(*rows)];

	_Static_assert(sizeof(values) == sizeof(*out), "one row per field");
	parse_rows(text, version, rows, sizeof(rows) / sizeof(*rows), values);
	memcpy(out, values, sizeof(*out));
}

static int read_file(int folder, const char *file, char *text, size_t size)
{
	_cleanup_(closep) int fd = openat(folder, file, O_RDONLY | O_CLOEXEC);
	ssize_t length;

	if (fd < 0)
		return -errno;
	length = read(fd, text, size - 1);
	if (length < 0)
		return -errno;
	text[length] = '\0';
	return 0;
}

int cgroupfs__stat(const struct cgroupfs *cgroupfs, int folder, struct memcg_stat *out)
{
	char text[8192];
	int error = read_file(folder, "memory.stat", text, sizeof(text));

	if (!error)
		cgroupfs__parse_stat(text, cgroupfs->version, out);
	return error;
}

int cgroupfs__events(const struct cgroupfs *cgroupfs, int folder, struct memcg_events *out)
{
	char text[1024];
	int error = read_file(folder,
			      cgroupfs->version == 1 ? "memory.oom_control" : "memory.events.local",
			      text, sizeof(text));

	if (!error)
		cgroupfs__parse_events(text, cgroupfs->version, out);
	return error;
}

int64_t cgroupfs__parse_bytes(const char *text)
{
	char *end;
	long long bytes;

	if (!strncmp(text, "max", 3))
		return EVENT_NO_LIMIT;
	errno = 0;
	bytes = strtoll(text, &end, 10);
	return errno || end == text || bytes < 0 ? EVENT_UNKNOWN : bytes;
}

int64_t cgroupfs__bytes(const struct cgroupfs *cgroupfs, int folder, enum cgroupfs_bytes which)
{
	static const char *const files[][2] = {
		[CGROUPFS_USAGE] = {"memory.current", "memory.usage_in_bytes"},
		[CGROUPFS_MAX] = {"memory.max", "memory.limit_in_bytes"},
		[CGROUPFS_HIGH] = {"memory.high", ""},
		[CGROUPFS_MEMSW_USAGE] = {"", "memory.memsw.usage_in_bytes"},
		[CGROUPFS_MEMSW_MAX] = {"", "memory.memsw.limit_in_bytes"},
	};
	char text[64];

	const char *file = files[which][cgroupfs->version == 1];

	if (!*file || read_file(folder, file, text, sizeof(text)))
		return EVENT_UNKNOWN;
	return cgroupfs__parse_bytes(text);
}

static int write_number(const char *folder, const char *file, uint64_t number)
{
	char path[PATH_MAX], text[24];
	_cleanup_(closep) int fd = -1;
	int length = snprintf(text, sizeof(text), "%" PRIu64, number);

	if (snprintf(path, sizeof(path), "%s/%s", folder, file) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	return write(fd, text, length) == length ? 0 : -errno;
}

static int set_limit(const struct cgroupfs *cgroupfs, const char *folder, uint64_t limit_bytes)
{
	const char *file = cgroupfs->version == 1 ? "memory.limit_in_bytes" : "memory.max";
	char path[PATH_MAX], text[64];
	int error = write_number(folder, file, limit_bytes);

	if (error)
		return error;
	if (snprintf(path, sizeof(path), "%s/%s", folder, file) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	error = sysfs__read_line("", path, text, sizeof(text));
	if (error)
		return error;
	return strtoull(text, NULL, 10) == limit_bytes ? 0 : -EIO;
}

/* With swap to go to, a full cgroup would not be short of memory for a long time. */
static int forbid_swap(const struct cgroupfs *cgroupfs, const char *folder, uint64_t limit_bytes)
{
	int error = cgroupfs->version == 1
			    ? write_number(folder, "memory.memsw.limit_in_bytes", limit_bytes)
			    : write_number(folder, "memory.swap.max", 0);

	return error == -ENOENT ? 0 : error; /* a kernel that does not account for swap */
}

int cgroupfs__make(const struct cgroupfs *cgroupfs, const char *name, uint64_t limit_bytes,
		   char folder[PATH_MAX])
{
	int error;

	if (!cgroupfs->version)
		return -ENOENT;
	if (snprintf(folder, PATH_MAX, "%s/%s", cgroupfs->mount, name) >= PATH_MAX)
		return -ENAMETOOLONG;
	if (cgroupfs->version == 2) {
		char path[PATH_MAX];
		_cleanup_(closep) int fd = -1;

		snprintf(path, sizeof(path), "%.4000s/cgroup.subtree_control", cgroupfs->mount);
		fd = open(path, O_WRONLY | O_CLOEXEC);
		if (fd < 0 || write(fd, "+memory", 7) != 7)
			return -errno;
	}
	if (mkdir(folder, 0755))
		return -errno;
	error = set_limit(cgroupfs, folder, limit_bytes);
	if (!error)
		error = forbid_swap(cgroupfs, folder, limit_bytes);
	if (error)
		rmdir(folder);
	return error;
}

int cgroupfs__move(const char *folder, uint32_t pid)
{
	return write_number(folder, "cgroup.procs", pid);
}

int cgroupfs__remove(const char *folder)
{
	return rmdir(folder) ? -errno : 0;
}
