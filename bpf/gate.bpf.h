/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include "kernel_compat.bpf.h"

/*
 * The gate: rss_stat fires once per page, the folded counter moves once per batch, and only a step
 * is worth telling. What the last event on this CPU saw decides in a few ns whether there can be
 * one. Direct-mapped by CPU; CPUs beyond the table share a line, which costs speed, not truth.
 */
#define GATES 512

struct gate {
	__u64 mm;
	__s64 pages[RSS_MEMBERS];
	__s64 step_pages; /* opens it; doubled while the mm moves faster than it may be told */
	/* Pages at the last event, of the shared part, or with what the CPU holds back
	 * (knob_huge_in_parts): what has come since. */
	__s32 seen[RSS_MEMBERS];
};
_Static_assert(sizeof(struct gate) == 64, "a cache line each");

/* One cache line each; an array of words because the skeleton header cannot name our struct. */
extern __u64 gates[GATES][sizeof(struct gate) / 8];

static __always_inline struct gate *gate_here(void)
{
	return (struct gate *)gates[bpf_get_smp_processor_id() & (GATES - 1)];
}
