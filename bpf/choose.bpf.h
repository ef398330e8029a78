/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/*
 * Which page faults are sampled: by the address alone, so that what was chosen once is chosen
 * again. Shifts, because this kernel's compiler of programs makes divisions of divisions.
 */

#include "vmlinux.h"

#include <bpf/bpf_helpers.h>

#include "knobs.bpf.h"

/* What a fault that reads maps of a file at most, what is cached of it: aligned in the address
 * space (do_fault_around() in the kernel, fault_around_bytes). */
#define AROUND_SHIFT 16
#define AROUND_BYTES (1UL << AROUND_SHIFT)

static __always_inline __u64 mix(__u64 value)
{
	value *= 0x9e3779b97f4a7c15ULL;
	return value ^ value >> 29;
}

/* Of pages. */
static __always_inline __u32 block_shift(void)
{
	return knob_sample_shift - knob_page_shift;
}

/* The one page of each block; their numbers are powers of two. */
static __always_inline bool is_chosen(__u64 address)
{
	__u64 mask = (1ULL << block_shift()) - 1;

	return ((mix(address >> knob_sample_shift) ^ address >> knob_page_shift) & mask) == 0;
}

/*
 * A fault that reads a page of a file brings those around it as well: weighed as whole blocks, few
 * of them would be all there is. So the stretch around is chosen that has the block's page in it,
 * as many times more often as it is larger, and each page weighs as much less.
 */
static __always_inline __u32 around_shift(void)
{
	__u32 around = AROUND_SHIFT - knob_page_shift;

	return around < block_shift() ? around : block_shift();
}

static __always_inline bool is_around_chosen(__u64 address)
{
	__u64 mask = (1ULL << block_shift()) - 1;
	__u64 apart = mix(address >> knob_sample_shift) ^ address >> knob_page_shift;

	return (apart & mask) >> around_shift() == 0;
}

static __always_inline __u64 around_block_bytes(void)
{
	return 1ULL << (knob_sample_shift - around_shift());
}

/*
 * A huge page comes by one fault, at whatever address was touched: choosing by that would count one
 * in a block's pages as a block of huge pages. So they are chosen by their stretch of the address
 * space, once they have come: all of them where a block is no larger.
 */
static __always_inline bool is_huge_chosen(__u64 stretch)
{
	__u64 mask;

	if (knob_sample_shift <= knob_huge_shift)
		return true;
	mask = (1ULL << (knob_sample_shift - knob_huge_shift)) - 1;
	return ((mix(stretch >> (knob_sample_shift - knob_huge_shift)) ^ stretch) & mask) == 0;
}

/* In the address space of current. */
static __always_inline bool is_mapped(__u64 address)
{
	__u8 byte;

	return !bpf_probe_read_user(&byte, sizeof(byte), (void *)address);
}

#define HUGE_PAGES ((__s32)(knob_huge_bytes >> knob_page_shift))
#define HALF_HUGE  ((__s32)(knob_huge_bytes >> knob_page_shift >> 1))

/* Of each of its pages. */
static __always_inline __u64 huge_block_bytes(void)
{
	return knob_sample_shift <= knob_huge_shift
		       ? knob_page_bytes
		       : 1ULL << (knob_sample_shift - knob_huge_shift + knob_page_shift);
}
