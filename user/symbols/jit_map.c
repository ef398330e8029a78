/* SPDX-License-Identifier: GPL-2.0-only */
#include "symbols/jit_map.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "symbols/overlay.h"
#include "symbols/safe_open.h"

#define READ_BYTES (64U << 10) /* at once; a longer line is none */

struct jit_map {
	dev_t device;
	ino_t inode;
	uint64_t at;         /* behind the last whole line read */
	bool inside_skipped; /* in a line that is too long */
	bool cut;
	uint64_t entries;
	uint64_t skipped;
	struct piece *pieces; /* by address, none over another */
	size_t piece_count;
	struct piece *added; /* since, as they came */
	size_t added_count;
	size_t added_capacity;
	char *names;
	size_t names_bytes;
	size_t names_capacity;
};

int jit_map__new(struct jit_map **out)
{
	*out = calloc(1, sizeof(**out));
	return *out ? 0 : -ENOMEM;
}

void jit_map__free(struct jit_map *map)
{
	if (!map)
		return;
	free(map->pieces);
	free(map->added);
	free(map->names);
	free(map);
}

static void jit_map__reset(struct jit_map *map)
{
	free(map->pieces);
	free(map->added);
	free(map->names);
	*map = (struct jit_map){0};
}

/* Room for one more of `size` bytes each. */
static int reserve(void **data, size_t *capacity, size_t needed, size_t size)
{
	size_t larger = *capacity ? *capacity : 64;
	void *moved;

	if (needed <= *capacity)
		return 0;
	while (larger < needed)
		larger *= 2;
	moved = realloc(*data, larger * size);
	if (!moved)
		return -ENOMEM;
	*data = moved;
	*capacity = larger;
	return 0;
}

/* A hexadecimal number with a blank behind it; moves *at behind both. */
static bool parse_hex(const char **at, const char *end, uint64_t *out)
{
	const char *c = *at;
	uint64_t value = 0;
	unsigned int digits = 0;

	if (end - c > 2 && c[0] == '0' && (c[1] == 'x' || c[1] == 'X'))
		c += 2;
	for (; c < end && *c != ' '; c++, digits++) {
		unsigned int digit;

		if (*c >= '0' && *c <= '9')
			digit = (unsigned int)(*c - '0');
		else if ((*c | 0x20) >= 'a' && (*c | 0x20) <= 'f')
			digit = (unsigned int)((*c | 0x20) - 'a' + 10);
		else
			return false;
		if (value >> 60)
			return false;
		value = value << 4 | digit;
	}
	if (digits == 0 || c == end)
		return false;
	*out = value;
	*at = c + 1;
	return true;
}

/* 0; -EINVAL: no entry. */
static int jit_map__add_line(struct jit_map *map, const char *line, const char *end)
{
	uint64_t start, bytes;
	size_t length;
	int error;

	if (end > line && end[-1] == '\r')
		end--;
	if (!parse_hex(&line, end, &start) || !parse_hex(&line, end, &bytes) || line == end ||
	    bytes == 0 || bytes > UINT32_MAX || start + bytes < start)
		return -EINVAL;
	length = (size_t)(end - line);
	if (memchr(line, '\0', length))
		return -EINVAL;
	if (length > SYMBOL_NAME_MAX_BYTES - 1)
		length = SYMBOL_NAME_MAX_BYTES - 1;
	error = reserve((void **)&map->names, &map->names_capacity, map->names_bytes + length + 1,
			1);
	if (!error)
		error = reserve((void **)&map->added, &map->added_capacity, map->added_count + 1,
				sizeof(map->added[0]));
	if (error)
		return error;
	map->entries++;
	map->added[map->added_count++] = (struct piece){
		.from = start,
		.to = start + bytes,
		.start = start,
		.bytes = (uint32_t)bytes,
		.name = (uint32_t)map->names_bytes,
		.rank = map->entries,
	};
	memcpy(map->names + map->names_bytes, line, length);
	map->names[map->names_bytes + length] = '\0';
	map->names_bytes += length + 1;
	return 0;
}

/* Takes the whole lines of `data`. Returns how many bytes these are, or -ENOMEM. */
static long jit_map__add_lines(struct jit_map *map, const char *data, size_t bytes)
{
	const char *at = data, *end;
	int error;

	while ((end = memchr(at, '\n', bytes - (size_t)(at - data)))) {
		if (map->piece_count + map->added_count >= JIT_MAP_MAX_ENTRIES) {
			map->cut = true;
			break;
		}
		error = map->inside_skipped ? -EINVAL : jit_map__add_line(map, at, end);
		if (error == -ENOMEM)
			return error;
		map->skipped += error != 0;
		map->inside_skipped = false;
		at = end + 1;
	}
	return at - data;
}

static int jit_map__read_on(struct jit_map *map, int fd, char *buffer)
{
	while (!map->cut) {
		ssize_t got = pread(fd, buffer, READ_BYTES, (off_t)map->at);
		long taken;

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got < 0 ? -errno : 0;
		if (map->at + (uint64_t)got > JIT_MAP_MAX_BYTES) {
			map->cut = true;
			return 0;
		}
		taken = jit_map__add_lines(map, buffer, (size_t)got);
		if (taken < 0)
			return (int)taken;
		if (taken == 0 && !map->cut && got < READ_BYTES)
			return 0;
		if (taken == 0 && !map->cut) {
			map->inside_skipped = true;
			taken = got;
		}
		map->at += (uint64_t)taken;
	}
	return 0;
}

/* Puts what was added over what was there. */
static int jit_map__settle(struct jit_map *map)
{
	size_t count = map->piece_count + map->added_count;
	struct piece *all, *pieces;
	int error;

	if (map->added_count == 0)
		return 0;
	all = malloc(count * sizeof(*all));
	if (!all)
		return -ENOMEM;
	if (map->piece_count > 0)
		memcpy(all, map->pieces, map->piece_count * sizeof(*all));
	memcpy(all + map->piece_count, map->added, map->added_count * sizeof(*all));
	error = overlay(all, count, &pieces, &count);
	if (error) {
		free(all);
		return error;
	}
	free(map->pieces);
	map->pieces = pieces;
	map->piece_count = count;
	free(map->added);
	map->added = NULL;
	map->added_count = map->added_capacity = 0;
	return 0;
}

int jit_map__read(struct jit_map *map, int fd)
{
	_cleanup_(freep) char *buffer = malloc(READ_BYTES);
	struct stat status;
	int error, unsettled;

	if (!buffer)
		return -ENOMEM;
	if (fstat(fd, &status) < 0)
		return -errno;
	if (status.st_dev != map->device || status.st_ino != map->inode ||
	    (uint64_t)status.st_size < map->at)
		jit_map__reset(map);
	map->device = status.st_dev;
	map->inode = status.st_ino;
	error = jit_map__read_on(map, fd, buffer);
	unsettled = jit_map__settle(map);
	return error ? error : unsettled;
}

int jit_map__update(struct jit_map *map, int root, uint32_t pid, uid_t owner, int64_t oldest_ns)
{
	const struct safe_open wanted = {.owner = owner};
	_cleanup_(closep) int fd = -1;
	struct stat status;
	char path[64];

	snprintf(path, sizeof(path), "/tmp/perf-%u.map", pid);
	fd = safe_open(root, path, &wanted);
	if (fd < 0)
		return fd;
	if (fstat(fd, &status))
		return -errno;
	if ((int64_t)status.st_mtim.tv_sec * (int64_t)NS_PER_S + status.st_mtim.tv_nsec < oldest_ns)
		return -ESTALE;
	return jit_map__read(map, fd);
}

bool jit_map__find(const struct jit_map *map, uint64_t address, struct symbol *out)
{
	size_t low = 0, high = map->piece_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (map->pieces[middle].to <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == map->piece_count || map->pieces[low].from > address)
		return false;
	*out = (struct symbol){
		.name = map->names + map->pieces[low].name,
		.start = map->pieces[low].start,
		.bytes = map->pieces[low].bytes,
	};
	return true;
}

uint64_t jit_map__entries(const struct jit_map *map)
{
	return map->entries;
}

uint64_t jit_map__skipped(const struct jit_map *map)
{
	return map->skipped;
}

bool jit_map__cut(const struct jit_map *map)
{
	return map->cut;
}

size_t jit_map__bytes(const struct jit_map *map)
{
	return sizeof(*map) + map->piece_count * sizeof(map->pieces[0]) +
	       map->added_capacity * sizeof(map->added[0]) + map->names_capacity;
}
