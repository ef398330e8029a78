/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stdbool.h>

#include "bpf/stack_sample.h"

/*
 * Was it one huge page? The BPF programs conclude that from counters that all processors share:
 * while a thread waits within its page fault, others of its process may have brought as much, page
 * by page.
 */

/* Does the sample stand for a huge page, as the programs have it? */
bool huge_page__is_claimed(const struct stack_sample *sample);

/* Where the process has gone, it is believed. By PAGEMAP_SCAN (Linux 6.7); before, by whether the
 * mapping has any (/proc/PID/smaps). `proc`: the folder. */
unsigned long huge_page__scan_request(void); /* of ioctl(2), which that is asked with */
bool huge_page__is_there(const struct stack_sample *sample, const char *proc);
