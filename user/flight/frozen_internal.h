/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stddef.h>

#include "flight/frozen.h"
#include "recording/reader.h"

int reader__new_of(struct reader **out, int fd);

/* Of no incident. `what` begins each sentence. */
int frozen__new(struct frozen **out, int window_fd, const char *what, char *why, size_t why_size);

/* The newest chunk with an event in it, when it was never closed and no unfinished incident holds
 * it. */
struct unfinished {
	struct store_chunk chunk;
	int64_t realtime_ns; /* of its last event, or when it was last written to */
};

/* 1: there is one; 0; -errno. */
int unfinished__find(struct unfinished *out, const struct store *store);
