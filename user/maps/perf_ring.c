/* SPDX-License-Identifier: GPL-2.0-only */
#include "maps/perf_ring.h"

#include <string.h>

static void copy(const struct perf_ring *ring, uint64_t at, void *out, size_t bytes)
{
	size_t offset = at & (ring->bytes - 1);
	size_t first = ring->bytes - offset;

	if (first > bytes)
		first = bytes;
	memcpy(out, ring->data + offset, first);
	memcpy((uint8_t *)out + first, ring->data, bytes - first);
}

int perf_ring__drain(struct perf_ring *ring, perf_ring_sink sink, void *context)
{
	uint64_t head = __atomic_load_n(&ring->page->data_head, __ATOMIC_ACQUIRE);
	uint64_t tail = ring->page->data_tail;
	int error = 0;

	if (head - tail > ring->bytes) {
		ring->torn++;
		tail = head;
	}
	while (tail != head && error >= 0) {
		struct perf_event_header header = {0};

		if (head - tail >= sizeof(header))
			copy(ring, tail, &header, sizeof(header));
		if (header.size < sizeof(header) || header.size > head - tail) {
			ring->torn++;
			tail = head;
			break;
		}
		copy(ring, tail, ring->whole, header.size);
		tail += header.size;
		error = sink(context, ring->whole, header.size);
	}
	__atomic_store_n(&ring->page->data_tail, tail, __ATOMIC_RELEASE);
	return error < 0 ? error : 0;
}
