/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/events.h"

/* Reads a recording (recording/format.h), whatever bytes it consists of. Memory is bounded by one
 * block, whatever the file claims.
 */
struct reader;

enum reader_end {
	READER_GOING,      /* not at the end yet */
	READER_COMPLETE,   /* closed properly */
	READER_INCOMPLETE, /* ends after an intact block, without having been closed */
	READER_TORN /* the rest could not be read; see reader__torn_bytes() and reader__why() */
};

/* -errno of opening; -EINVAL: not a recording, or of a newer version; see reader__why().
 * `*out` is set even then, to be asked why and freed; NULL only on -ENOMEM. */
int reader__new(struct reader **out, const char *path);

/* The next event, or NULL at the end. Valid until the next call. Each one returned has passed
 * event__check(). */
const struct event_header *reader__next(struct reader *reader);

enum reader_end reader__end(const struct reader *reader);
const char *reader__why(const struct reader *reader);     /* one plain sentence about the failure */
uint64_t reader__events(const struct reader *reader);     /* returned so far */
uint64_t reader__bytes(const struct reader *reader);      /* of the file header and intact blocks */
uint64_t reader__torn_bytes(const struct reader *reader); /* behind them, lost */
uint64_t reader__unknown(const struct reader *reader); /* events of kinds unknown to this version,
							* passed over */

void reader__free(struct reader *reader);

/* Is this an event of a known kind whose fields may be read? `available` bytes are readable at
 * `event`, which is 8-byte aligned. Sizes and inner lengths are checked, and enum values that are
 * used as indexes; contents are not.
 * 0; -ENOENT: intact, but of a kind, or with such an enum value, unknown to this version (its size
 * is to be trusted); -EBADMSG: malformed. */
int event__check(const struct event_header *event, size_t available);
