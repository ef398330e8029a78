/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/perf_event.h>

/* The ring that the kernel writes a perf event's records into. What it says is checked all the
 * same: a wrong position would be read far outside. */
struct perf_ring {
	struct perf_event_mmap_page *page;
	const uint8_t *data;
	size_t bytes;    /* of data: a power of two */
	uint64_t *whole; /* room for the longest record, which may go round the ring's end */
	uint64_t torn;   /* times that the rest was given up */
};

#define PERF_RECORD_MAX_BYTES 65536

/* A record, 8-aligned, that may be written to. Negative ends the reading and is passed on; the
 * record counts as read. */
typedef int (*perf_ring_sink)(void *context, void *record, size_t bytes);

/* Passes on what was there at the beginning. */
int perf_ring__drain(struct perf_ring *ring, perf_ring_sink sink, void *context);
