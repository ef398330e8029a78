/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/*
 * Two ring buffers to user space: `critical` for what must not be lost (deaths, births, cgroups)
 * and `bulk` for what comes in floods (growth, reclaim, renames: whatever a program can cause by
 * system calls that cost it nothing). Every refusal is counted.
 */

#include "vmlinux.h"

#include <bpf/bpf_helpers.h>

#include "bpf/events.h"
#include "bpf/waker.h"
#include "knobs.bpf.h"

struct ring {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20); /* bytes; user space may choose another size */
};

extern struct ring critical SEC(".maps");
extern struct ring bulk SEC(".maps");

extern __u64 ring_losses[EVENT_KIND_END]; /* by enum event_kind */
extern __u64 table_losses[LOSS_END];      /* by enum loss_reason */
extern struct waker critical_waker;
extern struct waker bulk_waker;

static __always_inline void lose(enum loss_reason reason)
{
	__sync_fetch_and_add(&table_losses[reason], 1);
}

static __always_inline void header_init(struct event_header *header, __u16 kind, __u32 size_bytes)
{
	header->size_bytes = size_bytes;
	header->kind = kind;
	header->flags = 0;
	header->time_ns = bpf_ktime_get_ns();
}

/*
 * User space drains every 100 ms by itself; waking it for every event would cost the traced program
 * 15-34 us each, and an interrupt sent to itself even if whoever is to be woken runs already.
 * Nobody sleeps through it: what is there when he falls asleep wakes him by itself, and by the time
 * that as much has come again, so much has come since.
 */
static __always_inline __u64 ring_wakeup(struct ring *ring, struct waker *waker)
{
	__u64 produced;

	if (bpf_ringbuf_query(ring, BPF_RB_AVAIL_DATA) <= waker->bytes)
		return BPF_RB_NO_WAKEUP;
	produced = bpf_ringbuf_query(ring, BPF_RB_PROD_POS);
	if (produced - waker->woken_at < waker->bytes)
		return BPF_RB_NO_WAKEUP;
	waker->woken_at = produced;
	return BPF_RB_FORCE_WAKEUP;
}

#define wakeup(ring) ring_wakeup(&(ring), &ring##_waker)

/* False: refused, and counted. */
#define emit_to(ring, event, size)                                                             \
	({                                                                                     \
		long refused_ = bpf_ringbuf_output(&(ring), (event), (size), wakeup(ring));    \
                                                                                               \
		if (refused_)                                                                  \
			__sync_fetch_and_add(                                                  \
				&ring_losses[(event)->header.kind & (EVENT_KIND_END - 1)], 1); \
		!refused_;                                                                     \
	})

#define emit_critical(event) emit_to(critical, event, sizeof(*(event)))
#define emit_bulk(event)     emit_to(bulk, event, sizeof(*(event)))
