/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stddef.h>

#include <jansson.h>

/*
 * An incident.json from the disk. Whatever lies there, reading takes bounded memory and time: no
 * incident that this program writes comes near the bounds.
 */
#define STORED_JSON_BYTES  (8U << 20)
#define STORED_JSON_VALUES 600000U

/* A new reference to its outermost object. -errno; `why` completes "incident.json ...". */
int stored_json__load(json_t **out, int fd, char *why, size_t why_size);

/* The member's string; "" when it is something else or not there. Any characters. */
const char *stored_json__string(const json_t *object, const char *key);

/* A positive pid or count; 0 when it is something else. */
json_int_t stored_json__count(const json_t *object, const char *key);
