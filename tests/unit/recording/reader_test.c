/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>

#include <zlib.h>

#include "sample.h"

/* Crafted recordings, every checksum right. */

struct crafted {
	unsigned char bytes[400000];
	size_t size;
};

static void crafted__file_header(struct crafted *crafted, struct trail_file_header header,
				 size_t size)
{
	memset(crafted->bytes, 0, size);
	header.crc32 = 0;
	memcpy(crafted->bytes, &header, sizeof(header));
	header.crc32 = (__u32)crc32(0, crafted->bytes, (uInt)size);
	memcpy(crafted->bytes, &header, sizeof(header));
	crafted->size = size;
}

static void crafted__start(struct crafted *crafted)
{
	struct trail_file_header header = {
		.magic = TRAIL_MAGIC,
		.version = TRAIL_VERSION,
		.header_bytes = sizeof(header),
	};

	crafted__file_header(crafted, header, sizeof(header));
}

static void crafted__block(struct crafted *crafted, struct trail_block_header header,
			   const void *stored, size_t size)
{
	unsigned char *at = crafted->bytes + crafted->size;
	uLong crc;

	if (!header.magic)
		header.magic = TRAIL_BLOCK_MAGIC;
	if (!header.version)
		header.version = TRAIL_VERSION;
	header.crc32 = 0;
	crc = crc32(0, (const Bytef *)&header, sizeof(header));
	if (size > 0)
		crc = crc32(crc, stored, (uInt)size);
	header.crc32 = (__u32)crc;
	memcpy(at, &header, sizeof(header));
	if (size > 0)
		memcpy(at + sizeof(header), stored, size);
	crafted->size += sizeof(header) + size;
}

/* An intact block around `size` bytes that pass for `events` events. */
static void crafted__events(struct crafted *crafted, const void *raw, size_t size,
			    uint64_t first_event, uint32_t events)
{
	static unsigned char stored[300000];
	uLongf stored_bytes = sizeof(stored);

	assert_int_equal(compress(stored, &stored_bytes, raw, size), Z_OK);
	crafted__block(crafted,
		       (struct trail_block_header){
			       .kind = TRAIL_BLOCK_EVENTS,
			       .raw_bytes = (__u32)size,
			       .stored_bytes = (__u32)stored_bytes,
			       .first_event = first_event,
			       .events = events,
		       },
		       stored, stored_bytes);
}

/* One block of `raw` alone must be refused, whatever else is right about it. */
static void assert_torn(const struct sample *sample, const struct crafted *crafted)
{
	sample__write_file(sample->path, crafted->bytes, crafted->size);
	assert_int_equal(sample__read_torn(sample->path, sizeof(struct trail_file_header),
					   crafted->size - sizeof(struct trail_file_header)),
			 0);
}

static void assert_block_torn(const struct sample *sample, const void *raw, size_t size,
			      uint32_t events)
{
	static struct crafted crafted;

	crafted__start(&crafted);
	crafted__events(&crafted, raw, size, 0, events);
	assert_torn(sample, &crafted);
}

static void test_lengths_beyond_the_limits(void **state)
{
	static struct crafted crafted;
	const struct trail_block_header headers[] = {
		{.kind = 1, .raw_bytes = TRAIL_MAX_RAW_BYTES + 1, .stored_bytes = 16},
		{.kind = 1, .raw_bytes = UINT32_MAX, .stored_bytes = 16},
		{.kind = 1, .raw_bytes = 16, .stored_bytes = TRAIL_MAX_STORED_BYTES + 1},
		{.kind = 1, .raw_bytes = 16, .stored_bytes = UINT32_MAX},
		{.kind = 1, .raw_bytes = UINT32_MAX, .stored_bytes = UINT32_MAX},
		{.kind = 1, .raw_bytes = 16, .stored_bytes = 4096},
		{.kind = 9, .raw_bytes = 0, .stored_bytes = UINT32_MAX},
		{.kind = 9, .raw_bytes = UINT32_MAX, .stored_bytes = 16},
		{.kind = 2, .raw_bytes = 0, .stored_bytes = 16},
		{.kind = 2, .raw_bytes = 8, .stored_bytes = 0},
		{.kind = 2, .events = 1},
		{.kind = 1, .stored_bytes = 16, .version = TRAIL_VERSION + 1},
		{.kind = 1, .stored_bytes = 16, .magic = 1},
	};

	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		crafted__start(&crafted);
		crafted__block(&crafted, headers[i], "0123456789abcdef", 16);
		assert_torn(*state, &crafted);
	}
}

static void test_data_that_does_not_inflate(void **state)
{
	static struct crafted crafted;
	struct trail_block_header header = {
		.kind = TRAIL_BLOCK_EVENTS,
		.raw_bytes = 16,
		.stored_bytes = 16,
		.events = 1,
	};

	crafted__start(&crafted);
	crafted__block(&crafted, header, "0123456789abcdef", 16);
	assert_torn(*state, &crafted);
	header.stored_bytes = 0;
	crafted__start(&crafted);
	crafted__block(&crafted, header, "", 0);
	assert_torn(*state, &crafted);
}

/* 64 MiB in 64 KiB; the header says 1 MiB, 16 bytes, nothing. */
static void test_zip_bomb(void **state)
{
	static struct crafted crafted;
	static const __u32 claims[] = {TRAIL_MAX_RAW_BYTES, 16, 0};
	const size_t size = 64 << 20;
	unsigned char *bomb = calloc(1, size);
	uLongf stored_bytes = compressBound(size);
	unsigned char *stored = malloc(stored_bytes);

	assert_int_equal(compress2(stored, &stored_bytes, bomb, size, 9), Z_OK);
	assert_true(stored_bytes < sizeof(crafted.bytes) - 100);
	for (size_t i = 0; i < sizeof(claims) / sizeof(claims[0]); i++) {
		crafted__start(&crafted);
		crafted__block(&crafted,
			       (struct trail_block_header){
				       .kind = TRAIL_BLOCK_EVENTS,
				       .raw_bytes = claims[i],
				       .stored_bytes = (__u32)stored_bytes,
			       },
			       stored, stored_bytes);
		assert_torn(*state, &crafted);
	}
	free(stored);
	free(bomb);
}

static void test_raw_length_must_be_right(void **state)
{
	static struct crafted crafted;
	union sample_event event;
	struct trail_block_header *header = (void *)(crafted.bytes + 24);
	static const int errors[] = {-8, 8};

	sample_event__make(&event, 0);
	for (size_t i = 0; i < 2; i++) {
		struct trail_block_header wrong;
		unsigned char stored[1024];

		crafted__start(&crafted);
		crafted__events(&crafted, &event, event.header.size_bytes, 0, 1);
		wrong = *header;
		wrong.raw_bytes += (__u32)errors[i];
		memcpy(stored, header + 1, wrong.stored_bytes);
		crafted__start(&crafted);
		crafted__block(&crafted, wrong, stored, wrong.stored_bytes);
		assert_torn(*state, &crafted);
	}
}

static void test_malformed_events(void **state)
{
	static const uint32_t sizes[] = {0, 8, 12, 96, 100, 112, EVENT_MAX_BYTES + 8, UINT32_MAX};
	union sample_event event;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		sample_event__make(&event, 0);
		event.header.size_bytes = sizes[i];
		assert_block_torn(*state, &event, sizeof(event.rss), 1);
	}
	sample_event__make(&event, 3);
	event.exec.argv_bytes = 4000;
	assert_block_torn(*state, &event, event.header.size_bytes, 1);
	/* The count in the header, and a stray word behind the last event. */
	sample_event__make(&event, 0);
	assert_block_torn(*state, &event, sizeof(event.rss), 0);
	assert_block_torn(*state, &event, sizeof(event.rss), 2);
	assert_block_torn(*state, &event, sizeof(event.rss) + 8, 1);
	assert_block_torn(*state, &event, sizeof(event.rss) + 4, 1);
	assert_block_torn(*state, &event, 8, 1);
}

static void test_a_malformed_event_voids_its_block_only(void **state)
{
	struct sample *sample = *state;
	static struct crafted crafted;
	union sample_event event;
	struct event_rss pair[2];
	size_t second;

	sample_event__make(&event, 0);
	pair[0] = event.rss;
	sample_event__make(&event, 1);
	pair[1] = event.rss;
	crafted__start(&crafted);
	crafted__events(&crafted, pair, sizeof(pair), 0, 2);
	second = crafted.size;
	pair[1].header.size_bytes = 24;
	crafted__events(&crafted, pair, sizeof(pair), 2, 2);
	sample__write_file(sample->path, crafted.bytes, crafted.size);
	assert_int_equal(sample__read_torn(sample->path, second, crafted.size - second), 2);
}

static void test_unknown_kinds_are_passed_over(void **state)
{
	struct sample *sample = *state;
	static struct crafted crafted;
	struct reader *reader;
	struct {
		struct event_header unknown;
		__u64 payload;
		struct event_rss rss;
		struct event_header last;
	} raw = {
		.unknown = {.size_bytes = 24, .kind = 60},
		.rss.header = {.size_bytes = sizeof(raw.rss), .kind = EVENT_RSS, .time_ns = 5},
		.last = {.size_bytes = 16, .kind = 60000},
	};

	crafted__start(&crafted);
	crafted__events(&crafted, &raw, sizeof(raw), 0, 3);
	crafted__block(&crafted,
		       (struct trail_block_header){.kind = 77, .stored_bytes = 5, .events = 9},
		       "later", 5);
	crafted__events(&crafted, &raw, sizeof(raw), 3, 3);
	crafted__block(&crafted,
		       (struct trail_block_header){.kind = TRAIL_BLOCK_CLOSE, .first_event = 6}, "",
		       0);
	sample__write_file(sample->path, crafted.bytes, crafted.size);
	assert_int_equal(reader__new(&reader, sample->path), 0);
	assert_int_equal(reader__next(reader)->time_ns, 5);
	assert_int_equal(reader__next(reader)->time_ns, 5);
	assert_null(reader__next(reader));
	assert_int_equal(reader__end(reader), READER_COMPLETE);
	assert_int_equal(reader__events(reader), 2);
	assert_int_equal(reader__unknown(reader), 4);
	assert_int_equal(reader__bytes(reader), crafted.size);
	assert_int_equal(reader__torn_bytes(reader), 0);
	reader__free(reader);
}

static void test_events_may_be_longer_than_their_struct(void **state)
{
	struct sample *sample = *state;
	static struct crafted crafted;
	struct reader *reader;
	union sample_event event;

	sample_event__make(&event, 0);
	event.header.size_bytes = sizeof(event.rss) + 64;
	crafted__start(&crafted);
	crafted__events(&crafted, &event, event.header.size_bytes, 0, 1);
	sample__write_file(sample->path, crafted.bytes, crafted.size);
	assert_int_equal(reader__new(&reader, sample->path), 0);
	assert_int_equal(reader__next(reader)->size_bytes, sizeof(event.rss) + 64);
	assert_null(reader__next(reader));
	assert_int_equal(reader__end(reader), READER_INCOMPLETE);
	reader__free(reader);
}

static void test_file_headers(void **state)
{
	struct sample *sample = *state;
	static struct crafted crafted;
	struct trail_file_header header = {
		.magic = TRAIL_MAGIC,
		.version = TRAIL_VERSION,
		.header_bytes = 4096,
	};
	static const __u32 wrong[] = {0, 23, 4097, UINT32_MAX};

	/* A longer header of the same version is passed over. */
	crafted__file_header(&crafted, header, 4096);
	sample__write_file(sample->path, crafted.bytes, crafted.size);
	assert_int_equal(sample__read(sample->path, READER_INCOMPLETE), 0);
	sample__write_file(sample->path, crafted.bytes, crafted.size - 1);
	sample__assert_not_opened(sample->path, -EINVAL, "damaged header");

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		header.header_bytes = wrong[i];
		crafted__file_header(&crafted, header, sizeof(header));
		sample__write_file(sample->path, crafted.bytes, crafted.size);
		sample__assert_not_opened(sample->path, -EINVAL, "damaged header");
	}
	header.header_bytes = sizeof(header);
	header.version = TRAIL_VERSION + 1;
	crafted__file_header(&crafted, header, sizeof(header));
	sample__write_file(sample->path, crafted.bytes, crafted.size);
	sample__assert_not_opened(sample->path, -EINVAL, "newer");
	header.version = 0;
	crafted__file_header(&crafted, header, sizeof(header));
	sample__write_file(sample->path, crafted.bytes, crafted.size);
	sample__assert_not_opened(sample->path, -EINVAL, "damaged header");
}

static void test_what_is_no_recording(void **state)
{
	struct sample *sample = *state;
	char text[4096];

	memset(text, 'x', sizeof(text));
	sample__write_file(sample->path, text, sizeof(text));
	sample__assert_not_opened(sample->path, -EINVAL, "is not a recording");
	sample__write_file(sample->path, "", 0);
	sample__assert_not_opened(sample->path, -EINVAL, "shorter than the header");
	sample__assert_not_opened(sample->other, -ENOENT, "No such file");
	assert_int_equal(mkfifo(sample->other, 0600), 0);
	sample__assert_not_opened(sample->other, -EINVAL,
				  "not a regular file"); /* and does not wait */
	sample__assert_not_opened(sample->folder, -EISDIR, "directory");
	sample__assert_not_opened("/dev/zero", -EINVAL, "not a regular file");
	reader__free(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, sample__setup, sample__teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_lengths_beyond_the_limits),
		TEST(test_data_that_does_not_inflate),
		TEST(test_zip_bomb),
		TEST(test_raw_length_must_be_right),
		TEST(test_malformed_events),
		TEST(test_a_malformed_event_voids_its_block_only),
		TEST(test_unknown_kinds_are_passed_over),
		TEST(test_events_may_be_longer_than_their_struct),
		TEST(test_file_headers),
		TEST(test_what_is_no_recording),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
