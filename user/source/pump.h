/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "source/live.h"
#include "source/queue.h"

/*
 * The live source in a thread of its own: from the rings into a queue, whatever the taking thread
 * is waiting for. What the queue has no room for is counted by kind, and told in the stream when
 * there is room again.
 */
struct pump;

struct pump_options {
	struct live_options live; /* sink, context and refused are the pump's own */
	struct queue *queue;
	/* Called by the thread whenever it comes around, at least ten times a second; may be NULL.
	 */
	void (*beat)(void *context);
	void *context;
};

/* Attaches in this thread, which has the privileges. On failure `why` says so. */
int pump__new(struct pump **out, struct probe *probe, const struct pump_options *options, char *why,
	      size_t why_size);

/* Begins the thread: the opening snapshot, then whatever comes. 0 or -errno of the thread. */
int pump__start(struct pump *pump);

/* The queue's other side tells how far it is, for the recorder's own event. Any thread. */
void pump__account(struct pump *pump, uint64_t events, uint64_t written_bytes);

/* Is the opening snapshot complete? */
bool pump__has_opened(const struct pump *pump);

/* Asks the thread to detach, to pass on what is left and to end. The queue must still be emptied.
 */
void pump__stop(struct pump *pump);

/* Likewise, and does not wait for stacks that are not named yet. Any thread. */
void pump__hurry(struct pump *pump);

/* Has the thread ended? Nothing more comes into the queue. *error: why, when nobody asked for it;
 * `why` in words. */
bool pump__has_ended(struct pump *pump, int *error, const char **why);

/* Stops and waits; whoever has not seen pump__has_ended() may lose what the queue could not take.
 * free(NULL) is fine. */
void pump__free(struct pump *pump);
