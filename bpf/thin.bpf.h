/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/*
 * How many of the samples that were chosen are taken: half of the blocks, a quarter, and so on,
 * each weighing as much more. Fewer where they come faster than they are taken out of their ring,
 * and fewer than were asked for by nobody but us, where they come faster than anybody needs them:
 * of a program that does nothing but grow by GiB a second, they would cost some percent.
 */

#include "choose.bpf.h"
#include "sample.bpf.h"

#define MOMENT_SHIFT 27 /* ns: 134 ms */
#define THINNED_MAX  10

/* Of a CPU: its samples in this moment, and what those of the last ones have called for. */
struct pace {
	__u64 moment;
	__u32 taken;
	__u32 thinned;
	__u64 line[6]; /* a cache line each */
};

#define PACES 512 /* a power of two; CPUs beyond share one */

/* An array of words because the skeleton header cannot name our struct. */
extern __u64 paces[PACES][sizeof(struct pace) / 8];

static __always_inline struct pace *pace_here(void)
{
	return (struct pace *)paces[bpf_get_smp_processor_id() & (PACES - 1)];
}

/*
 * By sixteenths of the ring that are taken: whoever empties it may only have to wait for a CPU, and
 * a process that is sampled too little is known too little.
 */
static __always_inline __u32 thinned_by_room(void)
{
	__u64 taken = bpf_ringbuf_query(&stacks, BPF_RB_AVAIL_DATA) * 16 / knob_stacks_bytes;

	if (taken < 8)
		return taken >= 4;
	return taken < 12 ? taken / 2 - 2 : taken < 14 ? 5 : taken < 15 ? 7 : 10;
}

/* Decided anew for each moment by the one before, and so by nothing that is sampled in it: what
 * grows for less than a moment is sampled whole. */
static __always_inline __u32 thinned_by_pace(struct pace *pace, __u64 now)
{
	__u64 moment = now >> MOMENT_SHIFT;

	if (pace->moment == moment)
		return pace->thinned;
	if (pace->moment + 1 != moment)
		pace->thinned = 0;
	else if (pace->taken > knob_moment_samples && pace->thinned < THINNED_MAX)
		pace->thinned++;
	else if (pace->taken < knob_moment_samples / 4 && pace->thinned)
		pace->thinned--;
	pace->moment = moment;
	pace->taken = 0;
	return pace->thinned;
}

static __always_inline __u32 thinned_now(struct pace *pace, __u64 now)
{
	__u32 by_pace = knob_moment_samples ? thinned_by_pace(pace, now) : 0;
	__u32 by_room = thinned_by_room();

	return by_room > by_pace ? by_room : by_pace;
}

/* One of so many blocks that follow each other; others a moment later, because memory that is given
 * back and taken again has the same addresses. */
static __always_inline bool is_kept(__u64 address, __u64 block_bytes, __u32 thinned, __u64 now)
{
	__u64 mask = (1ULL << thinned) - 1;
	__u64 block = address / (block_bytes < AROUND_BYTES ? AROUND_BYTES : block_bytes);

	return ((mix((block >> thinned) + (now >> MOMENT_SHIFT << 40)) ^ block) & mask) == 0;
}
