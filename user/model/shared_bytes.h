/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * Immutable bytes with several owners: a command line belongs to a process, to the children that
 * inherited it and to the incidents that froze it. One NUL is kept behind the bytes.
 * Not for more than one thread.
 */

/* A copy with one owner; NULL on ENOMEM. */
char *shared_bytes__new(const char *bytes, size_t length);
/* One more owner; NULL stays NULL. Returns `bytes`. */
char *shared_bytes__get(char *bytes);
/* One owner less; the last one frees. Returns the heap bytes released. */
size_t shared_bytes__put(char *bytes);
/* Heap bytes behind it; NULL: 0. */
size_t shared_bytes__size(const char *bytes);
/* A number that the owners share as well, 0 at first. */
void shared_bytes__mark(char *bytes, uint32_t mark);
uint32_t shared_bytes__marked(const char *bytes);
