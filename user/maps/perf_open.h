/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* The perf event of one processor that tells what is mapped, forked, exec'ed and exits there. */
struct perf_wanted {
	uint32_t wakeup_bytes; /* so many in its ring wake the reader */
	bool build_ids;        /* set to false where the kernel has none to tell (before 5.12) */
};

/* Its descriptor, or -errno; -ENODEV: the processor is not online. */
int perf_open(struct perf_wanted *wanted, unsigned int cpu);

/* Who does that: somebody else, where whoever wants it has no privilege for it. */
struct perf_opener {
	int (*open)(void *context, struct perf_wanted *wanted, unsigned int cpu);
	void *context;
};
