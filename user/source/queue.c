/* SPDX-License-Identifier: GPL-2.0-only */
#include "source/queue.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/units.h"

#define SMALLEST_BYTES (256 * KIB)
#define FILLER         0 /* a kind no event has: the rest of the room up to the end is skipped */
#define ALIGNED        _Alignas(64) /* each thread's counter on a cache line of its own */

/* Every event is a multiple of 8 bytes long, so there is always room for a filler's size and kind.
 * The counters only grow; their difference is what lies in between. */
struct queue {
	char *room;
	size_t size_bytes; /* a power of two */
	int event_fd;
	ALIGNED _Atomic uint64_t put_bytes;
	ALIGNED _Atomic uint64_t taken_bytes;
};

int queue__new(struct queue **out, size_t bytes)
{
	struct queue *queue = aligned_alloc(64, sizeof(*queue));

	if (!queue)
		return -ENOMEM;
	memset(queue, 0, sizeof(*queue));
	queue->size_bytes = SMALLEST_BYTES;
	while (queue->size_bytes < bytes)
		queue->size_bytes *= 2;
	queue->room = malloc(queue->size_bytes);
	queue->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (!queue->room || queue->event_fd < 0) {
		int error = queue->room ? -errno : -ENOMEM;

		queue__free(queue);
		return error;
	}
	memset(queue->room, 0, queue->size_bytes);
	*out = queue;
	return 0;
}

/* How much must be left over once an event of this kind is in. */
static size_t kept_free(const struct queue *queue, uint16_t kind)
{
	switch (kind) {
	case EVENT_RSS:
	case EVENT_MEMCG:
	case EVENT_RECLAIM:
	case EVENT_GROWTH:
	case EVENT_GROWTH_GONE:
		return queue->size_bytes / 4;
	case EVENT_FORK:
	case EVENT_EXEC:
	case EVENT_EXIT:
	case EVENT_RENAME:
	case EVENT_ATTACH:
	case EVENT_CGROUP:
	case EVENT_CGROUP_GONE:
	case EVENT_PROCESS:
	case EVENT_ARGV:
	case EVENT_SIGNAL:
		return queue->size_bytes / 16;
	default:
		/* Definitions of stacks, too: they are told once, and much refers to them. */
		return 0;
	}
}

bool queue__put(struct queue *queue, const struct event_header *event)
{
	uint64_t put = atomic_load_explicit(&queue->put_bytes, memory_order_relaxed);
	uint64_t taken = atomic_load_explicit(&queue->taken_bytes, memory_order_acquire);
	size_t at = put & (queue->size_bytes - 1), to_end = queue->size_bytes - at;
	size_t filler = event->size_bytes > to_end ? to_end : 0;
	size_t needed = filler + event->size_bytes + kept_free(queue, event->kind);

	if (put - taken + needed > queue->size_bytes)
		return false;
	if (filler) {
		struct event_header skip = {.size_bytes = (uint32_t)filler, .kind = FILLER};

		memcpy(queue->room + at, &skip, offsetof(struct event_header, time_ns));
		at = 0;
	}
	memcpy(queue->room + at, event, event->size_bytes);
	atomic_store_explicit(&queue->put_bytes, put + filler + event->size_bytes,
			      memory_order_release);
	return true;
}

bool queue__is_busy(const struct queue *queue)
{
	uint64_t put = atomic_load_explicit(&queue->put_bytes, memory_order_relaxed);
	uint64_t taken = atomic_load_explicit(&queue->taken_bytes, memory_order_acquire);

	return put - taken > queue->size_bytes / 4;
}

void queue__wake(struct queue *queue)
{
	uint64_t one = 1;

	/* A counter that is full wakes as well as one more would. */
	(void)!write(queue->event_fd, &one, sizeof(one));
}

int queue__fd(const struct queue *queue)
{
	return queue->event_fd;
}

void queue__slept(struct queue *queue)
{
	uint64_t count;

	(void)!read(queue->event_fd, &count, sizeof(count));
}

static void skip(struct queue *queue, uint64_t taken, size_t bytes)
{
	atomic_store_explicit(&queue->taken_bytes, taken + bytes, memory_order_release);
}

const struct event_header *queue__peek(struct queue *queue)
{
	uint64_t taken = atomic_load_explicit(&queue->taken_bytes, memory_order_relaxed);
	uint64_t put = atomic_load_explicit(&queue->put_bytes, memory_order_acquire);
	const struct event_header *event;

	if (put == taken)
		return NULL;
	event = (const void *)(queue->room + (taken & (queue->size_bytes - 1)));
	if (event->kind != FILLER)
		return event;
	/* A filler and the event behind it became visible together. */
	skip(queue, taken, event->size_bytes);
	return (const void *)queue->room;
}

void queue__drop(struct queue *queue)
{
	uint64_t taken = atomic_load_explicit(&queue->taken_bytes, memory_order_relaxed);
	const struct event_header *event =
		(const void *)(queue->room + (taken & (queue->size_bytes - 1)));

	skip(queue, taken, event->size_bytes);
}

void queue__free(struct queue *queue)
{
	if (!queue)
		return;
	closep(&queue->event_fd);
	free(queue->room);
	free(queue);
}
