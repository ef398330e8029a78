/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>

#include "sample.h"

#define SECOND 1000000000ULL

static void test_round_trip(void **state)
{
	struct sample *sample = *state;
	struct writer *writer = sample__new_writer(sample);

	sample__append(writer, 0, 20000);
	assert_int_equal(writer__events(writer), 20000);
	assert_int_equal(writer__close(writer), 0);
	assert_int_equal(writer__bytes(writer), sample__file_size(sample->path));
	writer__free(writer);
	assert_int_equal(sample__read(sample->path, READER_COMPLETE), 20000);
}

static void test_empty_recording(void **state)
{
	struct sample *sample = *state;
	struct writer *writer = sample__new_writer(sample);

	assert_int_equal(sample__read(sample->path, READER_INCOMPLETE), 0);
	assert_int_equal(writer__flush(writer), 0);
	assert_int_equal(writer__bytes(writer), sizeof(struct trail_file_header));
	assert_int_equal(writer__close(writer), 0);
	writer__free(writer);
	assert_int_equal(sample__read(sample->path, READER_COMPLETE), 0);
	writer__free(NULL);
}

static void test_private_file_replaces_a_regular_one(void **state)
{
	struct sample *sample = *state;
	struct writer *writer;
	struct stat status;
	int fd = open(sample->path, O_WRONLY | O_CREAT, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, "kept", 4), 4);
	close(fd);
	assert_int_equal(link(sample->path, sample->other), 0);
	umask(0);
	writer = sample__new_writer(sample);
	assert_int_equal(stat(sample->path, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	writer__free(writer);
	assert_int_equal(sample__file_size(sample->other), 4);
}

static void assert_refused(const char *path, int err)
{
	struct writer *untouched = (struct writer *)&err;
	struct writer *writer = untouched;

	assert_int_equal(writer__new(&writer, path), err);
	assert_ptr_equal(writer, untouched);
}

static void test_refuses_what_is_no_regular_file(void **state)
{
	struct sample *sample = *state;
	struct stat status;

	assert_int_equal(symlink("b", sample->path), 0);
	assert_refused(sample->path, -EEXIST);
	assert_int_equal(lstat(sample->other, &status), -1); /* not created through the link */
	assert_int_equal(unlink(sample->path), 0);

	assert_int_equal(mkfifo(sample->path, 0600), 0);
	assert_refused(sample->path, -EEXIST);
	assert_refused(sample->folder, -EEXIST);
	assert_refused("/dev/full", -EEXIST);
	assert_refused("/no/such/folder/a.trail", -ENOENT);
	assert_refused("", -ENOENT);
}

static void test_block_is_written_before_it_would_be_too_large(void **state)
{
	struct sample *sample = *state;
	struct writer *writer = sample__new_writer(sample);
	union sample_event event;
	unsigned int count = 0;
	size_t raw = 0;

	for (;; count++) {
		sample_event__make(&event, count);
		if (raw + event.header.size_bytes > TRAIL_BLOCK_RAW_BYTES)
			break;
		raw += event.header.size_bytes;
		assert_int_equal(writer__append(writer, &event.header), 0);
		assert_int_equal(writer__bytes(writer), sizeof(struct trail_file_header));
	}
	assert_int_equal(writer__append(writer, &event.header), 0);
	assert_true(writer__bytes(writer) > sizeof(struct trail_file_header));
	assert_int_equal(sample__read(sample->path, READER_INCOMPLETE), count);
	writer__free(writer);
}

static void test_largest_events(void **state)
{
	static union sample_event event;
	struct sample *sample = *state;
	struct writer *writer = sample__new_writer(sample);
	struct reader *reader;

	/* Four fill a block exactly; not to be compressed, so the stored form is the larger. */
	srandom(1);
	for (size_t i = 0; i < sizeof(event.bytes); i++)
		event.bytes[i] = (char)random();
	event.header = (struct event_header){
		.kind = EVENT_RSS,
		.size_bytes = EVENT_MAX_BYTES,
	};
	for (int i = 0; i < 9; i++)
		assert_int_equal(writer__append(writer, &event.header), 0);
	assert_int_equal(writer__close(writer), 0);
	writer__free(writer);

	assert_int_equal(reader__new(&reader, sample->path), 0);
	for (int i = 0; i < 9; i++)
		assert_memory_equal(reader__next(reader), &event, sizeof(event));
	assert_null(reader__next(reader));
	assert_int_equal(reader__end(reader), READER_COMPLETE);
	reader__free(reader);
}

static void test_tick_writes_what_is_a_second_old(void **state)
{
	struct sample *sample = *state;
	struct writer *writer = sample__new_writer(sample);
	const uint64_t start = sizeof(struct trail_file_header);

	assert_int_equal(writer__tick(writer, 100 * SECOND), 0);
	assert_int_equal(writer__bytes(writer), start);
	sample__append(writer, 0, 2); /* at 1 s and a little */
	assert_int_equal(writer__tick(writer, SECOND / 2), 0);
	assert_int_equal(writer__tick(writer, 2 * SECOND - 1), 0);
	assert_int_equal(writer__bytes(writer), start);
	assert_int_equal(writer__tick(writer, 2 * SECOND), 0);
	assert_true(writer__bytes(writer) > start);
	assert_int_equal(sample__read(sample->path, READER_INCOMPLETE), 2);
	writer__free(writer);
}

static void test_oom_kill_is_written_at_once(void **state)
{
	struct sample *sample = *state;
	struct writer *writer = sample__new_writer(sample);
	union sample_event event = {0};
	struct reader *reader;

	sample__append(writer, 0, 2);
	event.header.kind = EVENT_OOM_KILL;
	event.header.size_bytes = sizeof(event.oom_kill);
	assert_int_equal(writer__append(writer, &event.header), 0);
	sample__append(writer, 2, 1);

	assert_int_equal(reader__new(&reader, sample->path), 0);
	assert_int_equal(reader__next(reader)->kind, EVENT_RSS);
	assert_int_equal(reader__next(reader)->kind, EVENT_RSS);
	assert_int_equal(reader__next(reader)->kind, EVENT_OOM_KILL);
	assert_null(reader__next(reader));
	assert_int_equal(reader__end(reader), READER_INCOMPLETE);
	reader__free(reader);
	writer__free(writer);
}

static void test_sync_makes_readable(void **state)
{
	struct sample *sample = *state;
	struct writer *writer = sample__new_writer(sample);

	sample__append(writer, 0, 5);
	assert_int_equal(writer__sync(writer), 0);
	sample__append(writer, 5, 5);
	assert_int_equal(sample__read(sample->path, READER_INCOMPLETE), 5);
	assert_int_equal(writer__sync(writer), 0);
	assert_int_equal(sample__read(sample->path, READER_INCOMPLETE), 10);
	writer__free(writer);
}

static void test_impossible_event_has_no_consequences(void **state)
{
	struct sample *sample = *state;
	struct writer *writer = sample__new_writer(sample);
	static const uint32_t sizes[] = {0, 8, 17, EVENT_MAX_BYTES + 8};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct event_header event = {.size_bytes = sizes[i], .kind = EVENT_RSS};

		assert_int_equal(writer__append(writer, &event), -EINVAL);
	}
	sample__append(writer, 0, 1);
	assert_int_equal(writer__events(writer), 1);
	assert_int_equal(writer__close(writer), 0);
	writer__free(writer);
	assert_int_equal(sample__read(sample->path, READER_COMPLETE), 1);
}

static void test_nothing_follows_the_close(void **state)
{
	struct sample *sample = *state;
	struct writer *writer = sample__new_writer(sample);
	struct event_header event = {.size_bytes = sizeof(event), .kind = EVENT_OPENED};

	assert_int_equal(writer__close(writer), 0);
	assert_int_equal(writer__append(writer, &event), -ESHUTDOWN);
	assert_int_equal(writer__flush(writer), -ESHUTDOWN);
	assert_int_equal(writer__close(writer), -ESHUTDOWN);
	writer__free(writer);
	assert_int_equal(sample__read(sample->path, READER_COMPLETE), 0);
}

/* A file size limit fails a write in its middle, as a full disk does. */
static void test_full_disk_leaves_whole_blocks(void **state)
{
	struct sample *sample = *state;
	struct writer *writer = sample__new_writer(sample);
	struct rlimit before, limit;
	struct event_header event = {.size_bytes = sizeof(event), .kind = EVENT_OPENED};
	uint64_t bytes;

	sample__append(writer, 0, 1000);
	assert_int_equal(writer__flush(writer), 0);
	bytes = writer__bytes(writer);
	sample__append(writer, 1000, 1000);

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	limit = before;
	limit.rlim_cur = bytes + 100;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	assert_int_equal(writer__flush(writer), -EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);

	assert_int_equal(sample__file_size(sample->path), bytes);
	assert_int_equal(writer__bytes(writer), bytes);
	assert_int_equal(writer__append(writer, &event), -EFBIG);
	assert_int_equal(writer__tick(writer, UINT64_MAX), -EFBIG);
	assert_int_equal(writer__sync(writer), -EFBIG);
	assert_int_equal(writer__close(writer), -EFBIG);
	writer__free(writer);
	assert_int_equal(sample__read(sample->path, READER_INCOMPLETE), 1000);
}

static void test_no_room_for_the_file_header(void **state)
{
	struct sample *sample = *state;
	struct rlimit before, limit;

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	limit = before;
	limit.rlim_cur = 10;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	assert_refused(sample->path, -EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(access(sample->path, F_OK), -1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, sample__setup, sample__teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_round_trip),
		TEST(test_empty_recording),
		TEST(test_private_file_replaces_a_regular_one),
		TEST(test_refuses_what_is_no_regular_file),
		TEST(test_block_is_written_before_it_would_be_too_large),
		TEST(test_largest_events),
		TEST(test_tick_writes_what_is_a_second_old),
		TEST(test_oom_kill_is_written_at_once),
		TEST(test_sync_makes_readable),
		TEST(test_impossible_event_has_no_consequences),
		TEST(test_nothing_follows_the_close),
		TEST(test_full_disk_leaves_whole_blocks),
		TEST(test_no_room_for_the_file_header),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
