/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The functions of a Go program by the table that its runtime prints stacks with (.gopclntab, also
 * in a stripped one): the layouts of Go 1.2, 1.16, 1.18 and 1.20, little endian, 64 bit.
 */

/* `name` lies inside the table; it ends with a NUL, or has more than SYMBOL_NAME_MAX_BYTES. False
 * ends the walk. */
typedef bool (*gopclntab_tell)(void *context, uint64_t start, uint64_t bytes, const char *name);

/* What is known of the program's code, by link-time addresses. */
struct gopclntab_place {
	uint64_t text_vaddr;  /* of .text */
	uint64_t entry_vaddr; /* where the program begins */
};

/*
 * Tells every function that is intact, ordered by address; an address that is not above the one
 * before ends the walk. Where a table does not say where its code begins (position-independent
 * programs, Go 1.26), that is the begin of .text, if the program's entry is at the table's function
 * for it then: what the system's linker put together with C code begins with that one's.
 * 0; -EINVAL: no such table; -ESRCH: where its code begins is not known.
 */
int gopclntab__walk(const uint8_t *table, size_t bytes, const struct gopclntab_place *place,
		    gopclntab_tell tell, void *context);
