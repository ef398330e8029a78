/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/*
 * Where a cgroup's statistics lie, on kernels that number them by a table which nobody may read
 * (since 6.10, without CONFIG_KALLSYMS_ALL): calibration.
 *
 * The kernel places them in the order of two lists in mm/memcontrol.c (memcg_node_stat_items,
 * memcg_stat_items), without those that it was built without. That order is supposed, the length it
 * would have compared with that of the array, and what memory.stat says by name with what lies at
 * the place. Where anything of that is otherwise nothing is known.
 */

#include <stddef.h>
#include <stdint.h>

#include "bpf/events.h"

struct btf;

struct ledger_places {
	int32_t of[LEDGER_ITEM_COUNT]; /* -1: the kernel does not count it */
	uint32_t slots;                /* of the array, if this is its order */
};

/* By the items that the kernel's types name. */
void ledger_places__suppose(struct ledger_places *out, const struct btf *btf);

/* `root`: the `slots` statistics of the root, as they lie; `stat`: its memory.stat, of just before.
 * 0; -ENOENT: it is another order, or memory.stat shows too little that could tell. */
int ledger_places__check(const struct ledger_places *places, const __s64 *root, uint32_t slots,
			 const struct memcg_stat *stat, uint32_t page_bytes);
