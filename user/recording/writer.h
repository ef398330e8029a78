/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "bpf/events.h"

/* Writes a recording (recording/format.h). Errors are -errno; after the first one the writer
 * refuses everything else with the same error, so a full disk leaves a valid, torn-free file.
 */
struct writer;

/* Creates `path` (mode 0600, taking the place of a regular file of that name; anything else there,
 * a symbolic link too, is an error, -EEXIST) and writes the file header. Allocates all that the
 * writer will ever need. */
int writer__new(struct writer **out, const char *path);

/* Goes on with a recording of `events` events that was left without a closing block, such as one
 * that grows now and then. Its end is believed: whole blocks. */
int writer__resume(struct writer **out, const char *path, uint64_t events);

/* Takes the disk space for this much in advance, where the file system knows how; what is not used
 * is given back by writer__close(). A full disk then cannot end the recording before. */
int writer__preallocate(struct writer *writer, uint64_t bytes);

/* Gives back what was taken in advance, but for what a last block needs. */
void writer__release(struct writer *writer);

/* Appends one event. Blocks are written as format.h says; `event` is copied. -EINVAL, without
 * consequences, for an event of impossible size; -ESHUTDOWN behind writer__close(). */
int writer__append(struct writer *writer, const struct event_header *event);

/* Writes what has gathered when it is older than a second by `now_ns` (CLOCK_MONOTONIC). */
int writer__tick(struct writer *writer, uint64_t now_ns);

/* Writes what has gathered, now. */
int writer__flush(struct writer *writer);

/* writer__flush() and fdatasync(2). */
int writer__sync(struct writer *writer);

int writer__fd(const struct writer *writer); /* of the file, readable too; stays the writer's */
uint64_t writer__events(const struct writer *writer);
uint64_t writer__bytes(const struct writer *writer); /* in the file so far */

/* Flushes, writes the closing block and syncs. The writer must still be freed. */
int writer__close(struct writer *writer);

/* Closes the file as it stands. free(NULL) is fine. */
void writer__free(struct writer *writer);
