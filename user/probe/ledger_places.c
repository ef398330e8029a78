/* SPDX-License-Identifier: GPL-2.0-only */
#include "probe/ledger_places.h"

#include <bpf/btf.h>
#include <errno.h>
#include <string.h>

#define TELLING_BYTES (1LL << 20) /* less may be anything's */
#define TELLING_ITEMS 3

static const char *const node_items[] = {
	"NR_INACTIVE_ANON",
	"NR_ACTIVE_ANON",
	"NR_INACTIVE_FILE",
	"NR_ACTIVE_FILE",
	"NR_UNEVICTABLE",
	"NR_SLAB_RECLAIMABLE_B",
	"NR_SLAB_UNRECLAIMABLE_B",
	"WORKINGSET_REFAULT_ANON",
	"WORKINGSET_REFAULT_FILE",
	"WORKINGSET_ACTIVATE_ANON",
	"WORKINGSET_ACTIVATE_FILE",
	"WORKINGSET_RESTORE_ANON",
	"WORKINGSET_RESTORE_FILE",
	"WORKINGSET_NODERECLAIM",
	"NR_ANON_MAPPED",
	"NR_FILE_MAPPED",
	"NR_FILE_PAGES",
	"NR_FILE_DIRTY",
	"NR_WRITEBACK",
	"NR_SHMEM",
	"NR_SHMEM_THPS",
	"NR_FILE_THPS",
	"NR_ANON_THPS",
	"NR_VMALLOC",
	"NR_KERNEL_STACK_KB",
	"NR_PAGETABLE",
	"NR_SECONDARY_PAGETABLE",
	"NR_SWAPCACHE",
	"PGPROMOTE_SUCCESS",
	"PGDEMOTE_KSWAPD",
	"PGDEMOTE_DIRECT",
	"PGDEMOTE_KHUGEPAGED",
	"PGDEMOTE_PROACTIVE",
	"NR_HUGETLB",
};

static const char *const memcg_items[] = {
	"MEMCG_SWAP", "MEMCG_SOCK",    "MEMCG_PERCPU_B", "MEMCG_VMALLOC",
	"MEMCG_KMEM", "MEMCG_ZSWAP_B", "MEMCG_ZSWAPPED",
};

static const char *const wanted[LEDGER_ITEM_COUNT] = {
#define X(field, kind, item, unit) #item,
	LEDGER_ITEMS(X)
#undef X
};

static bool has_item(const struct btf *btf, const struct btf_type *type, const char *name)
{
	for (int i = 0; type && i < btf_vlen(type); i++) {
		if (!strcmp(btf__name_by_offset(btf, btf_enum(type)[i].name_off), name))
			return true;
	}
	return false;
}

static void suppose(struct ledger_places *out, const struct btf *btf, const char *kind,
		    const char *const *names, size_t count)
{
	const int id = btf__find_by_name_kind(btf, kind, BTF_KIND_ENUM);
	const struct btf_type *type = id < 0 ? NULL : btf__type_by_id(btf, (uint32_t)id);

	for (size_t i = 0; i < count; i++) {
		if (!has_item(btf, type, names[i]))
			continue;
		for (int item = 0; item < LEDGER_ITEM_COUNT; item++) {
			if (!strcmp(wanted[item], names[i]))
				out->of[item] = (int32_t)out->slots;
		}
		out->slots++;
	}
}

void ledger_places__suppose(struct ledger_places *out, const struct btf *btf)
{
	out->slots = 0;
	for (int item = 0; item < LEDGER_ITEM_COUNT; item++)
		out->of[item] = -1;
	suppose(out, btf, "node_stat_item", node_items, sizeof(node_items) / sizeof(*node_items));
	suppose(out, btf, "memcg_stat_item", memcg_items,
		sizeof(memcg_items) / sizeof(*memcg_items));
}

static int64_t distance(int64_t a, int64_t b)
{
	return a > b ? a - b : b - a;
}

/* All of a host moves meanwhile: an eighth of it, or the least that can tell. */
static bool is_near(int64_t told, int64_t found)
{
	const int64_t room = told / 8 > TELLING_BYTES ? told / 8 : TELLING_BYTES;

	return distance(told, found) <= room;
}

int ledger_places__check(const struct ledger_places *places, const __s64 *root, uint32_t slots,
			 const struct memcg_stat *stat, uint32_t page_bytes)
{
	/* All of them are counted in pages. */
	const struct {
		enum ledger_item item;
		int64_t bytes;
	} known[] = {
		{LEDGER_ITEM_anon_mapped, stat->anon_bytes},
		{LEDGER_ITEM_file, stat->file_bytes},
		{LEDGER_ITEM_file_mapped, stat->file_mapped_bytes},
		{LEDGER_ITEM_shmem, stat->shmem_bytes},
		{LEDGER_ITEM_swap_cache, stat->swap_cache_bytes},
		{LEDGER_ITEM_swap, stat->swap_bytes},
		{LEDGER_ITEM_kernel, stat->kernel_bytes},
		{LEDGER_ITEM_page_tables, stat->page_tables_bytes},
		{LEDGER_ITEM_sockets, stat->sockets_bytes},
	};
	int telling = 0;

	if (places->slots != slots)
		return -ENOENT;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		const int32_t place = places->of[known[i].item];

		if (known[i].bytes == EVENT_UNKNOWN || place < 0)
			continue;
		if (!is_near(known[i].bytes, root[place] * (int64_t)page_bytes))
			return -ENOENT;
		telling += known[i].bytes >= TELLING_BYTES;
	}
	return telling >= TELLING_ITEMS ? 0 : -ENOENT;
}
