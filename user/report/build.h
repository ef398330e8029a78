/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/*
 * Building JSON: running out of memory is remembered, not returned. Values handed over are owned
 * by what they are put into, also when that fails.
 *
 * Absent: cannot be told. null: could have been, and was lost. Keys carry the unit.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/text.h"
#include "model/model.h"

struct build {
	bool failed;
	size_t frames_max; /* of an incident's stacks together; 0: no bound */
};

void build__set(struct build *build, json_t *object, const char *key, json_t *value);
void build__append(struct build *build, json_t *array, json_t *value);

void build__string(struct build *build, json_t *object, const char *key, const char *string);
void build__bool(struct build *build, json_t *object, const char *key, bool value);
void build__null(struct build *build, json_t *object, const char *key);
void build__count(struct build *build, json_t *object, const char *key, uint64_t count);
void build__bytes(struct build *build, json_t *object, const char *key, int64_t bytes);
/* EVENT_NO_LIMIT becomes "max", as in cgroupfs. */
void build__limit(struct build *build, json_t *object, const char *key, int64_t bytes);
/* Milliseconds, with up to three decimals: microseconds are exact, the rest is cut. */
void build__ms(struct build *build, json_t *object, const char *key, int64_t ns);
/* The mean of so many, in ns with one decimal; count is not 0. */
void build__ns(struct build *build, json_t *object, const char *key, uint64_t sum_ns,
	       uint64_t count);
/* RFC 3339; null when the wall clock is not known. */
void build__utc(struct build *build, json_t *object, const char *key, int64_t realtime_ns);

/* Any bytes; those that are not UTF-8 become U+FFFD, and `key`_hex holds them all. */
void build__text(struct build *build, json_t *object, const char *key, const char *bytes,
		 size_t length);
/* The same for a fixed array that ends at its first NUL or at its size. */
void build__text_array(struct build *build, json_t *object, const char *key, const char *array,
		       size_t size);
/* "argv": its arguments; null when it could not be read, absent when never seen. */
void build__argv(struct build *build, json_t *object, const char *argv, uint32_t bytes,
		 uint32_t flags);

/* Indented, keys as they were put, pure ASCII, one newline at the end. 0 or -ENOMEM. */
int build__dump(const json_t *json, struct text *out);
