/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "unwind/cfi_entry.h"

/* .eh_frame or .debug_frame as a table from addresses to entries. */

#define FRAME_ENTRIES_MAX (2U << 20) /* of a section without .eh_frame_hdr: 32 MiB of index */

struct frame_range {
	uint64_t start;
	uint32_t bytes;
	uint32_t entry; /* offset in the section */
};

struct frame_table {
	struct frame_section from;
	struct object_section header; /* .eh_frame_hdr with a table that can be bisected, or none */
	bool indexed;                 /* without a header: made when first asked */
	struct frame_range *ranges;
	size_t range_count;
};

/* Where `object` has no such section, the table is empty. */
void frame_table__init(struct frame_table *table, const struct object *object, bool debug);
void frame_table__release(struct frame_table *table);

bool frame_table__find(struct frame_table *table, uint64_t vaddr, struct frame_entry *out);
