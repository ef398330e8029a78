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
#include "knobs.bpf.h"

struct ring {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20); /* bytes; user space may choose another size */
};

extern struct ring critical SEC(".maps");
extern struct ring bulk SEC(".maps");

extern __u64 ring_losses[EVENT_KIND_END]; /* by enum event_kind */
extern __u64 table_losses[LOSS_END];      /* by enum loss_reason */
extern __u64 wake_bytes;                  /* wake user space when a ring holds more than this */

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

/* User space drains every 100 ms by itself; waking it for every event would cost the traced
 * program 15-34 us each. */
static __always_inline __u64 wakeup(struct ring *ring)
{
	return bpf_ringbuf_query(ring, BPF_RB_AVAIL_DATA) > wake_bytes ? BPF_RB_FORCE_WAKEUP
								       : BPF_RB_NO_WAKEUP;
}

/* False: refused, and counted. */
#define emit_to(ring, event, size)                                                             \
	({                                                                                     \
		long refused_ = bpf_ringbuf_output(&(ring), (event), (size), wakeup(&(ring))); \
                                                                                               \
		if (refused_)                                                                  \
			__sync_fetch_and_add(                                                  \
				&ring_losses[(event)->header.kind & (EVENT_KIND_END - 1)], 1); \
		!refused_;                                                                     \
	})

#define emit_critical(event) emit_to(critical, event, sizeof(*(event)))
#define emit_bulk(event)     emit_to(bulk, event, sizeof(*(event)))
