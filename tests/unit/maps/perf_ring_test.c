/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/unit/maps/records.h"

#include <errno.h>

#define ROUNDS 20000
#define SEED   20261121

/* Records that go round the ring's end at every place they can. */
static void test_records_go_round(void **state)
{
	struct built built = mmap2("/usr/lib/x86_64-linux-gnu/libc.so.6", NULL, 1);
	struct fake fake;

	(void)state;
	setup(&fake);
	for (uint64_t i = 0; i < 3 * RING_BYTES / 8; i++) {
		fake.ring.page->data_head = fake.ring.page->data_tail = i * 8;
		fake.path[0] = '\0';
		put(&fake, built.data, built.bytes);
		put(&fake, built.data, built.bytes);
		drain(&fake);
		assert_int_equal(fake.events, 2 * (i + 1));
		assert_string_equal(fake.path, "/usr/lib/x86_64-linux-gnu/libc.so.6");
	}
	assert_int_equal(fake.ring.torn, 0);
	teardown(&fake);
}

static void test_positions_and_sizes_that_lie(void **state)
{
	struct built built = comm(PERF_RECORD_MISC_COMM_EXEC, 20, 20, 7);
	struct fake fake;

	(void)state;
	setup(&fake);
	put(&fake, built.data, built.bytes);
	fake.ring.page->data_head = RING_BYTES + 1;
	drain(&fake);
	assert_int_equal(fake.ring.torn, 1);
	assert_int_equal(fake.records, 0);

	/* A size of nothing would go on for ever, one too large would be read beyond the head. */
	built.header.size = 0;
	put(&fake, built.data, built.bytes);
	drain(&fake);
	assert_int_equal(fake.ring.torn, 2);
	built.header.size = (uint16_t)(built.bytes + 8);
	put(&fake, built.data, built.bytes);
	drain(&fake);
	assert_int_equal(fake.ring.torn, 3);
	/* Less than a header is left. */
	fake.ring.page->data_head += 4;
	drain(&fake);
	assert_int_equal(fake.ring.torn, 4);
	assert_int_equal(fake.records, 0);
	/* And it goes on. */
	built.header.size = (uint16_t)built.bytes;
	put(&fake, built.data, built.bytes);
	drain(&fake);
	assert_int_equal(fake.events, 1);
	teardown(&fake);
}

static void test_a_refusal_ends_the_reading(void **state)
{
	struct built built = comm(PERF_RECORD_MISC_COMM_EXEC, 20, 20, 7);
	struct fake fake;

	(void)state;
	setup(&fake);
	put(&fake, built.data, built.bytes);
	put(&fake, built.data, built.bytes);
	fake.answer = -ENOMEM;
	assert_int_equal(perf_ring__drain(&fake.ring, on_record, &fake), -ENOMEM);
	assert_int_equal(fake.records, 1);
	assert_int_equal(fake.ring.page->data_tail, built.bytes);
	fake.answer = 0;
	drain(&fake);
	assert_int_equal(fake.records, 2);
	teardown(&fake);
}

/* Anything at all in the ring: the sanitizers watch. */
static void test_noise(void **state)
{
	const struct built whole[] = {
		mmap2("/usr/lib/x86_64-linux-gnu/libc.so.6", NULL, 1),
		mmap2("/tmp/a (deleted)", (const uint8_t *)"twenty bytes of what", 1),
		task(PERF_RECORD_FORK, 20, 10, 20, 5),
		comm(PERF_RECORD_MISC_COMM_EXEC, 20, 20, 5),
		lost(12, 5),
	};
	struct fake fake;

	(void)state;
	setup(&fake);
	srand(SEED);
	for (int round = 0; round < ROUNDS; round++) {
		for (int i = 0; i < 4; i++) {
			struct built built = whole[(size_t)rand() % 5];

			for (int flips = rand() % 4; flips > 0; flips--)
				built.data[(size_t)rand() % built.bytes] ^= 1U << (rand() % 8);
			put(&fake, built.data, built.bytes);
		}
		drain(&fake);
	}
	/* Some came through, some did not. */
	assert_true(fake.events > ROUNDS / 10);
	assert_true(fake.bad > ROUNDS / 100);
	assert_true(fake.ring.torn > ROUNDS / 100);
	teardown(&fake);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_records_go_round),
		cmocka_unit_test(test_positions_and_sizes_that_lie),
		cmocka_unit_test(test_a_refusal_ends_the_reading),
		cmocka_unit_test(test_noise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
