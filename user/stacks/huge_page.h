/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "bpf/stack_sample.h"
#include "stacks/arrival.h"

/*
 * Was it one huge page? The BPF programs conclude that from counters that all processors share:
 * while a thread waits within its page fault, others of its process may have brought as much, page
 * by page.
 */

/* Does the sample stand for a huge page, as the programs have it? */
bool huge_page__is_claimed(const struct stack_sample *sample);

/* Looks at smaps, each as dear as its process has mappings: in one second so many. All zero: none.
 */
#define HUGE_PAGE_LOOKS_MAX 32

struct huge_page_looks {
	uint64_t second; /* by the times of samples */
	unsigned int count;
};

/* Where the process has gone, it is believed. By PAGEMAP_SCAN (Linux 6.7); before, by whether the
 * mapping has any (/proc/PID/smaps), not known beyond HUGE_PAGE_LOOKS_MAX. `proc`: the folder. */
enum arrival huge_page__look(const struct stack_sample *sample, const char *proc,
			     struct huge_page_looks *looks);

unsigned long huge_page__scan_request(void); /* of ioctl(2), which PAGEMAP_SCAN is asked with */
