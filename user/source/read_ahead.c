/* SPDX-License-Identifier: GPL-2.0-only */
#include "source/read_ahead.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define BATCHES     4
#define BATCH_BYTES (256 << 10) /* several of the longest event */

struct batch {
	size_t used_bytes;
	uint64_t first_number; /* of its first event; the others follow without a gap */
	_Alignas(8) char data[BATCH_BYTES];
};

/* A ring of batches: the thread fills [filled], the caller empties [emptied]. Under the lock are
 * the counters and the two flags; a batch belongs to one side at a time. */
struct read_ahead {
	struct reader *reader;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	uint64_t filled;
	uint64_t emptied;
	bool at_end;  /* the thread fills no more */
	bool stopped; /* the caller wants no more */
	size_t at;    /* of the caller, in its batch */
	uint64_t number;
	bool holding; /* the caller is inside a batch */
	struct batch batches[BATCHES];
};

/* Waits for an empty batch; NULL when the caller has had enough. */
static struct batch *wait_empty(struct read_ahead *ahead)
{
	struct batch *batch = NULL;

	pthread_mutex_lock(&ahead->lock);
	while (ahead->filled - ahead->emptied == BATCHES && !ahead->stopped)
		pthread_cond_wait(&ahead->changed, &ahead->lock);
	if (!ahead->stopped)
		batch = &ahead->batches[ahead->filled % BATCHES];
	pthread_mutex_unlock(&ahead->lock);
	return batch;
}

static void pass_on(struct read_ahead *ahead, bool at_end)
{
	pthread_mutex_lock(&ahead->lock);
	ahead->filled++;
	ahead->at_end = at_end;
	pthread_cond_signal(&ahead->changed);
	pthread_mutex_unlock(&ahead->lock);
}

static uint64_t reader__number(const struct reader *reader)
{
	return reader__events(reader) + reader__unknown(reader) - 1;
}

/* Fills batches from `event` on; returns when all is read. An event of an unknown kind, which the
 * reader passes over, ends a batch: numbers inside one have no gap. */
static void *read_all(void *context)
{
	struct read_ahead *ahead = context;
	const struct event_header *event = reader__next(ahead->reader);

	for (;;) {
		struct batch *batch = wait_empty(ahead);
		uint64_t unknown = reader__unknown(ahead->reader);

		if (!batch)
			return NULL;
		batch->used_bytes = 0;
		batch->first_number = event ? reader__number(ahead->reader) : 0;
		while (event && reader__unknown(ahead->reader) == unknown &&
		       batch->used_bytes + event->size_bytes <= BATCH_BYTES) {
			memcpy(batch->data + batch->used_bytes, event, event->size_bytes);
			batch->used_bytes += event->size_bytes;
			event = reader__next(ahead->reader);
		}
		pass_on(ahead, !event);
		if (!event)
			return NULL;
	}
}

int read_ahead__new(struct read_ahead **out, struct reader *reader)
{
	struct read_ahead *ahead = calloc(1, sizeof(*ahead));

	if (!ahead)
		return -ENOMEM;
	ahead->reader = reader;
	pthread_mutex_init(&ahead->lock, NULL);
	pthread_cond_init(&ahead->changed, NULL);
	if (pthread_create(&ahead->thread, NULL, read_all, ahead)) {
		pthread_cond_destroy(&ahead->changed);
		pthread_mutex_destroy(&ahead->lock);
		free(ahead);
		return -EAGAIN;
	}
	*out = ahead;
	return 0;
}

/* Gives the batch back that was emptied, waits for the next; NULL at the end. */
static struct batch *next_batch(struct read_ahead *ahead)
{
	struct batch *batch = NULL;

	pthread_mutex_lock(&ahead->lock);
	if (ahead->holding) {
		ahead->emptied++;
		ahead->holding = false;
		pthread_cond_signal(&ahead->changed);
	}
	while (ahead->filled == ahead->emptied && !ahead->at_end)
		pthread_cond_wait(&ahead->changed, &ahead->lock);
	if (ahead->filled != ahead->emptied) {
		batch = &ahead->batches[ahead->emptied % BATCHES];
		ahead->holding = true;
		ahead->at = 0;
		ahead->number = batch->first_number;
	}
	pthread_mutex_unlock(&ahead->lock);
	return batch;
}

const struct event_header *read_ahead__next(struct read_ahead *ahead, uint64_t *number)
{
	struct batch *batch = &ahead->batches[ahead->emptied % BATCHES];
	const struct event_header *event;

	while (!ahead->holding || ahead->at == batch->used_bytes) {
		batch = next_batch(ahead);
		if (!batch)
			return NULL;
	}
	event = (const void *)(batch->data + ahead->at);
	ahead->at += event->size_bytes;
	*number = ahead->number++;
	return event;
}

void read_ahead__free(struct read_ahead *ahead)
{
	if (!ahead)
		return;
	pthread_mutex_lock(&ahead->lock);
	ahead->stopped = true;
	pthread_cond_signal(&ahead->changed);
	pthread_mutex_unlock(&ahead->lock);
	pthread_join(ahead->thread, NULL);
	pthread_cond_destroy(&ahead->changed);
	pthread_mutex_destroy(&ahead->lock);
	free(ahead);
}
