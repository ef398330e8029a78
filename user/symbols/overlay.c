/* SPDX-License-Identifier: GPL-2.0-only */
#include "symbols/overlay.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"

/* The pieces that reach beyond the place arrived at, the highest rank first. */
struct heap {
	const struct piece **pieces;
	size_t count;
};

static void heap__push(struct heap *heap, const struct piece *piece)
{
	size_t at = heap->count++;

	while (at > 0 && heap->pieces[(at - 1) / 2]->rank < piece->rank) {
		heap->pieces[at] = heap->pieces[(at - 1) / 2];
		at = (at - 1) / 2;
	}
	heap->pieces[at] = piece;
}

static void heap__pop(struct heap *heap)
{
	const struct piece *last = heap->pieces[--heap->count];
	size_t at = 0;

	for (size_t child; (child = 2 * at + 1) < heap->count; at = child) {
		if (child + 1 < heap->count &&
		    heap->pieces[child + 1]->rank > heap->pieces[child]->rank)
			child++;
		if (heap->pieces[child]->rank <= last->rank)
			break;
		heap->pieces[at] = heap->pieces[child];
	}
	heap->pieces[at] = last;
}

static int by_address(const void *a, const void *b)
{
	const struct piece *left = a, *right = b;

	if (left->from != right->from)
		return left->from < right->from ? -1 : 1;
	return left->rank < right->rank ? -1 : left->rank > right->rank;
}

/* Goes from one boundary to the next; each step writes at most one piece, and the boundaries are
 * where a piece begins or the one on top ends. */
static size_t sweep(const struct piece *pieces, size_t count, struct heap *heap, struct piece *out)
{
	size_t i = 0, written = 0;
	uint64_t at = 0, next;

	while (i < count || heap->count > 0) {
		if (heap->count == 0)
			at = pieces[i].from;
		while (i < count && pieces[i].from == at)
			heap__push(heap, &pieces[i++]);
		while (heap->count > 0 && heap->pieces[0]->to <= at)
			heap__pop(heap);
		if (heap->count == 0)
			continue;
		next = heap->pieces[0]->to;
		if (i < count && pieces[i].from < next)
			next = pieces[i].from;
		if (written > 0 && out[written - 1].to == at &&
		    out[written - 1].rank == heap->pieces[0]->rank) {
			out[written - 1].to = next;
		} else {
			out[written] = *heap->pieces[0];
			out[written].from = at;
			out[written++].to = next;
		}
		at = next;
	}
	return written;
}

int overlay(struct piece *pieces, size_t count, struct piece **out, size_t *out_count)
{
	_cleanup_(freep) const struct piece **tops = NULL;
	struct piece *seen, *fitting;
	struct heap heap;

	*out = NULL;
	*out_count = 0;
	if (count == 0) {
		free(pieces);
		return 0;
	}
	tops = malloc(count * sizeof(struct piece *));
	seen = malloc(2 * count * sizeof(struct piece));
	if (!tops || !seen) {
		free(seen);
		return -ENOMEM;
	}
	qsort(pieces, count, sizeof(pieces[0]), by_address);
	heap = (struct heap){.pieces = tops};
	*out_count = sweep(pieces, count, &heap, seen);
	free(pieces);
	fitting = realloc(seen, *out_count * sizeof(struct piece));
	*out = fitting ? fitting : seen;
	return 0;
}
