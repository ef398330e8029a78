/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "symbols/symbol.h"

/* The kernel's functions and those of its modules, by /proc/kallsyms. Some 5 MiB. */
struct kernel_symbols;

/* `root` is prefixed to the path ("" on a live host). -EPERM: the kernel hides its addresses;
 * -ENODATA: it names no function; -errno of reading. `why`: one sentence, in all these cases. */
int kernel_symbols__new(struct kernel_symbols **out, const char *root, char *why, size_t why_size);

/* `module`: NULL for the kernel proper. Where functions share an address, always the same one. */
bool kernel_symbols__find(const struct kernel_symbols *symbols, uint64_t address,
			  struct symbol *out, const char **module);

size_t kernel_symbols__count(const struct kernel_symbols *symbols);
size_t kernel_symbols__bytes(const struct kernel_symbols *symbols); /* of heap */

void kernel_symbols__free(struct kernel_symbols *symbols);
