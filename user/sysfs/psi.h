/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stdint.h>

/* Pressure stall totals of memory since boot, in microseconds, from an open or named PSI file.
 * 0; -ENOENT: this kernel has none; -EOPNOTSUPP: present but switched off; other -errno. */
int psi__read(const char *root, const char *path, int64_t *some_us, int64_t *full_us);
