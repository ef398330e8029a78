/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include "bpf/stack_sample.h"

/*
 * Whether a page has come. Where no tracepoint tells of each, a sample is taken at the page fault
 * (STACK_SAMPLE_EARLY). The next page fault of the same thread tells what became of it; where it
 * could not, /proc/PID/pagemap does, a moment later.
 */

enum arrival {
	ARRIVAL_NONE, /* nothing came: a page that was only read and never written, or it has gone
		       */
	ARRIVAL_CAME,
	ARRIVAL_NOT_KNOWN /* nobody can see any more: it may have */
};

/* As the sample says; an early one of which nothing was told is looked at, which fills
 * sample->pages: with the one page, or those around one that was read of a file (of shared memory
 * as well, which pagemap does not tell apart). Of a file no more than it brings along,
 * seen when they came, and those where they have gone since. `proc`: the folder. */
enum arrival arrival__of(struct stack_sample *sample, const char *proc, long page_bytes);

/* What a page fault takes away it replaces: a file's page by one of the process's own. Counters may
 * have fallen by more meanwhile, on behalf of others; that is not its growth. */
void arrival__take_no_more_than_came(struct stack_sample *sample);
