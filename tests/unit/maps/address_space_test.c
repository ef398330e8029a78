/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/unit/maps/told.h"

#include <errno.h>

#include "maps/address_space.h"

#define ROUNDS 400
#define ADDED  40
#define PAGES  24
#define SEED   20261121

static struct mapping anonymous(uint64_t start, uint64_t end, uint64_t offset, uint64_t from_ns)
{
	return (struct mapping){.start = start,
				.end = end,
				.offset = offset,
				.from_ns = from_ns,
				.kind = MAPPING_OTHER};
}

static void add(struct address_space *space, uint64_t start, uint64_t end, uint64_t offset,
		uint64_t from_ns)
{
	struct mapping mapping = anonymous(start, end, offset, from_ns);

	assert_int_equal(address_space__add(space, &mapping), 0);
}

/* What `address` at `time_ns` is an offset of; UINT64_MAX: nothing. */
static uint64_t offset_at(const struct address_space *space, uint64_t address, uint64_t time_ns)
{
	struct mapping found;

	if (!address_space__find(space, address, time_ns, &found))
		return UINT64_MAX;
	assert_true(found.start <= address && address < found.end);
	assert_true(found.from_ns <= time_ns);
	return found.offset + (address - found.start);
}

static void test_later_mappings_lie_over_earlier_ones(void **state)
{
	struct address_space *space;
	size_t count;

	(void)state;
	assert_int_equal(address_space__new(&space), 0);
	add(space, 0x1000, 0x9000, 0x100000, 10);
	add(space, 0x3000, 0x5000, 0x200000, 20);
	assert_int_equal(offset_at(space, 0x2fff, 30), 0x101fff);
	assert_int_equal(offset_at(space, 0x3000, 30), 0x200000);
	assert_int_equal(offset_at(space, 0x4fff, 30), 0x201fff);
	assert_int_equal(offset_at(space, 0x5000, 30), 0x104000);
	assert_int_equal(offset_at(space, 0x8fff, 30), 0x107fff);
	assert_int_equal(offset_at(space, 0x9000, 30), UINT64_MAX);
	assert_int_equal(offset_at(space, 0xfff, 30), UINT64_MAX);
	/* Before it came, what was there; before that, nothing. */
	assert_int_equal(offset_at(space, 0x3000, 19), 0x102000);
	assert_int_equal(offset_at(space, 0x3000, 20), 0x200000);
	assert_int_equal(offset_at(space, 0x3000, 9), UINT64_MAX);
	address_space__mappings(space, &count);
	assert_int_equal(count, 3);
	/* What was covered before 21 is forgotten, what is there never. */
	address_space__forget(space, 21);
	assert_int_equal(offset_at(space, 0x3000, 19), UINT64_MAX);
	assert_int_equal(offset_at(space, 0x2000, 19), 0x101000);
	address_space__unref(space);
}

static void test_what_is_told_late_lies_below(void **state)
{
	struct address_space *space;

	(void)state;
	assert_int_equal(address_space__new(&space), 0);
	add(space, 0x3000, 0x5000, 0x200000, 20);
	add(space, 0x1000, 0x9000, 0x100000, 10);
	assert_int_equal(offset_at(space, 0x3000, 30), 0x200000);
	assert_int_equal(offset_at(space, 0x3000, 15), 0x102000);
	assert_int_equal(offset_at(space, 0x1000, 30), 0x100000);
	assert_int_equal(offset_at(space, 0x8000, 30), 0x107000);
	address_space__unref(space);
}

static void test_told_again_is_nothing_new(void **state)
{
	struct address_space *space;
	size_t count, bytes;

	(void)state;
	assert_int_equal(address_space__new(&space), 0);
	add(space, 0x1000, 0x9000, 0, 10);
	bytes = address_space__bytes(space);
	for (uint64_t time = 11; time < 10000; time++)
		add(space, 0x3000, 0x5000, 0x2000, time);
	address_space__mappings(space, &count);
	assert_int_equal(count, 1);
	assert_int_equal(address_space__bytes(space), bytes);
	assert_int_equal(offset_at(space, 0x4000, 10), 0x3000);
	/* Another offset is another mapping. */
	add(space, 0x3000, 0x5000, 0x8000, 10001);
	assert_int_equal(offset_at(space, 0x4000, 10001), 0x9000);
	address_space__unref(space);
}

/* Against the definition: the newest mapping around an address not younger than the time. */
static void test_any_order_of_any_mappings(void **state)
{
	struct mapping added[ADDED];

	(void)state;
	srand(SEED);
	for (int round = 0; round < ROUNDS; round++) {
		struct address_space *space;

		assert_int_equal(address_space__new(&space), 0);
		for (unsigned int i = 0; i < ADDED; i++) {
			uint64_t start = 1 + (uint64_t)rand() % PAGES;
			uint64_t end = start + 1 + (uint64_t)rand() % 8;

			/* Half of them in order; no two of one time. */
			added[i] = anonymous(start << 12, end << 12, (uint64_t)(i + 1) << 32,
					     round % 2 ? 10 * (i + 1)
						       : (uint64_t)(rand() % 1000) * ADDED + i);
			assert_int_equal(address_space__add(space, &added[i]), 0);
		}
		for (int ask = 0; ask < 500; ask++) {
			uint64_t address = (uint64_t)rand() % ((PAGES + 10) << 12);
			uint64_t time_ns =
				(uint64_t)rand() % (round % 2 ? 10 * ADDED + 20 : 1000 * ADDED);
			const struct mapping *newest = NULL;

			for (unsigned int i = 0; i < ADDED; i++) {
				if (added[i].start <= address && address < added[i].end &&
				    added[i].from_ns <= time_ns &&
				    (!newest || added[i].from_ns > newest->from_ns))
					newest = &added[i];
			}
			assert_int_equal(offset_at(space, address, time_ns),
					 newest ? newest->offset + (address - newest->start)
						: UINT64_MAX);
		}
		address_space__unref(space);
	}
}

static void test_bounds(void **state)
{
	struct address_space *space;
	struct mapping one;
	uint64_t taken = 0;
	size_t count;
	int error;

	(void)state;
	assert_int_equal(address_space__new(&space), 0);
	one = anonymous(0x1000, 0x1000, 0, 1);
	assert_int_equal(address_space__add(space, &one), -EINVAL);
	do {
		one = anonymous((taken + 1) << 13, ((taken + 1) << 13) + 0x1000, 0, 1);
		error = address_space__add(space, &one);
	} while (!error && ++taken < 2 * ADDRESS_SPACE_MAPPINGS_MAX);
	assert_int_equal(error, -ENOSPC);
	address_space__mappings(space, &count);
	assert_true(count <= ADDRESS_SPACE_MAPPINGS_MAX);
	assert_true(count >= ADDRESS_SPACE_MAPPINGS_MAX - 2);
	/* What there was stays. */
	assert_int_equal(offset_at(space, 1 << 13, 1), 0);
	assert_int_equal(offset_at(space, taken << 13, 1), 0);
	address_space__unref(space);

	assert_int_equal(address_space__new(&space), 0);
	for (uint64_t i = 0; i < ADDRESS_SPACE_PAST_MAX + 101; i++)
		add(space, 0x1000, 0x2000, i << 32, i + 1);
	assert_int_equal(address_space__forgotten(space), 100);
	assert_int_equal(offset_at(space, 0x1000, 100), UINT64_MAX);
	assert_int_equal(offset_at(space, 0x1000, 101), 100ULL << 32);
	address_space__unref(space);
}

static void test_a_copy_is_independent(void **state)
{
	struct mapped_files *files;
	struct address_space *space, *copy;
	struct mapping mapping = {.start = 0x1000, .end = 0x2000, .kind = MAPPING_FILE}, found;
	const struct file_id id = {.inode = 7};

	(void)state;
	assert_int_equal(mapped_files__new(&files), 0);
	assert_int_equal(address_space__new(&space), 0);
	mapping.file = mapped_files__take(files, &id, "/a");
	assert_int_equal(address_space__add(space, &mapping), 0);
	/* One more over it: the first is kept for those who look back. */
	mapped_file__unref(mapping.file);
	mapping.file = mapped_files__take(files, &id, "/b");
	mapping.from_ns = 5;
	assert_int_equal(address_space__add(space, &mapping), 0);
	mapped_file__unref(mapping.file);
	assert_int_equal(address_space__copy(&copy, space), 0);
	assert_false(address_space__is_shared(space));
	address_space__unref(space);
	assert_true(address_space__find(copy, 0x1800, 4, &found));
	assert_string_equal(mapped_file__path(found.file), "/a");
	assert_true(address_space__find(copy, 0x1800, 5, &found));
	assert_string_equal(mapped_file__path(found.file), "/b");
	assert_int_equal(mapped_file__id(found.file)->inode, 7);
	assert_true(mapped_files__bytes(files) > 0);
	address_space__unref(copy);
	/* Nobody holds a file any more. */
	assert_int_equal(mapped_files__bytes(files), 0);
	mapped_files__free(files);
}

static void test_equal_files_are_one(void **state)
{
	struct mapped_files *files;
	struct file_id id = {.inode = 7, .major = 8}, other = {.inode = 7, .major = 9};
	struct mapped_file *a, *b, *c, *d;

	(void)state;
	assert_int_equal(mapped_files__new(&files), 0);
	a = mapped_files__take(files, &id, "/usr/bin/a");
	b = mapped_files__take(files, &id, "/usr/bin/a");
	c = mapped_files__take(files, &other, "/usr/bin/a");
	d = mapped_files__take(files, &id, "/usr/bin/ab");
	assert_ptr_equal(a, b);
	assert_ptr_not_equal(a, c);
	assert_ptr_not_equal(a, d);
	mapped_file__unref(a);
	assert_string_equal(mapped_file__path(b), "/usr/bin/a");
	mapped_file__unref(b);
	mapped_file__unref(c);
	mapped_file__unref(d);
	assert_int_equal(mapped_files__bytes(files), 0);
	mapped_files__free(files);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_later_mappings_lie_over_earlier_ones),
		cmocka_unit_test(test_what_is_told_late_lies_below),
		cmocka_unit_test(test_told_again_is_nothing_new),
		cmocka_unit_test(test_any_order_of_any_mappings),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_a_copy_is_independent),
		cmocka_unit_test(test_equal_files_are_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
