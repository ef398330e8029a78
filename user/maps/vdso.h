/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stdbool.h>

#include "elf/object.h"
#include "maps/mapping.h"

/* The code that the kernel maps into every process: one and the same for all of 64 bit, so that
 * our own can be read. -ENOENT: we have none; or as of object__read(). */
int vdso__read(struct object **out, size_t *mapped_bytes, char *why, size_t why_size);

/* Is that mapping the same as ours? One of 32 bit is not. */
bool vdso__is_ours(const struct mapping *mapping, size_t mapped_bytes);
