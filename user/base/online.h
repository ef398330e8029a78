/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define ONLINE_CPUS_MAX 8192 /* the kernel's own bound */

struct online_cpus {
	uint64_t bits[ONLINE_CPUS_MAX / 64];
};

/* "0-3,5": what /sys/devices/system/cpu/online says. False: it cannot be read, or is no such list.
 */
bool online_cpus__read(struct online_cpus *out, const char *path);
bool online_cpus__has(const struct online_cpus *cpus, unsigned int cpu);
