/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* A part of a function's code, or all of it. */
struct piece {
	uint64_t from;
	uint64_t to;
	uint64_t start; /* the function's */
	uint32_t bytes;
	uint32_t name; /* where its name begins */
	uint64_t rank; /* the higher one holds where two overlap */
};

/* What is to be seen of `count` pieces that lie upon each other (each with from < to), ordered by
 * address. Takes over `pieces`, a heap array; *out is NULL when there are none. -ENOMEM frees
 * nothing. At most twice as many come out. */
int overlay(struct piece *pieces, size_t count, struct piece **out, size_t *out_count);
