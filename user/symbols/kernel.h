/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "symbols/symbol.h"

/* The kernel's functions and those of its modules, by /proc/kallsyms. Some 5 MiB. */
struct kernel_symbols;

/* A descriptor of /proc/kallsyms: whether that shows addresses to whoever reads from it is decided
 * now, by the privileges of the moment. -errno; `root` is prefixed to the path ("" on a live host).
 */
int kernel_symbols__open(const char *root);

/* It takes some 100 ms to read them. */
struct kernel_reading {
	int fd;                           /* of kernel_symbols__open(); stays the caller's */
	void (*meanwhile)(void *context); /* called every few ms; NULL: nothing waits */
	void *context;
};

/* From their beginning. -EPERM: the kernel hides its addresses; -ENODATA: it names no function;
 * -errno of reading. `why`: one sentence, in all these cases. */
int kernel_symbols__new(struct kernel_symbols **out, const struct kernel_reading *reading,
			char *why, size_t why_size);

struct kernel_function {
	struct symbol symbol;
	const char *module; /* NULL: the kernel proper */
	uint64_t base;      /* of it or of that module: the page that its first function is on */
};

/* Where functions share an address, always the same one. */
bool kernel_symbols__find(const struct kernel_symbols *symbols, uint64_t address,
			  struct kernel_function *out);

size_t kernel_symbols__count(const struct kernel_symbols *symbols);
size_t kernel_symbols__bytes(const struct kernel_symbols *symbols); /* of heap */

void kernel_symbols__free(struct kernel_symbols *symbols);
