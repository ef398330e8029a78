/* SPDX-License-Identifier: GPL-2.0-only */
#include "maps/map_order.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct waiting {
	struct map_event event;
	uint64_t arrival;
	char path[]; /* of the event */
};

struct map_order {
	struct waiting **waiting;
	size_t count;
	size_t capacity;
	bool sorted;
	uint64_t arrivals;
	uint64_t passed_ns;
	uint64_t late;
};

int map_order__new(struct map_order **out)
{
	*out = calloc(1, sizeof(**out));
	return *out ? 0 : -ENOMEM;
}

void map_order__free(struct map_order *order)
{
	if (!order)
		return;
	for (size_t i = 0; i < order->count; i++)
		free(order->waiting[i]);
	free(order->waiting);
	free(order);
}

static int grow(struct map_order *order)
{
	size_t capacity = order->capacity ? 2 * order->capacity : 256;
	struct waiting **waiting = reallocarray(order->waiting, capacity, sizeof(struct waiting *));

	if (!waiting)
		return -ENOMEM;
	order->waiting = waiting;
	order->capacity = capacity;
	return 0;
}

int map_order__push(struct map_order *order, const struct map_event *event)
{
	const char *path = event->mapping.path ? event->mapping.path : "";
	size_t path_bytes = strlen(path) + 1;
	struct waiting *waiting;

	if (order->count >= MAP_ORDER_MAX)
		return -ENOSPC;
	if (order->count == order->capacity && grow(order))
		return -ENOMEM;
	waiting = malloc(sizeof(*waiting) + path_bytes);
	if (!waiting)
		return -ENOMEM;
	waiting->event = *event;
	waiting->event.mapping.path = waiting->path;
	waiting->arrival = order->arrivals++;
	memcpy(waiting->path, path, path_bytes);
	order->waiting[order->count++] = waiting;
	order->sorted = false;
	order->late += event->time_ns < order->passed_ns;
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct waiting *first = *(struct waiting *const *)a;
	const struct waiting *second = *(struct waiting *const *)b;

	if (first->event.time_ns != second->event.time_ns)
		return first->event.time_ns < second->event.time_ns ? -1 : 1;
	return first->arrival < second->arrival ? -1 : 1;
}

static void sort(struct map_order *order)
{
	if (!order->sorted && order->count > 1)
		qsort(order->waiting, order->count, sizeof(struct waiting *), compare);
	order->sorted = true;
}

int map_order__release(struct map_order *order, uint64_t until_ns, map_sink sink, void *context)
{
	size_t passed = 0;
	int error = 0;

	sort(order);
	while (error >= 0 && passed < order->count &&
	       order->waiting[passed]->event.time_ns <= until_ns) {
		struct waiting *next = order->waiting[passed++];

		if (next->event.time_ns > order->passed_ns)
			order->passed_ns = next->event.time_ns;
		error = sink(context, &next->event);
		free(next);
	}
	order->count -= passed;
	if (passed > 0)
		memmove(order->waiting, order->waiting + passed,
			order->count * sizeof(struct waiting *));
	return error < 0 ? error : 0;
}

int map_order__peek(struct map_order *order, map_sink sink, void *context)
{
	sort(order);
	for (size_t i = 0; i < order->count; i++) {
		int error = sink(context, &order->waiting[i]->event);

		if (error < 0)
			return error;
	}
	return 0;
}

uint64_t map_order__late(const struct map_order *order)
{
	return order->late;
}

size_t map_order__waiting(const struct map_order *order)
{
	return order->count;
}
