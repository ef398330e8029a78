/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stddef.h>

#include "flight/frozen.h"
#include "recording/reader.h"

int reader__new_of(struct reader **out, int fd);

/* `what` begins each sentence; storm_fd -1: none. */
int frozen__new(struct frozen **out, int window_fd, int storm_fd, const char *what, char *why,
		size_t why_size);
