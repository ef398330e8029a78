/* SPDX-License-Identifier: GPL-2.0-only */
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define TEXT_FIRST_CAPACITY 256

static bool text__reserve(struct text *text, size_t more)
{
	size_t needed, capacity;
	char *data;

	if (text->failed)
		return false;
	if (more >= SIZE_MAX / 2 - text->length) {
		text->failed = true;
		return false;
	}
	needed = text->length + more + 1;
	if (needed <= text->capacity)
		return true;
	capacity = text->capacity ? text->capacity : TEXT_FIRST_CAPACITY;
	while (capacity < needed)
		capacity *= 2;
	data = realloc(text->data, capacity);
	if (!data) {
		text->failed = true;
		return false;
	}
	text->data = data;
	text->capacity = capacity;
	return true;
}

void text__append(struct text *text, const char *data, size_t length)
{
	if (length == 0 || !text__reserve(text, length))
		return;
	memcpy(text->data + text->length, data, length);
	text->length += length;
	text->data[text->length] = '\0';
}

void text__string(struct text *text, const char *string)
{
	text__append(text, string, strlen(string));
}

void text__printf(struct text *text, const char *format, ...)
{
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	if (length < 0) {
		text->failed = true;
		return;
	}
	if (!text__reserve(text, (size_t)length))
		return;
	va_start(arguments, format);
	vsnprintf(text->data + text->length, (size_t)length + 1, format, arguments);
	va_end(arguments);
	text->length += (size_t)length;
}

void text__pad(struct text *text, char c, size_t count)
{
	if (count == 0 || !text__reserve(text, count))
		return;
	memset(text->data + text->length, c, count);
	text->length += count;
	text->data[text->length] = '\0';
}

void text__pad_to(struct text *text, size_t line_start, size_t column)
{
	size_t columns = 0;

	if (text->data && line_start < text->length)
		columns = text__columns(text->data + line_start);
	if (columns < column)
		text__pad(text, ' ', column - columns);
}

size_t utf8__decode(const char *bytes, size_t length, uint32_t *code)
{
	static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
	unsigned char first = (unsigned char)bytes[0];
	size_t i, size;
	uint32_t value;

	if (first < 0x80) {
		*code = first;
		return 1;
	}
	if (first >= 0xc2 && first <= 0xdf)
		size = 2;
	else if (first >= 0xe0 && first <= 0xef)
		size = 3;
	else if (first >= 0xf0 && first <= 0xf4)
		size = 4;
	else
		return 0;
	if (size > length)
		return 0;
	value = first & (0x7fU >> size);
	for (i = 1; i < size; i++) {
		if (((unsigned char)bytes[i] & 0xc0) != 0x80)
			return 0;
		value = value << 6 | ((unsigned char)bytes[i] & 0x3f);
	}
	if (value < smallest[size] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
		return 0;
	*code = value;
	return size;
}

struct code_range {
	uint32_t first;
	uint32_t last;
};

static bool code__within(uint32_t code, const struct code_range *ranges, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (code >= ranges[i].first && code <= ranges[i].last)
			return true;
	}
	return false;
}

/* What could move a terminal's cursor, end the line or turn the order of what is read. */
static bool code__is_unsafe(uint32_t code)
{
	static const struct code_range unsafe[] = {
		{0x00, 0x1f},     {0x7f, 0x9f},     {0x061c, 0x061c}, {0x200e, 0x200f},
		{0x2028, 0x202e}, {0x2066, 0x2069}, {0xfeff, 0xfeff},
	};

	return code__within(code, unsafe, sizeof(unsafe) / sizeof(unsafe[0]));
}

static size_t code__columns(uint32_t code)
{
	static const struct code_range combining[] = {
		{0x0300, 0x036f}, {0x0483, 0x0489}, {0x0591, 0x05bd},   {0x064b, 0x065f},
		{0x1ab0, 0x1aff}, {0x1dc0, 0x1dff}, {0x200b, 0x200d},   {0x20d0, 0x20ff},
		{0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}, {0xe0100, 0xe01ef},
	};
	static const struct code_range wide[] = {
		{0x1100, 0x115f},   {0x2e80, 0x303e},   {0x3041, 0xa4cf},   {0xac00, 0xd7a3},
		{0xf900, 0xfaff},   {0xfe30, 0xfe6f},   {0xff00, 0xff60},   {0xffe0, 0xffe6},
		{0x1f300, 0x1f64f}, {0x1f680, 0x1f6ff}, {0x1f900, 0x1f9ff}, {0x20000, 0x3fffd},
	};

	if (code < 0x300)
		return 1;
	if (code__within(code, combining, sizeof(combining) / sizeof(combining[0])))
		return 0;
	return code__within(code, wide, sizeof(wide) / sizeof(wide[0])) ? 2 : 1;
}

/* Appends the escaped form of what stands first in `bytes`, all of it or nothing. Returns how many
 * bytes that was. */
static size_t text__escape_one(struct text *text, const char *bytes, size_t length)
{
	uint32_t code;
	size_t size = utf8__decode(bytes, length, &code);
	bool escape = size == 0 || code__is_unsafe(code);

	if (size == 0)
		size = 1;
	if (!escape && bytes[0] == '\\')
		text__append(text, "\\\\", 2);
	else if (!escape)
		text__append(text, bytes, size);
	else if (bytes[0] == '\n')
		text__append(text, "\\n", 2);
	else if (bytes[0] == '\t')
		text__append(text, "\\t", 2);
	else
		for (size_t i = 0; i < size; i++)
			text__printf(text, "\\x%02x", (unsigned char)bytes[i]);
	return size;
}

void text__escaped(struct text *text, const char *bytes, size_t length)
{
	while (length > 0) {
		size_t size = text__escape_one(text, bytes, length);

		bytes += size;
		length -= size;
	}
}

void text__escaped_array(struct text *text, const char *array, size_t size)
{
	text__escaped(text, array, strnlen(array, size));
}

/* A line being filled up to a limit: `cut` is where "..." still has room. */
struct column_limit {
	size_t max; /* 0: none */
	size_t used;
	size_t cut;
};

/* Accounts for what was appended since `start`; false once the line is full, and then cut. */
static bool text__within_limit(struct text *text, size_t start, struct column_limit *limit)
{
	size_t dots;

	if (limit->max == 0 || text->failed)
		return !text->failed;
	dots = limit->max < 3 ? limit->max : 3;
	limit->used += text__columns(text->data + start);
	if (limit->used + dots <= limit->max)
		limit->cut = text->length;
	if (limit->used <= limit->max)
		return true;
	text->length = limit->cut;
	text->data[text->length] = '\0';
	text__append(text, "...", dots);
	return false;
}

static bool argument__needs_quotes(const char *argument, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (argument[i] == ' ' || argument[i] == '\'' || argument[i] == '"')
			return true;
	}
	return length == 0;
}

static bool text__argument(struct text *text, const char *argument, size_t length,
			   struct column_limit *limit)
{
	bool quotes = argument__needs_quotes(argument, length);
	size_t start = text->length;

	if (quotes) {
		text__append(text, "'", 1);
		if (!text__within_limit(text, start, limit))
			return false;
	}
	while (length > 0) {
		size_t size = 1;

		start = text->length;
		if (quotes && argument[0] == '\'')
			text__append(text, "\\'", 2);
		else
			size = text__escape_one(text, argument, length);
		if (!text__within_limit(text, start, limit))
			return false;
		argument += size;
		length -= size;
	}
	start = text->length;
	if (quotes) {
		text__append(text, "'", 1);
		return text__within_limit(text, start, limit);
	}
	return true;
}

void text__argv(struct text *text, const char *argv, size_t bytes, size_t max_columns)
{
	struct column_limit limit = {.max = max_columns, .cut = text->length};

	/* A program that rewrote its title leaves the rest of the area zeroed. */
	while (bytes > 0 && argv[bytes - 1] == '\0')
		bytes--;
	for (size_t at = 0; at < bytes;) {
		size_t length = strnlen(argv + at, bytes - at);
		size_t start = text->length;

		if (at > 0) {
			text__append(text, " ", 1);
			if (!text__within_limit(text, start, &limit))
				return;
		}
		if (!text__argument(text, argv + at, length, &limit))
			return;
		at += length + 1;
	}
}

size_t text__columns(const char *string)
{
	size_t length = strlen(string);
	size_t columns = 0;

	while (length > 0) {
		uint32_t code;
		size_t size = utf8__decode(string, length, &code);

		columns += size ? code__columns(code) : 1;
		size = size ? size : 1;
		string += size;
		length -= size;
	}
	return columns;
}

bool text__ok(const struct text *text)
{
	return !text->failed;
}

void text__free(struct text *text)
{
	free(text->data);
	*text = (struct text){0};
}
