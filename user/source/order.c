/* SPDX-License-Identifier: GPL-2.0-only */
#include "source/order.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A binary heap by (time, arrival). */
struct held {
	uint64_t time_ns;
	uint64_t arrival;
	struct event_header *event;
};

struct order {
	struct held *heap;
	size_t count;
	size_t capacity;
	uint64_t arrivals;
	uint64_t passed_ns; /* time of the youngest event passed on */
};

int order__new(struct order **out)
{
	struct order *order = calloc(1, sizeof(*order));

	if (!order)
		return -ENOMEM;
	*out = order;
	return 0;
}

static int before(const struct held *a, const struct held *b)
{
	return a->time_ns != b->time_ns ? a->time_ns < b->time_ns : a->arrival < b->arrival;
}

static void sift_up(struct held *heap, size_t index)
{
	struct held moving = heap[index];

	while (index && before(&moving, &heap[(index - 1) / 2])) {
		heap[index] = heap[(index - 1) / 2];
		index = (index - 1) / 2;
	}
	heap[index] = moving;
}

static void sift_down(struct held *heap, size_t count, size_t index)
{
	struct held moving = heap[index];

	for (size_t child; (child = 2 * index + 1) < count; index = child) {
		if (child + 1 < count && before(&heap[child + 1], &heap[child]))
			child++;
		if (!before(&heap[child], &moving))
			break;
		heap[index] = heap[child];
	}
	heap[index] = moving;
}

static int grow(struct order *order)
{
	size_t capacity = order->capacity ? 2 * order->capacity : 1024;
	struct held *heap = reallocarray(order->heap, capacity, sizeof(*heap));

	if (!heap)
		return -ENOMEM;
	order->heap = heap;
	order->capacity = capacity;
	return 0;
}

int order__push(struct order *order, const struct event_header *event)
{
	struct event_header *copy;

	if (order->count == order->capacity && grow(order))
		return -ENOMEM;
	copy = malloc(event->size_bytes);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, event, event->size_bytes);
	order->heap[order->count] = (struct held){
		.time_ns = event->time_ns, .arrival = order->arrivals++, .event = copy};
	sift_up(order->heap, order->count++);
	return 0;
}

int order__release(struct order *order, uint64_t until_ns, order_sink sink, void *context)
{
	while (order->count && order->heap[0].time_ns <= until_ns) {
		struct event_header *event = order->heap[0].event;
		int error;

		order->heap[0] = order->heap[--order->count];
		if (order->count)
			sift_down(order->heap, order->count, 0);
		if (event->time_ns < order->passed_ns)
			event->flags |= EVENT_LATE;
		else
			order->passed_ns = event->time_ns;
		error = sink(context, event);
		free(event);
		if (error < 0)
			return error;
	}
	return 0;
}

void order__free(struct order *order)
{
	if (!order)
		return;
	while (order->count)
		free(order->heap[--order->count].event);
	free(order->heap);
	free(order);
}
