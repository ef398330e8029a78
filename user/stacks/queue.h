/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "bpf/stack_sample.h"

/* Samples that wait until it has been told what was mapped at their time, first come, first out. */

struct waiting {
	struct waiting *next, *previous;
	uint32_t file; /* what was mapped there when it was taken, as it was told; 0: not known */
	_Alignas(8) struct stack_sample sample;
};

struct waiting_move {
	struct waiting_move *next;
	struct stack_sample_moved moved;
};

struct queue {
	struct waiting *first, *last;
	struct waiting_move *first_move, *last_move;
	struct waiting *taken; /* that the last record taken was, or was of; until one is popped */
	size_t bytes;          /* of heap */
	size_t max_bytes;
};

enum queue_answer {
	QUEUE_TAKEN,
	QUEUE_MOVE, /* likewise, and no sample */
	QUEUE_TORN, /* not as the BPF programs make them */
	QUEUE_FULL, /* or no memory */
	QUEUE_LATE, /* more of a sample that does not wait here (any more) */
};

/* Samples that are looked at for the one that a STACK_SAMPLE_MORE is of: it was taken in the same
 * page fault, or was the last one on its processor, so that only what others tell comes in between.
 */
#define QUEUE_LOOKS_MAX 1024

/* A record of the ring, 8-aligned: a copy is kept. */
enum queue_answer queue__take(struct queue *queue, const void *data, size_t bytes);

/* The first one, to be freed. */
struct waiting *queue__pop(struct queue *queue);

/* The first move before this sample's time, to be freed; NULL: there is none. */
struct waiting_move *queue__pop_move(struct queue *queue, uint64_t until_ns);

void queue__clear(struct queue *queue);
