/* SPDX-License-Identifier: GPL-2.0-only */
#include "maps/proc_maps.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

/* Longer than any line: a path of which each byte is told with four. */
#define ROOM_BYTES (64U << 10)

/* Hexadecimal or decimal up to `until`, which is stepped over. */
static bool parse_number(char **at, unsigned int base, char until, uint64_t *out)
{
	uint64_t value = 0;
	char *c = *at;

	if (*c == until)
		return false;
	for (; *c != until; c++) {
		unsigned int digit;

		if (*c >= '0' && *c <= '9')
			digit = (unsigned int)(*c - '0');
		else if (*c >= 'a' && *c <= 'f')
			digit = (unsigned int)(*c - 'a') + 10;
		else
			return false;
		if (digit >= base || value > (UINT64_MAX - digit) / base)
			return false;
		value = value * base + digit;
	}
	*at = c + 1;
	*out = value;
	return true;
}

/* The one escape there is, for the one byte that would end the line. */
static void unescape(char *path)
{
	char *out = path;

	for (const char *in = path; *in; out++) {
		if (!strncmp(in, "\\012", 4)) {
			*out = '\n';
			in += 4;
		} else {
			*out = *in++;
		}
	}
	*out = '\0';
}

bool proc_maps__parse(char *line, struct told_mapping *out, bool *executable)
{
	struct told_mapping mapping = {0};
	uint64_t major, minor;
	char *at = line, *end;

	if (!parse_number(&at, 16, '-', &mapping.start) ||
	    !parse_number(&at, 16, ' ', &mapping.end) || mapping.start >= mapping.end)
		return false;
	if (strlen(at) < 5 || at[4] != ' ' || (at[2] != 'x' && at[2] != '-'))
		return false;
	*executable = at[2] == 'x';
	at += 5;
	if (!parse_number(&at, 16, ' ', &mapping.offset) || !parse_number(&at, 16, ':', &major) ||
	    !parse_number(&at, 16, ' ', &minor) || major > UINT32_MAX || minor > UINT32_MAX)
		return false;
	mapping.file.major = (uint32_t)major;
	mapping.file.minor = (uint32_t)minor;
	/* What has no name ends here, with or without a blank. */
	end = at + strcspn(at, " ");
	if (*end) {
		if (!parse_number(&at, 10, ' ', &mapping.file.inode))
			return false;
	} else {
		if (!parse_number(&at, 10, '\0', &mapping.file.inode))
			return false;
		at = end;
	}
	while (*at == ' ')
		at++;
	unescape(at);
	mapping.kind = mapping__kind(at, mapping.file.inode, false);
	if (mapping.kind == MAPPING_FILE)
		mapping.file.deleted = mapping__cut_deleted(at);
	mapping.path = at;
	*out = mapping;
	return true;
}

struct reading {
	proc_maps_sink sink;
	void *context;
	bool all;
	uint64_t *skipped;
	bool inside_skipped; /* in a line that is too long */
	uint64_t lines;
};

/* Takes whole lines; returns how many bytes they are, or what the sink said. */
static long take_lines(struct reading *reading, char *data, size_t bytes)
{
	char *at = data, *end;

	while ((end = memchr(at, '\n', bytes - (size_t)(at - data)))) {
		struct told_mapping mapping;
		bool executable;
		int error = 0;

		*end = '\0';
		reading->lines++;
		if (reading->inside_skipped || strlen(at) != (size_t)(end - at) ||
		    !proc_maps__parse(at, &mapping, &executable))
			++*reading->skipped;
		else if (executable || reading->all)
			error = reading->sink(reading->context, &mapping);
		if (error < 0)
			return error;
		reading->inside_skipped = false;
		at = end + 1;
	}
	return at - data;
}

static int read_lines(struct reading *reading, int fd)
{
	_cleanup_(freep) char *room = malloc(ROOM_BYTES);
	uint64_t total = 0;
	size_t held = 0;

	if (!room)
		return -ENOMEM;
	for (;;) {
		ssize_t got = read(fd, room + held, ROOM_BYTES - held);
		long taken;

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		held += (size_t)got;
		total += (uint64_t)got;
		taken = take_lines(reading, room, held);
		if (taken < 0)
			return (int)taken;
		memmove(room, room + taken, held - (size_t)taken);
		held -= (size_t)taken;
		if (held == ROOM_BYTES) {
			reading->inside_skipped = true;
			held = 0;
		}
		if (total >= PROC_MAPS_MAX_BYTES) {
			++*reading->skipped;
			return 0;
		}
	}
	*reading->skipped += held > 0;
	return reading->lines > 0 ? 0 : -ESRCH;
}

int proc_maps__read(const char *proc, uint32_t pid, bool all, proc_maps_sink sink, void *context,
		    uint64_t *skipped)
{
	struct reading reading = {.sink = sink, .context = context, .all = all, .skipped = skipped};
	_cleanup_(closep) int fd = -1;
	char path[256];

	snprintf(path, sizeof(path), "%s/%u/maps", proc, pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	return read_lines(&reading, fd);
}
