/* SPDX-License-Identifier: GPL-2.0-only */
#include "stacks/queue.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static size_t below_of(const struct stack_sample *sample)
{
	return sample->stack_from & (STACK_PAGE_BYTES - 1);
}

static size_t heap_bytes(size_t sample_bytes)
{
	return offsetof(struct waiting, sample) + sample_bytes;
}

/* Up to the last page that could be read. */
static uint32_t stack_bytes(const struct stack_sample *sample)
{
	const uint64_t end = below_of(sample) + (uint64_t)sample->stack_bytes;
	uint64_t pages = (end + STACK_PAGE_BYTES - 1) / STACK_PAGE_BYTES;

	while (pages > 0 && pages <= 64 && sample->stack_missing >> (pages - 1) & 1)
		pages--;
	if (pages * STACK_PAGE_BYTES >= end)
		return sample->stack_bytes;
	return pages ? (uint32_t)(pages * STACK_PAGE_BYTES - below_of(sample)) : 0;
}

static enum queue_answer take_sample(struct queue *queue, const struct stack_sample *sample,
				     size_t bytes)
{
	struct waiting *waiting;
	size_t room, used;

	if (bytes < sizeof(*sample))
		return QUEUE_TORN;
	if (sample->kernel_frames > STACK_KERNEL_FRAMES)
		return QUEUE_TORN;
	room = bytes - sizeof(*sample);
	if (below_of(sample) > room || sample->stack_bytes > room - below_of(sample))
		return QUEUE_TORN;
	/* Not the room that was left. */
	used = sizeof(*sample) + below_of(sample) + stack_bytes(sample);
	if (queue->bytes + heap_bytes(used) > queue->max_bytes)
		return QUEUE_FULL;
	waiting = malloc(heap_bytes(used));
	if (!waiting)
		return QUEUE_FULL;
	memcpy(&waiting->sample, sample, used);
	waiting->sample.header.size_bytes = (uint32_t)used;
	waiting->sample.stack_bytes = stack_bytes(sample);
	waiting->next = NULL;
	waiting->file = 0;
	waiting->previous = queue->last;
	if (queue->last)
		queue->last->next = waiting;
	else
		queue->first = waiting;
	queue->last = queue->taken = waiting;
	queue->bytes += heap_bytes(used);
	return QUEUE_TAKEN;
}

static bool add_pages(struct stack_sample *sample, const __s32 more[GROWTH_MEMBERS])
{
	__s32 pages[GROWTH_MEMBERS];

	for (int member = 0; member < GROWTH_MEMBERS; member++) {
		if (__builtin_add_overflow(sample->pages[member], more[member], &pages[member]))
			return false;
	}
	memcpy(sample->pages, pages, sizeof(pages));
	return true;
}

static enum queue_answer take_more(struct queue *queue, const struct stack_sample_more *more,
				   size_t bytes)
{
	struct waiting *waiting = queue->last;

	if (bytes != sizeof(*more))
		return QUEUE_TORN;
	for (unsigned int i = 0; i < QUEUE_LOOKS_MAX && waiting; i++, waiting = waiting->previous) {
		if (waiting->sample.header.id != more->header.id)
			continue;
		if (!add_pages(&waiting->sample, more->pages))
			return QUEUE_TORN;
		/* What it brought is known now. */
		waiting->sample.flags &= ~(__u32)STACK_SAMPLE_EARLY;
		queue->taken = waiting;
		return QUEUE_TAKEN;
	}
	return QUEUE_LATE;
}

static enum queue_answer take_moved(struct queue *queue, const struct stack_sample_moved *moved,
				    size_t bytes)
{
	struct waiting_move *move;

	if (bytes != sizeof(*moved))
		return QUEUE_TORN;
	if (queue->bytes + sizeof(*move) > queue->max_bytes)
		return QUEUE_FULL;
	move = calloc(1, sizeof(*move));
	if (!move)
		return QUEUE_FULL;
	move->moved = *moved;
	if (queue->last_move)
		queue->last_move->next = move;
	else
		queue->first_move = move;
	queue->last_move = move;
	queue->bytes += sizeof(*move);
	return QUEUE_MOVE;
}

enum queue_answer queue__take(struct queue *queue, const void *data, size_t bytes)
{
	const struct stack_sample_header *header = data;

	if (bytes < sizeof(*header) || header->size_bytes != bytes)
		return QUEUE_TORN;
	switch (header->kind) {
	case STACK_SAMPLE_TAKEN:
		return take_sample(queue, data, bytes);
	case STACK_SAMPLE_MORE:
		return take_more(queue, data, bytes);
	case STACK_SAMPLE_MOVED:
		return take_moved(queue, data, bytes);
	default:
		return QUEUE_TORN;
	}
}

struct waiting_move *queue__pop_move(struct queue *queue, uint64_t until_ns)
{
	struct waiting_move *move = queue->first_move;

	if (!move || move->moved.header.time_ns > until_ns)
		return NULL;
	queue->first_move = move->next;
	if (!queue->first_move)
		queue->last_move = NULL;
	queue->bytes -= sizeof(*move);
	return move;
}

struct waiting *queue__pop(struct queue *queue)
{
	struct waiting *waiting = queue->first;

	queue->first = waiting->next;
	queue->taken = NULL;
	if (queue->first)
		queue->first->previous = NULL;
	else
		queue->last = NULL;
	queue->bytes -= heap_bytes(waiting->sample.header.size_bytes);
	return waiting;
}

void queue__clear(struct queue *queue)
{
	struct waiting_move *move;

	while (queue->first)
		free(queue__pop(queue));
	while ((move = queue__pop_move(queue, UINT64_MAX)))
		free(move);
}
