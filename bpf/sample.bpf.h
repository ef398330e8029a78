/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/*
 * Growth samples. A page fault says where a page is about to come, rss_stat that one has come: the
 * first chooses (one page of each aligned block of the address space, by a hash of the block) and
 * leaves a note on its CPU, the second finds the note and takes the sample. What never becomes
 * resident is never sampled, and most faults cost a multiplication and a load.
 *
 * Sets of chosen pages are nested: those of blocks twice as large are half of those of the smaller
 * ones, so that the rate of a process can be halved without losing what was known of it.
 */

#include "emit.bpf.h"
#include "stack_sample.h"

extern struct ring stacks SEC(".maps");

/* Memory has moved of the mm that this CPU has a note of. */
int sample_come(__u32 cpu);

/* Much has moved at once of the mm that current runs on. */
int sample_huge(void);
