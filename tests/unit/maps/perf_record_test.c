/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/unit/maps/records.h"

#include <errno.h>

static void test_mappings(void **state)
{
	static const uint8_t build_id[20] = "twenty bytes of what";
	struct built built = mmap2("/usr/bin/sleep", NULL, 77);
	struct map_event event = parsed(&built);

	(void)state;
	assert_int_equal(event.kind, MAP_EVENT_MAPPED);
	assert_int_equal(event.time_ns, 77);
	assert_int_equal(event.pid, 4711);
	assert_int_equal(event.mapping.start, 0x7f0000001000);
	assert_int_equal(event.mapping.end, 0x7f0000004000);
	assert_int_equal(event.mapping.offset, 0x2000);
	assert_int_equal(event.mapping.kind, MAPPING_FILE);
	assert_int_equal(event.mapping.file.major, 8);
	assert_int_equal(event.mapping.file.minor, 1);
	assert_int_equal(event.mapping.file.inode, 1234);
	assert_int_equal(event.mapping.file.generation, 99);
	assert_int_equal(event.mapping.file.build_id_bytes, 0);

	built = mmap2("/tmp/a (deleted)", build_id, 77);
	event = parsed(&built);
	assert_int_equal(event.mapping.kind, MAPPING_FILE);
	assert_int_equal(event.mapping.file.deleted, 1);
	assert_int_equal(event.mapping.file.inode, 0);
	assert_int_equal(event.mapping.file.build_id_bytes, 20);
	assert_memory_equal(event.mapping.file.build_id, build_id, 20);

	built = mmap2("//anon", NULL, 77);
	built.long_words[6] = 0;
	assert_int_equal(parsed(&built).mapping.kind, MAPPING_ANONYMOUS);
	built = mmap2("[vdso]", NULL, 77);
	assert_int_equal(parsed(&built).mapping.kind, MAPPING_VDSO);
	built = mmap2("[uprobes]", NULL, 77);
	assert_int_equal(parsed(&built).mapping.kind, MAPPING_OTHER);
	/* Data, and a process of another pid namespace, are none of our business. */
	built = mmap2("/usr/bin/sleep", NULL, 77);
	built.header.misc = PERF_RECORD_MISC_MMAP_DATA;
	assert_int_equal(parsed(&built).kind, NOTHING);
	built = mmap2("/usr/bin/sleep", NULL, 77);
	built.words[2] = 0;
	assert_int_equal(parsed(&built).kind, NOTHING);
}

static void test_processes(void **state)
{
	struct built built = task(PERF_RECORD_FORK, 20, 10, 20, 5);
	struct map_event event = parsed(&built);

	(void)state;
	assert_int_equal(event.kind, MAP_EVENT_FORKED);
	assert_int_equal(event.pid, 20);
	assert_int_equal(event.parent_pid, 10);
	assert_int_equal(event.time_ns, 5);
	built = task(PERF_RECORD_FORK, 10, 10, 21, 5);
	assert_int_equal(parsed(&built).kind, NOTHING);
	built = task(PERF_RECORD_EXIT, 20, 10, 20, 6);
	event = parsed(&built);
	assert_int_equal(event.kind, MAP_EVENT_EXITED);
	assert_int_equal(event.pid, 20);
	built = task(PERF_RECORD_EXIT, 20, 10, 22, 6);
	assert_int_equal(parsed(&built).kind, NOTHING);
	built = task(PERF_RECORD_EXIT, UINT32_MAX, 10, UINT32_MAX, 6);
	assert_int_equal(parsed(&built).kind, NOTHING);
	built = comm(PERF_RECORD_MISC_COMM_EXEC, 20, 22, 7);
	event = parsed(&built);
	assert_int_equal(event.kind, MAP_EVENT_EXEC);
	assert_int_equal(event.pid, 20);
	built = comm(0, 20, 20, 7);
	assert_int_equal(parsed(&built).kind, NOTHING);
	built = lost(12, 8);
	event = parsed(&built);
	assert_int_equal(event.kind, MAP_EVENT_LOST);
	assert_int_equal(event.lost, 12);
}

/* Each kind of record cut after any of its bytes, its own size telling so. */
static void test_records_that_are_cut(void **state)
{
	const struct built whole[] = {
		mmap2("/usr/lib/x86_64-linux-gnu/libc.so.6", NULL, 1),
		task(PERF_RECORD_FORK, 20, 10, 20, 5),
		task(PERF_RECORD_EXIT, 20, 10, 20, 5),
		comm(PERF_RECORD_MISC_COMM_EXEC, 20, 20, 5),
		lost(12, 5),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(whole) / sizeof(*whole); i++) {
		for (size_t bytes = 0; bytes < whole[i].bytes; bytes++) {
			uint8_t *cut = malloc(bytes + 1);
			struct map_event event;
			struct perf_event_header header;
			int result;

			memcpy(cut, whole[i].data, bytes);
			memcpy(&header, whole[i].data, sizeof(header));
			header.size = (uint16_t)bytes;
			memcpy(cut, &header, bytes < sizeof(header) ? bytes : sizeof(header));
			result = perf_record__parse(cut, bytes, &event);
			/* A path's end goes unnoticed as long as its NUL is there. */
			if (result != -EBADMSG && !(i == 0 && result == 1))
				fail_msg("record %zu cut to %zu bytes: %d", i, bytes, result);
			free(cut);
		}
	}
}

static void test_records_that_lie(void **state)
{
	static const uint8_t build_id[20] = "twenty bytes of what";
	struct map_event event;
	struct built built = mmap2("/usr/bin/sleep", build_id, 1);

	(void)state;
	built.data[40] = 21;
	assert_int_equal(perf_record__parse(built.data, built.bytes, &event), -EBADMSG);
	built = mmap2("/usr/bin/sleep", NULL, 1);
	memset(built.data + 72, 'x', built.bytes - 72 - 16);
	assert_int_equal(perf_record__parse(built.data, built.bytes, &event), -EBADMSG);
	built = mmap2("/usr/bin/sleep", NULL, 1);
	built.long_words[3] = UINT64_MAX - 5;
	assert_int_equal(perf_record__parse(built.data, built.bytes, &event), -EBADMSG);
	built.long_words[3] = 0;
	assert_int_equal(perf_record__parse(built.data, built.bytes, &event), -EBADMSG);
	built = lost(1, 1);
	assert_int_equal(perf_record__parse(built.data, built.bytes - 8, &event), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mappings),
		cmocka_unit_test(test_processes),
		cmocka_unit_test(test_records_that_are_cut),
		cmocka_unit_test(test_records_that_lie),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
