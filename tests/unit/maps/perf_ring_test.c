/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/unit/maps/told.h"

#include <errno.h>

#include "maps/map_order.h"
#include "maps/perf_ring.h"

#define RING_BYTES 4096
#define ROUNDS     20000
#define SEED       20261121
#define NOTHING    99 /* in place of an event's kind */

/* A ring as the kernel would have filled it, on the heap, where the sanitizer sees every byte. */
struct fake {
	struct perf_ring ring;
	uint8_t *data;
	struct map_event last;
	char path[256];
	unsigned int events;
	unsigned int records;
	unsigned int bad;
	int answer;
};

static void setup(struct fake *fake)
{
	*fake = (struct fake){0};
	fake->data = calloc(1, RING_BYTES);
	fake->ring = (struct perf_ring){
		.page = calloc(1, sizeof(struct perf_event_mmap_page)),
		.data = fake->data,
		.bytes = RING_BYTES,
		.whole = malloc(PERF_RECORD_MAX_BYTES),
	};
}

static void teardown(struct fake *fake)
{
	free(fake->ring.page);
	free(fake->ring.whole);
	free(fake->data);
}

static void put(struct fake *fake, const void *record, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		fake->data[(fake->ring.page->data_head + i) % RING_BYTES] =
			((const uint8_t *)record)[i];
	fake->ring.page->data_head += bytes;
}

struct built {
	size_t bytes;
	union {
		struct perf_event_header header;
		uint8_t data[1024];
		uint32_t words[256];
		uint64_t long_words[128];
	};
};

static void append(struct built *built, const void *data, size_t bytes)
{
	memcpy(built->data + built->bytes, data, bytes);
	built->bytes += bytes;
}

static void append32(struct built *built, uint32_t value)
{
	append(built, &value, sizeof(value));
}

static void append64(struct built *built, uint64_t value)
{
	append(built, &value, sizeof(value));
}

static struct built begin(uint32_t type, uint16_t misc)
{
	struct built built = {0};
	const struct perf_event_header header = {.type = type, .misc = misc};

	append(&built, &header, sizeof(header));
	return built;
}

static void finish(struct built *built, uint64_t time_ns)
{
	append32(built, 4711);
	append32(built, 4712);
	append64(built, time_ns);
	built->header.size = (uint16_t)built->bytes;
}

static struct built mmap2(const char *path, const uint8_t *build_id, uint64_t time_ns)
{
	struct built built =
		begin(PERF_RECORD_MMAP2, build_id ? PERF_RECORD_MISC_MMAP_BUILD_ID : 0);
	char padded[256] = "";

	append32(&built, 4711);
	append32(&built, 4712);
	append64(&built, 0x7f0000001000);
	append64(&built, 0x3000);
	append64(&built, 0x2000);
	if (build_id) {
		append32(&built, 20);
		append(&built, build_id, 20);
	} else {
		append32(&built, 8);
		append32(&built, 1);
		append64(&built, *path == '/' ? 1234 : 0);
		append64(&built, 99);
	}
	append32(&built, 5);
	append32(&built, 2);
	snprintf(padded, sizeof(padded), "%s", path);
	append(&built, padded, (strlen(path) + 8) / 8 * 8);
	finish(&built, time_ns);
	return built;
}

static struct built task(uint32_t type, uint32_t pid, uint32_t parent, uint32_t tid,
			 uint64_t time_ns)
{
	struct built built = begin(type, 0);

	append32(&built, pid);
	append32(&built, parent);
	append32(&built, tid);
	append32(&built, parent);
	append64(&built, time_ns);
	finish(&built, time_ns);
	return built;
}

static struct built comm(uint16_t misc, uint32_t pid, uint32_t tid, uint64_t time_ns)
{
	struct built built = begin(PERF_RECORD_COMM, misc);

	append32(&built, pid);
	append32(&built, tid);
	append(&built, "sleep\0\0", 8);
	finish(&built, time_ns);
	return built;
}

static struct built lost(uint64_t count, uint64_t time_ns)
{
	struct built built = begin(PERF_RECORD_LOST, 0);

	append64(&built, 1);
	append64(&built, count);
	finish(&built, time_ns);
	return built;
}

static int on_record(void *context, void *record, size_t bytes)
{
	struct fake *fake = context;
	int result = perf_record__parse(record, bytes, &fake->last);

	fake->records++;
	fake->events += result == 1;
	fake->bad += result < 0;
	if (result == 1 && fake->last.mapping.path) {
		snprintf(fake->path, sizeof(fake->path), "%s", fake->last.mapping.path);
		fake->last.mapping.path = fake->path;
	}
	return fake->answer;
}

static void drain(struct fake *fake)
{
	assert_int_equal(perf_ring__drain(&fake->ring, on_record, fake), 0);
	/* Whatever was in it, it is empty now. */
	assert_int_equal(fake->ring.page->data_tail, fake->ring.page->data_head);
}

static struct map_event parsed(const struct built *built)
{
	struct fake fake;

	setup(&fake);
	put(&fake, built->data, built->bytes);
	drain(&fake);
	assert_int_equal(fake.records, 1);
	assert_int_equal(fake.bad, 0);
	if (fake.events == 0)
		fake.last.kind = NOTHING;
	teardown(&fake);
	return fake.last;
}

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

struct passed {
	uint64_t times[16];
	char paths[16][8];
	size_t count;
};

static int on_event(void *context, const struct map_event *event)
{
	struct passed *passed = context;

	passed->times[passed->count] = event->time_ns;
	snprintf(passed->paths[passed->count++], 8, "%s", event->mapping.path);
	return 0;
}

static void push(struct map_order *order, uint64_t time_ns, const char *path)
{
	struct map_event event = event_of(MAP_EVENT_MAPPED, time_ns, 1);
	char copy[8];

	/* It does not last. */
	snprintf(copy, sizeof(copy), "%s", path);
	event.mapping.path = copy;
	assert_int_equal(map_order__push(order, &event), 0);
	memset(copy, 0, sizeof(copy));
}

static void test_order_by_time_then_arrival(void **state)
{
	struct map_order *order;
	struct passed passed = {0};

	(void)state;
	assert_int_equal(map_order__new(&order), 0);
	push(order, 10, "a");
	push(order, 30, "b");
	push(order, 20, "c");
	push(order, 20, "d");
	assert_int_equal(map_order__peek(order, on_event, &passed), 0);
	assert_int_equal(passed.count, 4);
	assert_string_equal(passed.paths[3], "b");
	passed.count = 0;
	assert_int_equal(map_order__release(order, 20, on_event, &passed), 0);
	assert_int_equal(passed.count, 3);
	assert_string_equal(passed.paths[0], "a");
	assert_string_equal(passed.paths[1], "c");
	assert_string_equal(passed.paths[2], "d");
	assert_int_equal(map_order__waiting(order), 1);
	assert_int_equal(map_order__late(order), 0);
	/* Older than what is gone already: counted, and next. */
	push(order, 19, "e");
	assert_int_equal(map_order__late(order), 1);
	assert_int_equal(map_order__release(order, 40, on_event, &passed), 0);
	assert_string_equal(passed.paths[3], "e");
	assert_string_equal(passed.paths[4], "b");
	map_order__free(order);

	assert_int_equal(map_order__new(&order), 0);
	for (uint64_t i = 0; i < MAP_ORDER_MAX; i++)
		push(order, i, "");
	assert_int_equal(map_order__push(order, &(struct map_event){.time_ns = 1}), -ENOSPC);
	map_order__free(order);
	map_order__free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mappings),
		cmocka_unit_test(test_processes),
		cmocka_unit_test(test_records_that_are_cut),
		cmocka_unit_test(test_records_that_lie),
		cmocka_unit_test(test_records_go_round),
		cmocka_unit_test(test_positions_and_sizes_that_lie),
		cmocka_unit_test(test_a_refusal_ends_the_reading),
		cmocka_unit_test(test_noise),
		cmocka_unit_test(test_order_by_time_then_arrival),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
