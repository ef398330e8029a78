/* SPDX-License-Identifier: GPL-2.0-only */
#include "maps/tmpfs_mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

struct tmpfs_mount {
	uint32_t major, minor;
	char *point;
};

void tmpfs_mounts__free(struct tmpfs_mounts *mounts)
{
	for (size_t i = 0; i < mounts->count; i++)
		free(mounts->mounts[i].point);
	free(mounts->mounts);
	*mounts = (struct tmpfs_mounts){0};
}

/* The kernel tells blanks, newlines and backslashes as three octal digits. */
static void unescape(char *path)
{
	char *out = path;

	for (const char *in = path; *in; out++) {
		if (in[0] == '\\' && in[1] >= '0' && in[1] <= '3' && in[2] >= '0' && in[2] <= '7' &&
		    in[3] >= '0' && in[3] <= '7') {
			*out = (char)((in[1] - '0') * 64 + (in[2] - '0') * 8 + (in[3] - '0'));
			in += 4;
		} else {
			*out = *in++;
		}
	}
	*out = '\0';
}

/* "36 35 0:30 ROOT POINT OPTIONS [OPTIONAL...] - TYPE SOURCE OPTIONS"; NULL: not a tmpfs. */
static char *parse(char *line, uint32_t *major, uint32_t *minor)
{
	char *rest = line, *word, *point = NULL;
	bool is_next = false;
	unsigned int index = 0;

	for (; (word = strsep(&rest, " ")); index++) {
		if (index == 2 && sscanf(word, "%u:%u", major, minor) != 2)
			return NULL;
		if (index == 4)
			point = word;
		if (is_next)
			return !strcmp(word, "tmpfs") ? point : NULL;
		is_next = index > 4 && !strcmp(word, "-");
	}
	return NULL;
}

static void keep(struct tmpfs_mounts *mounts, char *point, uint32_t major, uint32_t minor)
{
	struct tmpfs_mount *mount = &mounts->mounts[mounts->count];

	unescape(point);
	mount->point = strdup(point);
	if (!mount->point)
		return;
	mount->major = major;
	mount->minor = minor;
	mounts->count++;
	mounts->bytes += sizeof(*mount) + strlen(point) + 1;
}

static size_t read_up_to(const char *path, char *room, size_t bytes)
{
	_cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	size_t held = 0;

	while (fd >= 0 && held < bytes) {
		ssize_t got = read(fd, room + held, bytes - held);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		held += (size_t)got;
	}
	return held;
}

void tmpfs_mounts__read(struct tmpfs_mounts *mounts, const char *proc, uint32_t pid, size_t most,
			size_t most_bytes)
{
	_cleanup_(freep) char *room = malloc(most_bytes + 1);
	char path[256], *line, *end;
	uint32_t major, minor;

	tmpfs_mounts__free(mounts);
	mounts->mounts = calloc(most, sizeof(*mounts->mounts));
	if (!room || !mounts->mounts)
		return;
	snprintf(path, sizeof(path), "%s/%u/mountinfo", proc, pid);
	room[read_up_to(path, room, most_bytes)] = '\0';
	/* Not a line that was cut. */
	for (line = room; mounts->count < most && (end = strchr(line, '\n')); line = end + 1) {
		char *point;

		*end = '\0';
		point = parse(line, &major, &minor);
		if (point)
			keep(mounts, point, major, minor);
	}
}

static bool leads_to(const char *point, size_t length, const char *path)
{
	if (length == 1)
		return path[0] == '/';
	return !strncmp(path, point, length) && path[length] == '/';
}

const char *tmpfs_mounts__find(const struct tmpfs_mounts *mounts, uint32_t major, uint32_t minor,
			       const char *path)
{
	const char *found = NULL;
	size_t best = 0;

	for (size_t i = 0; i < mounts->count; i++) {
		const struct tmpfs_mount *mount = &mounts->mounts[i];
		const size_t length = strlen(mount->point);

		if (mount->major != major || mount->minor != minor)
			continue;
		if (!found)
			found = mount->point;
		if (length > best && leads_to(mount->point, length, path)) {
			found = mount->point;
			best = length;
		}
	}
	return found;
}
