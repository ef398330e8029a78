/* SPDX-License-Identifier: GPL-2.0-only */
#include "verdict/ledger.h"

/* What a CPU may have charged ahead of need for one cgroup, of up to so many cgroups (since 6.16),
 * and may hold back of one statistic (5.10): pages (MEMCG_CHARGE_BATCH of mm/memcontrol.c, 32
 * until 5.14, 64 since; NR_MEMCG_STOCK). */
#define CHARGED_AHEAD_PAGES 64
#define CHARGED_CGROUPS     7
#define HELD_BACK_PAGES     32
#define SUMMED_ITEMS        12 /* that rows are made of there: kinds, lists, the kernel's */

static int64_t known(int64_t bytes)
{
	return bytes > 0 ? bytes : 0;
}

static int64_t at_most(int64_t bytes, int64_t most)
{
	return bytes < most ? bytes : most;
}

/* Pages that processes, files and tmpfs have, each once. */
static void divide_pages(struct ledger_division *out, const struct ledger *ledger)
{
	const int64_t lists = known(ledger->inactive_anon_bytes) +
			      known(ledger->active_anon_bytes) +
			      known(ledger->inactive_file_bytes) +
			      known(ledger->active_file_bytes) + known(ledger->unevictable_bytes);
	int64_t rest;

	out->rows[LEDGER_ROW_ANON] = ledger->anon_mapped_bytes;
	out->rows[LEDGER_ROW_SHMEM] = ledger->shmem_bytes;
	if (ledger->file_bytes != EVENT_UNKNOWN)
		out->rows[LEDGER_ROW_CACHE] =
			known(ledger->file_bytes - known(ledger->shmem_bytes) -
			      known(ledger->swap_cache_bytes));
	if (ledger->anon_mapped_bytes == EVENT_UNKNOWN || ledger->file_bytes == EVENT_UNKNOWN ||
	    ledger->inactive_anon_bytes == EVENT_UNKNOWN)
		return;
	rest = known(lists - known(out->rows[LEDGER_ROW_ANON]) -
		     known(out->rows[LEDGER_ROW_CACHE]) - known(out->rows[LEDGER_ROW_SHMEM]));
	if (ledger->swap_cache_bytes != EVENT_UNKNOWN)
		out->rows[LEDGER_ROW_SWAP_CACHE] = at_most(rest, ledger->swap_cache_bytes);
	out->rows[LEDGER_ROW_LEAVING] = rest - known(out->rows[LEDGER_ROW_SWAP_CACHE]);
}

static void divide_kernel(struct ledger_division *out, const struct ledger_facts *facts)
{
	const struct ledger *ledger = facts->ledger;
	int64_t *rows = out->rows, named = 0, all = ledger->kernel_bytes;

	if (ledger->slab_reclaimable_bytes != EVENT_UNKNOWN)
		rows[LEDGER_ROW_SLAB] =
			ledger->slab_reclaimable_bytes + known(ledger->slab_unreclaimable_bytes);
	if (ledger->page_tables_bytes != EVENT_UNKNOWN)
		rows[LEDGER_ROW_PAGE_TABLES] =
			ledger->page_tables_bytes + known(ledger->guest_page_tables_bytes);
	rows[LEDGER_ROW_KERNEL_STACKS] = ledger->kernel_stacks_bytes;
	rows[LEDGER_ROW_PER_CPU] = ledger->per_cpu_bytes;
	rows[LEDGER_ROW_VMALLOC] = ledger->vmalloc_bytes != EVENT_UNKNOWN
					   ? ledger->vmalloc_bytes
					   : ledger->vmalloc_of_nodes_bytes;
	rows[LEDGER_ROW_ZSWAP] = ledger->zswap_bytes;
	for (int row = LEDGER_ROW_SLAB; row < LEDGER_ROW_OTHER_KERNEL; row++)
		named += known(rows[row]);
	if (all == EVENT_UNKNOWN)
		all = facts->kmem_bytes;
	if (all != EVENT_UNKNOWN)
		rows[LEDGER_ROW_OTHER_KERNEL] = known(all - named);
	out->kernel_bytes = named + known(rows[LEDGER_ROW_OTHER_KERNEL]);
}

static int64_t error_of(const struct ledger_facts *facts)
{
	const struct ledger *ledger = facts->ledger;
	__int128 pages = CHARGED_AHEAD_PAGES * at_most(ledger->cgroups, CHARGED_CGROUPS);

	if (ledger->flags & LEDGER_CUT)
		return EVENT_UNKNOWN;
	if (!(ledger->flags & LEDGER_SUMMED)) {
		if (!(ledger->flags & LEDGER_BOUNDED))
			return EVENT_UNKNOWN;
		pages += (__int128)HELD_BACK_PAGES * SUMMED_ITEMS * ledger->cgroups;
	}
	pages *= (__int128)facts->cpus * facts->page_bytes;
	return pages > ledger->usage_bytes ? ledger->usage_bytes : (int64_t)pages;
}

struct ledger_division ledger__divide(const struct ledger_facts *facts)
{
	const struct ledger *ledger = facts->ledger;
	struct ledger_division out = {0};

	/* Without these nobody could say what is left. */
	if (!(ledger->flags & LEDGER_TAKEN) || ledger->usage_bytes == EVENT_UNKNOWN ||
	    ledger->anon_mapped_bytes == EVENT_UNKNOWN || ledger->file_bytes == EVENT_UNKNOWN)
		return out;
	out.known = true;
	out.usage_bytes = ledger->usage_bytes;
	for (int row = 0; row < LEDGER_ROW_COUNT; row++)
		out.rows[row] = EVENT_UNKNOWN;
	divide_pages(&out, ledger);
	divide_kernel(&out, facts);
	out.rows[LEDGER_ROW_SOCKETS] = ledger->sockets_bytes;
	out.rows[LEDGER_ROW_HUGETLB] = ledger->hugetlb_bytes;
	out.unexplained_bytes = out.usage_bytes;
	for (int row = 0; row < LEDGER_ROW_COUNT; row++)
		out.unexplained_bytes -= known(out.rows[row]);
	out.error_bytes = error_of(facts);
	out.file_mapped_bytes = ledger->file_mapped_bytes;
	out.swap_bytes = ledger->swap_bytes;
	out.dying_bytes = ledger->dying_bytes;
	out.cut = ledger->flags & LEDGER_CUT;
	return out;
}

const char *ledger_row__key(enum ledger_row row)
{
	static const char *const keys[] = {
#define X(name, key, words) key,
		LEDGER_ROWS(X)
#undef X
	};

	return keys[row];
}

const char *ledger_row__words(enum ledger_row row)
{
	static const char *const known_words[] = {
#define X(name, key, words) words,
		LEDGER_ROWS(X)
#undef X
	};

	return known_words[row];
}
