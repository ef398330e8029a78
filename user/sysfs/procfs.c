/* SPDX-License-Identifier: GPL-2.0-only */
#include "sysfs/procfs.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

long sysfs__read(const char *root, const char *path, char *buffer, size_t size)
{
	char full[PATH_MAX];
	_cleanup_(closep) int fd = -1;
	size_t length = 0;

	if (snprintf(full, sizeof(full), "%s%s", root, path) >= (int)sizeof(full))
		return -ENAMETOOLONG;
	fd = open(full, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	while (length + 1 < size) {
		ssize_t got = read(fd, buffer + length, size - 1 - length);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		length += got;
	}
	buffer[length] = '\0';
	return length;
}

int sysfs__read_line(const char *root, const char *path, char *buffer, size_t size)
{
	long length = sysfs__read(root, path, buffer, size);

	if (length < 0)
		return length;
	buffer[strcspn(buffer, "\n")] = '\0';
	return 0;
}

/* The number behind `key` at the beginning of a line, or -ENOENT. */
static int find_number(const char *text, const char *key, size_t key_length, int64_t *out)
{
	for (const char *line = text; line; line = strchr(line, '\n')) {
		if (*line == '\n')
			line++;
		if (strncmp(line, key, key_length) ||
		    (line[key_length] != ':' && line[key_length] != ' '))
			continue;
		*out = strtoll(line + key_length + 1, NULL, 10);
		return 0;
	}
	return -ENOENT;
}

int procfs__meminfo(const char *root, struct meminfo *out)
{
	static const char *const keys[] = {
#define X(field, key) key,
		MEMINFO(X)
#undef X
	};
	int64_t values[sizeof(keys) / sizeof(*keys)];
	char text[8192];
	long length = sysfs__read(root, "/proc/meminfo", text, sizeof(text));

	_Static_assert(sizeof(values) == sizeof(*out), "one row per field");
	if (length < 0)
		return length;
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		int64_t kib;

		values[i] = EVENT_UNKNOWN;
		if (find_number(text, keys[i], strlen(keys[i]), &kib) == 0)
			values[i] = kib * 1024;
	}
	memcpy(out, values, sizeof(*out));
	return 0;
}

int procfs__oom_kills(const char *root, int64_t *out)
{
	_cleanup_(freep) char *text = malloc(65536);
	long length;

	if (!text)
		return -ENOMEM;
	length = sysfs__read(root, "/proc/vmstat", text, 65536);
	if (length < 0)
		return length;
	return find_number(text, "oom_kill", strlen("oom_kill"), out);
}

long procfs__argv(const char *root, uint32_t pid, char *argv, size_t size)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%" PRIu32 "/cmdline", pid);
	return sysfs__read(root, path, argv, size);
}

int procfs__start_ticks(const char *root, uint32_t pid, uint64_t *ticks)
{
	char path[64], text[1024], *cursor;
	long length;

	snprintf(path, sizeof(path), "/proc/%" PRIu32 "/stat", pid);
	length = sysfs__read(root, path, text, sizeof(text));
	if (length < 0)
		return length;
	/* comm, field 2, may hold blanks and brackets of its own: count from its last bracket. */
	cursor = strrchr(text, ')');
	for (int field = 2; cursor && field < 22; field++)
		cursor = strchr(cursor + 1, ' ');
	if (!cursor)
		return -EBADMSG;
	*ticks = strtoull(cursor + 1, NULL, 10);
	return 0;
}

int procfs__thread_group(const char *root, uint32_t pid, uint32_t *leader)
{
	char path[64], text[8192], *row;
	long length;

	snprintf(path, sizeof(path), "/proc/%" PRIu32 "/status", pid);
	length = sysfs__read(root, path, text, sizeof(text));
	if (length < 0)
		return length;
	/* The name, in the first row, has its newlines escaped. */
	row = strstr(text, "\nTgid:");
	if (!row)
		return -EBADMSG;
	*leader = strtoul(row + strlen("\nTgid:"), NULL, 10);
	return 0;
}

bool procfs__in_initial_pid_namespace(const char *root)
{
	char path[PATH_MAX], target[64];
	ssize_t length;

	if (snprintf(path, sizeof(path), "%s/proc/self/ns/pid", root) >= (int)sizeof(path))
		return false;
	length = readlink(path, target, sizeof(target) - 1);
	if (length < 0)
		return true; /* a kernel without namespaces */
	target[length] = '\0';
	return !strcmp(target, "pid:[4026531836]"); /* PROC_PID_INIT_INO, for ever */
}

int procfs__capabilities(const char *root, uint64_t *effective)
{
	char text[8192], *row;
	long length = sysfs__read(root, "/proc/self/status", text, sizeof(text));

	if (length < 0)
		return length;
	row = strstr(text, "\nCapEff:");
	if (!row)
		return -ENOENT;
	*effective = strtoull(row + strlen("\nCapEff:"), NULL, 16);
	return 0;
}
