/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "bpf/events.h"

/*
 * Puts events in the order of their times. They arrive from two rings, iterators and user space,
 * nearly sorted. An event is held until nothing older is expected any more (the caller's
 * watermark), then passed on; one that comes after a younger one was passed on is passed on next,
 * flagged EVENT_LATE. Behind this lies the seam: recorder and model see one sequence.
 */
struct order;

/* Receives events one by one; a negative return ends the release and is passed on. */
typedef int (*order_sink)(void *context, const struct event_header *event);

int order__new(struct order **out);

/* Copies the event. Events of equal times keep their order of arrival. 0 or -ENOMEM. */
int order__push(struct order *order, const struct event_header *event);

/* Passes on every event up to and including `until_ns`. */
int order__release(struct order *order, uint64_t until_ns, order_sink sink, void *context);

void order__free(struct order *order);
