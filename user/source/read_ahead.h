/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stdint.h>

#include "bpf/events.h"
#include "recording/reader.h"

/*
 * Reads a recording in a thread of its own: inflating and checking blocks takes about as long as
 * feeding the model, and the two need nothing of each other. The events come in the order and
 * number of the file; what is read ahead is bounded by a few batches.
 */
struct read_ahead;

/* Takes the reader over: nobody else may use it before read_ahead__free(). 0, -ENOMEM or -EAGAIN
 * when no thread can be had. */
int read_ahead__new(struct read_ahead **out, struct reader *reader);

/* The next event, or NULL at the end; valid until the next call. *number is its place in the file,
 * counted from 0, events of unknown kinds included. */
const struct event_header *read_ahead__next(struct read_ahead *ahead, uint64_t *number);

/* Ends the thread, wherever it is, and gives the reader back. free(NULL) is fine. */
void read_ahead__free(struct read_ahead *ahead);
