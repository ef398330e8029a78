/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The functions of a Go program by the table that its runtime prints stacks with (.gopclntab, also
 * in a stripped one): the layouts of Go 1.2, 1.16, 1.18 and 1.20, little endian, 64 bit.
 */

/* `name` lies inside the table, with its NUL. False ends the walk. */
typedef bool (*gopclntab_tell)(void *context, uint64_t start, uint64_t bytes, const char *name);

/*
 * Tells every function that is intact, ordered by address; an address that is not above the one
 * before ends the walk. `text_vaddr`: of .text, where a table (position-independent programs, Go
 * 1.26) does not say where its code begins. 0; -EINVAL: no such table.
 */
int gopclntab__walk(const uint8_t *table, size_t bytes, uint64_t text_vaddr, gopclntab_tell tell,
		    void *context);
