/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <bpf/btf.h>
#include <cmocka.h>

#include "base/units.h"
#include "probe/ledger_places.h"

#define PAGES(mib) ((int64_t)(mib)*256)
#define BYTES(mib) ((int64_t)(mib) * (int64_t)MIB)

/* A kernel of so many statistics, in a BTF of our own. */
static struct btf *kernel_of(const char *const *node_items, const char *const *memcg_items)
{
	struct btf *btf = btf__new_empty();

	assert_non_null(btf);
	assert_true(btf__add_enum(btf, "node_stat_item", 4) > 0);
	for (int i = 0; node_items[i]; i++)
		assert_int_equal(btf__add_enum_value(btf, node_items[i], i), 0);
	assert_true(btf__add_enum(btf, "memcg_stat_item", 4) > 0);
	for (int i = 0; memcg_items[i]; i++)
		assert_int_equal(btf__add_enum_value(btf, memcg_items[i], 40 + i), 0);
	return btf;
}

/* Not in the order of the lists, and with items that cgroups do not count. */
static const char *const some_node_items[] = {
	"NR_ACTIVE_ANON", "NR_INACTIVE_ANON", "NR_ISOLATED_ANON", "NR_SHMEM",     "NR_FILE_PAGES",
	"NR_ANON_MAPPED", "NR_FILE_MAPPED",   "NR_WRITTEN",       "NR_PAGETABLE", NULL};
static const char *const some_memcg_items[] = {"MEMCG_KMEM", "MEMCG_SWAP", NULL};

static struct ledger_places supposed(void)
{
	struct btf *btf = kernel_of(some_node_items, some_memcg_items);
	struct ledger_places places;

	ledger_places__suppose(&places, btf);
	btf__free(btf);
	return places;
}

static void the_order_is_that_of_the_kernels_lists(void **state)
{
	const struct ledger_places places = supposed();

	(void)state;
	assert_int_equal(places.slots, 9);
	assert_int_equal(places.of[LEDGER_ITEM_inactive_anon], 0);
	assert_int_equal(places.of[LEDGER_ITEM_active_anon], 1);
	assert_int_equal(places.of[LEDGER_ITEM_anon_mapped], 2);
	assert_int_equal(places.of[LEDGER_ITEM_file_mapped], 3);
	assert_int_equal(places.of[LEDGER_ITEM_file], 4);
	assert_int_equal(places.of[LEDGER_ITEM_shmem], 5);
	assert_int_equal(places.of[LEDGER_ITEM_page_tables], 6);
	assert_int_equal(places.of[LEDGER_ITEM_swap], 7);
	assert_int_equal(places.of[LEDGER_ITEM_kernel], 8);
	assert_int_equal(places.of[LEDGER_ITEM_zswap], -1);
	assert_int_equal(places.of[LEDGER_ITEM_swap_cache], -1);
}

static struct memcg_stat told(void)
{
	struct memcg_stat stat;

	memset(&stat, 0xff, sizeof(stat));
	stat.anon_bytes = BYTES(700);
	stat.file_bytes = BYTES(300);
	stat.file_mapped_bytes = BYTES(60);
	stat.shmem_bytes = BYTES(9);
	stat.swap_bytes = 0;
	return stat;
}

static void memory_stat_confirms_it(void **state)
{
	const struct ledger_places places = supposed();
	const int64_t root[9] = {PAGES(690), PAGES(5),  PAGES(700), PAGES(61), PAGES(290),
				 PAGES(9),   PAGES(20), 0,          PAGES(30)};
	struct memcg_stat stat = told();
	__s64 found[9];

	(void)state;
	for (int i = 0; i < 9; i++)
		found[i] = root[i];
	assert_int_equal(ledger_places__check(&places, found, 9, &stat, 4096), 0);
	/* More of them: they were numbered in another way. */
	assert_int_equal(ledger_places__check(&places, found, 8, &stat, 4096), -ENOENT);
	/* One that is something else, by more than a host moves meanwhile. */
	stat.shmem_bytes = BYTES(12);
	assert_int_equal(ledger_places__check(&places, found, 9, &stat, 4096), -ENOENT);
	/* What is there and should not be counts as well. */
	stat = told();
	found[7] = PAGES(30);
	assert_int_equal(ledger_places__check(&places, found, 9, &stat, 4096), -ENOENT);
}

static void too_little_confirms_nothing(void **state)
{
	const struct ledger_places places = supposed();
	const __s64 nothing[9] = {0};
	struct memcg_stat stat = told();

	(void)state;
	stat.anon_bytes = stat.file_bytes = stat.file_mapped_bytes = stat.shmem_bytes = 4096;
	assert_int_equal(ledger_places__check(&places, nothing, 9, &stat, 4096), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_order_is_that_of_the_kernels_lists),
		cmocka_unit_test(memory_stat_confirms_it),
		cmocka_unit_test(too_little_confirms_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
