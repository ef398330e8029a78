/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "bpf/events.h"

/* Writes a recording (recording/format.h). Errors are -errno; after the first one the writer
 * refuses everything else with the same error, so a full disk leaves a valid, torn-free file.
 */
struct writer;

/* Creates `path` (mode 0600, replacing a regular file of that name; anything else there is an
 * error, -EEXIST) and writes the file header. */
int writer__new(struct writer **out, const char *path);

/* Appends one event. Blocks are written as format.h says; `event` is copied. */
int writer__append(struct writer *writer, const struct event_header *event);

/* Writes what has gathered when it is older than a second by `now_ns` (CLOCK_MONOTONIC). */
int writer__tick(struct writer *writer, uint64_t now_ns);

/* Writes what has gathered, now. */
int writer__flush(struct writer *writer);

/* writer__flush() and fdatasync(2). */
int writer__sync(struct writer *writer);

uint64_t writer__events(const struct writer *writer);
uint64_t writer__bytes(const struct writer *writer); /* in the file so far */

/* Flushes, writes the closing block and syncs. The writer must still be freed. */
int writer__close(struct writer *writer);

/* Closes the file as it stands. free(NULL) is fine. */
void writer__free(struct writer *writer);
