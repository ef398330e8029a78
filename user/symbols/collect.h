/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "elf/object.h"
#include "symbols/prefer.h"

#define FUNCTIONS_MAX (2U << 20)

/* What an object's tables say of one function; `name` lies in one of them. */
struct candidate {
	uint64_t start;
	uint64_t bytes; /* 0: not said */
	struct preference preference;
};

struct candidates {
	struct candidate *list;
	size_t count;
	size_t capacity;
	bool cut;                /* there were more */
	size_t names_bytes;      /* of the tables that names lie in */
	struct object *unpacked; /* from .gnu_debugdata; names lie in it */
	uint64_t places[8];      /* where sections with code begin and end */
	size_t place_count;
};

/* Everything that names a function. -ENOMEM; what is damaged is passed over. */
int candidates__collect(struct candidates *out, const struct object *object,
			const struct object *debug);
void candidates__free(struct candidates *candidates);
