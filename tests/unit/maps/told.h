/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/* What the tests of user/maps have in common: mappings and events as the kernel would tell them. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "maps/address_spaces.h"

static inline struct told_mapping told_file(uint64_t start, uint64_t end, uint64_t offset,
					    const char *path)
{
	struct told_mapping told = {
		.start = start,
		.end = end,
		.offset = offset,
		.kind = MAPPING_FILE,
		.path = path,
	};

	/* Another inode for another path. */
	for (const char *c = path; *c; c++)
		told.file.inode = told.file.inode * 31 + (unsigned char)*c;
	return told;
}

static inline struct map_event event_of(enum map_event_kind kind, uint64_t time_ns, uint32_t pid)
{
	return (struct map_event){.kind = kind, .time_ns = time_ns, .pid = pid};
}
