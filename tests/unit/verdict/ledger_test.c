/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/units.h"
#include "verdict/ledger.h"

#define MIB_(n) ((int64_t)(n) * (int64_t)MIB)

/* A cgroup of 100 MiB: 60 of heaps, 20 of files, 10 of tmpfs, 10 of the kernel's. */
static struct ledger usual(void)
{
	return (struct ledger){
		.flags = LEDGER_TAKEN | LEDGER_SUMMED,
		.cgroups = 3,
		.usage_bytes = MIB_(100),
		.anon_mapped_bytes = MIB_(60),
		.file_bytes = MIB_(30),
		.file_mapped_bytes = MIB_(4),
		.shmem_bytes = MIB_(10),
		.inactive_anon_bytes = MIB_(40),
		.active_anon_bytes = MIB_(30),
		.inactive_file_bytes = MIB_(15),
		.active_file_bytes = MIB_(5),
		.kernel_bytes = MIB_(10),
		.slab_reclaimable_bytes = MIB_(2),
		.slab_unreclaimable_bytes = MIB_(1),
		.page_tables_bytes = MIB_(3),
		.guest_page_tables_bytes = 0,
		.kernel_stacks_bytes = MIB_(1),
		.per_cpu_bytes = 0,
		.vmalloc_bytes = 0,
		.vmalloc_of_nodes_bytes = EVENT_UNKNOWN,
		.zswap_bytes = 0,
	};
}

static struct ledger_division divide(const struct ledger *ledger, int64_t kmem_bytes)
{
	return ledger__divide(&(struct ledger_facts){
		.ledger = ledger, .kmem_bytes = kmem_bytes, .cpus = 2, .page_bytes = 4096});
}

static int64_t sum_of(const struct ledger_division *division)
{
	int64_t sum = 0;

	for (int row = 0; row < LEDGER_ROW_COUNT; row++)
		sum += division->rows[row] > 0 ? division->rows[row] : 0;
	return sum;
}

static void rows_are_disjoint(void **state)
{
	const struct ledger ledger = usual();
	const struct ledger_division division = divide(&ledger, EVENT_UNKNOWN);

	(void)state;
	assert_true(division.known);
	assert_int_equal(division.rows[LEDGER_ROW_ANON], MIB_(60));
	assert_int_equal(division.rows[LEDGER_ROW_CACHE], MIB_(20));
	assert_int_equal(division.rows[LEDGER_ROW_SHMEM], MIB_(10));
	assert_int_equal(division.rows[LEDGER_ROW_SLAB], MIB_(3));
	assert_int_equal(division.rows[LEDGER_ROW_OTHER_KERNEL], MIB_(3));
	assert_int_equal(division.kernel_bytes, MIB_(10));
	assert_int_equal(division.rows[LEDGER_ROW_LEAVING], 0);
	assert_int_equal(division.unexplained_bytes, 0);
	assert_int_equal(sum_of(&division), division.usage_bytes);
	/* 64 pages that each of two CPUs may have charged ahead for each of three cgroups. */
	assert_int_equal(division.error_bytes, 2 * 64 * 3 * 4096);
	assert_int_equal(division.file_mapped_bytes, MIB_(4));
}

/* A process that is torn down: its pages are on the lists, and nobody's. */
static void what_nobody_maps_is_leaving(void **state)
{
	struct ledger ledger = usual();
	struct ledger_division division;

	(void)state;
	ledger.anon_mapped_bytes = MIB_(20);
	division = divide(&ledger, EVENT_UNKNOWN);
	assert_int_equal(division.rows[LEDGER_ROW_LEAVING], MIB_(40));
	assert_int_equal(division.unexplained_bytes, 0);
	/* Lists lag behind by what CPUs have not put there yet: that is no row below nothing. */
	ledger = usual();
	ledger.active_anon_bytes -= MIB_(1);
	division = divide(&ledger, EVENT_UNKNOWN);
	assert_int_equal(division.rows[LEDGER_ROW_LEAVING], 0);
	assert_int_equal(division.unexplained_bytes, 0);
}

/* The swap cache counts as page cache, and where it is mapped as anonymous too. */
static void swap_cache_is_counted_once(void **state)
{
	static const struct {
		int64_t mapped_mib, unmapped_mib;
	} cases[] = {{0, 0}, {8, 0}, {0, 8}, {5, 3}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const int64_t mapped = MIB_(cases[i].mapped_mib);
		const int64_t unmapped = MIB_(cases[i].unmapped_mib);
		struct ledger ledger = usual();
		struct ledger_division division;

		ledger.swap_cache_bytes = mapped + unmapped;
		ledger.file_bytes += mapped + unmapped;
		ledger.anon_mapped_bytes -= unmapped;
		ledger.swap_bytes = mapped + unmapped;
		division = divide(&ledger, EVENT_UNKNOWN);
		assert_int_equal(division.rows[LEDGER_ROW_CACHE], MIB_(20));
		assert_int_equal(division.rows[LEDGER_ROW_SWAP_CACHE], unmapped);
		assert_int_equal(division.rows[LEDGER_ROW_LEAVING], 0);
		assert_int_equal(division.unexplained_bytes, 0);
		assert_int_equal(division.swap_bytes, mapped + unmapped);
	}
}

/* 5.10 counts neither all of the kernel's memory nor page tables. */
static void what_a_kernel_cannot_tell_is_no_zero(void **state)
{
	struct ledger ledger = usual();
	struct ledger_division division;

	(void)state;
	ledger.kernel_bytes = ledger.page_tables_bytes = ledger.vmalloc_bytes = EVENT_UNKNOWN;
	ledger.swap_cache_bytes = ledger.zswap_bytes = EVENT_UNKNOWN;
	division = divide(&ledger, EVENT_UNKNOWN);
	assert_int_equal(division.rows[LEDGER_ROW_PAGE_TABLES], EVENT_UNKNOWN);
	assert_int_equal(division.rows[LEDGER_ROW_VMALLOC], EVENT_UNKNOWN);
	assert_int_equal(division.rows[LEDGER_ROW_ZSWAP], EVENT_UNKNOWN);
	assert_int_equal(division.rows[LEDGER_ROW_SWAP_CACHE], EVENT_UNKNOWN);
	assert_int_equal(division.rows[LEDGER_ROW_OTHER_KERNEL], EVENT_UNKNOWN);
	assert_int_equal(division.rows[LEDGER_ROW_CACHE], MIB_(20));
	assert_int_equal(division.unexplained_bytes, MIB_(6));
	/* v1's own counter of it tells the rest. */
	division = divide(&ledger, MIB_(10));
	assert_int_equal(division.rows[LEDGER_ROW_OTHER_KERNEL], MIB_(6));
	assert_int_equal(division.unexplained_bytes, 0);
	/* Since 7.2 vmalloc is counted elsewhere. */
	ledger.vmalloc_of_nodes_bytes = MIB_(1);
	division = divide(&ledger, MIB_(10));
	assert_int_equal(division.rows[LEDGER_ROW_VMALLOC], MIB_(1));
	assert_int_equal(division.rows[LEDGER_ROW_OTHER_KERNEL], MIB_(5));
}

static void rows_may_say_more_than_usage(void **state)
{
	struct ledger ledger = usual();
	struct ledger_division division;

	(void)state;
	ledger.usage_bytes = MIB_(98);
	division = divide(&ledger, EVENT_UNKNOWN);
	assert_int_equal(division.unexplained_bytes, -MIB_(2));
}

static void errors_are_stated(void **state)
{
	struct ledger ledger = usual();
	struct ledger_division division;

	(void)state;
	ledger.flags = LEDGER_TAKEN | LEDGER_SUMMED | LEDGER_CUT;
	division = divide(&ledger, EVENT_UNKNOWN);
	assert_int_equal(division.error_bytes, EVENT_UNKNOWN);
	assert_true(division.cut);
	/* 32 pages of each of the statistics that rows are made of, of each of three cgroups. */
	ledger.flags = LEDGER_TAKEN | LEDGER_BOUNDED;
	division = divide(&ledger, EVENT_UNKNOWN);
	assert_int_equal(division.error_bytes, 2 * (64 * 3 + 32 * 12 * 3) * 4096);
	assert_false(division.cut);
	/* No more than of seven, and never more than there is. */
	ledger.flags = LEDGER_TAKEN | LEDGER_SUMMED;
	ledger.cgroups = 100;
	division = divide(&ledger, EVENT_UNKNOWN);
	assert_int_equal(division.error_bytes, 2 * 64 * 7 * 4096);
	ledger.cgroups = UINT32_MAX;
	ledger.flags = LEDGER_TAKEN | LEDGER_BOUNDED;
	division = ledger__divide(&(struct ledger_facts){.ledger = &ledger,
							 .kmem_bytes = EVENT_UNKNOWN,
							 .cpus = UINT32_MAX,
							 .page_bytes = UINT32_MAX});
	assert_int_equal(division.error_bytes, MIB_(100));
}

static void none_is_none(void **state)
{
	struct ledger ledger = {0};

	(void)state;
	assert_false(divide(&ledger, EVENT_UNKNOWN).known);
	ledger = usual();
	ledger.usage_bytes = EVENT_UNKNOWN;
	assert_false(divide(&ledger, EVENT_UNKNOWN).known);
	/* Where nobody knows where statistics lie, nothing is said: no zeros. */
	ledger = usual();
	ledger.anon_mapped_bytes = EVENT_UNKNOWN;
	assert_false(divide(&ledger, EVENT_UNKNOWN).known);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_disjoint),
		cmocka_unit_test(what_nobody_maps_is_leaving),
		cmocka_unit_test(swap_cache_is_counted_once),
		cmocka_unit_test(what_a_kernel_cannot_tell_is_no_zero),
		cmocka_unit_test(rows_may_say_more_than_usage),
		cmocka_unit_test(errors_are_stated),
		cmocka_unit_test(none_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
