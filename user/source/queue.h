/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/events.h"

/*
 * A bounded queue of events between two threads: one puts, the other takes, neither ever waits.
 * What finds no room is refused, and the caller counts it.
 *
 * Not all events are worth the same when room runs out: growth is told again with the next step,
 * a birth or a death is told once, a kill is why we are here. So growth may fill three quarters,
 * lives all but a sixteenth, and the rest is kept for kills and what the recorder says of itself.
 */
struct queue;

/* All memory is taken and touched here. `bytes` is rounded up to a power of two of at least
 * 256 KiB. 0, -ENOMEM, or what eventfd(2) said. */
int queue__new(struct queue **out, size_t bytes);

/* By the putting thread. Copies the event; false: no room for one of its kind. */
bool queue__put(struct queue *queue, const struct event_header *event);
/* More than a quarter full? */
bool queue__is_busy(const struct queue *queue);
/* Lets the taking thread know. Once after a batch. */
void queue__wake(struct queue *queue);

/* By the taking thread: readable since queue__wake(), until queue__slept(). */
int queue__fd(const struct queue *queue);
void queue__slept(struct queue *queue);
/* The oldest event, or NULL; valid until queue__drop(), which takes it out. */
const struct event_header *queue__peek(struct queue *queue);
void queue__drop(struct queue *queue);

/* Neither thread may use it any more. free(NULL) is fine. */
void queue__free(struct queue *queue);
