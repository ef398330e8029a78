/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A growing string. Running out of memory is remembered, not returned: build the whole text, then
 * ask text__ok() once. Zero-initialise: `struct text text = {0};`.
 */
struct text {
	char *data; /* NUL-terminated when not NULL */
	size_t length;
	size_t capacity;
	bool failed;
};

void text__append(struct text *text, const char *data, size_t length);
void text__string(struct text *text, const char *string);
void text__printf(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text__pad(struct text *text, char c, size_t count);
void text__pad_to(struct text *text, size_t line_start, size_t column); /* spaces up to a column */

/* `bytes` as a person may read them on a terminal: valid UTF-8 passes, except control characters
 * (C0, DEL, C1) and the backslash, which become \n \t \\ or \xNN, as do bytes that are not UTF-8,
 * and bidirectional formatting characters. Ends at `length` (no stop at NUL). */
void text__escaped(struct text *text, const char *bytes, size_t length);

/* The same for a fixed array that ends at its first NUL or at its size. */
void text__escaped_array(struct text *text, const char *array, size_t size);

/* argv as in /proc/PID/cmdline: arguments separated by blanks, escaped, those with blanks, quotes
 * or nothing in them in single quotes; cut behind max_columns (0: never) with "...". */
void text__argv(struct text *text, const char *argv, size_t bytes, size_t max_columns);

size_t text__columns(const char *string); /* display columns of an escaped string (UTF-8 aware) */

bool text__ok(const struct text *text);
void text__free(struct text *text); /* releases the data and zeroes the struct */

/* Length of the UTF-8 sequence at `bytes` (length > 0) and its code point; 0 where there is none:
 * overlong forms, surrogates and anything above U+10FFFF are not UTF-8. */
size_t utf8__decode(const char *bytes, size_t length, uint32_t *code);
