/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Reads little-endian values one after the other and never beyond the end: from then on it is
 * `bad`, and every value is 0. */
struct cursor {
	const uint8_t *data;
	size_t at;
	size_t end;
	bool bad;
};

static inline size_t cursor__left(const struct cursor *cursor)
{
	return cursor->bad ? 0 : cursor->end - cursor->at;
}

static inline bool cursor__has(struct cursor *cursor, uint64_t bytes)
{
	if (bytes > cursor__left(cursor))
		cursor->bad = true;
	return !cursor->bad;
}

static inline void cursor__skip(struct cursor *cursor, uint64_t bytes)
{
	if (cursor__has(cursor, bytes))
		cursor->at += bytes;
}

/* 1, 2, 4 or 8 bytes. */
static inline uint64_t cursor__unsigned(struct cursor *cursor, unsigned int bytes)
{
	uint64_t value = 0;

	if (!cursor__has(cursor, bytes))
		return 0;
	for (unsigned int i = 0; i < bytes; i++)
		value |= (uint64_t)cursor->data[cursor->at + i] << (8 * i);
	cursor->at += bytes;
	return value;
}

static inline int64_t cursor__signed(struct cursor *cursor, unsigned int bytes)
{
	unsigned int unused = 64 - 8 * bytes;

	return (int64_t)(cursor__unsigned(cursor, bytes) << unused) >> unused;
}

/* Up to 64 bits in up to CURSOR_LEB_MAX bytes; a longer one is bad, however harmless its padding:
 * reading it again and again would cost somebody's choice of time. */
#define CURSOR_LEB_MAX 10

static inline uint64_t cursor__uleb(struct cursor *cursor)
{
	uint64_t value = 0;

	for (unsigned int shift = 0; shift < 7 * CURSOR_LEB_MAX; shift += 7) {
		uint8_t byte = (uint8_t)cursor__unsigned(cursor, 1);

		value |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return value;
	}
	cursor->bad = true;
	return 0;
}

static inline int64_t cursor__sleb(struct cursor *cursor)
{
	uint64_t value = 0;

	for (unsigned int shift = 0; shift < 7 * CURSOR_LEB_MAX; shift += 7) {
		uint8_t byte = (uint8_t)cursor__unsigned(cursor, 1);

		value |= (uint64_t)(byte & 0x7f) << shift;
		if (byte & 0x80)
			continue;
		if (byte & 0x40 && shift + 7 < 64)
			value |= UINT64_MAX << (shift + 7);
		return (int64_t)value;
	}
	cursor->bad = true;
	return 0;
}
