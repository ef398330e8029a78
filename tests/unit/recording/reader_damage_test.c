/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>

#include "sample.h"

/* Real recordings, damaged. */

#define BLOCKS        4
#define BLOCK_EVENTS  5
#define SAMPLE_EVENTS (BLOCKS * BLOCK_EVENTS)

struct image {
	unsigned char bytes[16384];
	size_t size;
	size_t block_at[BLOCKS + 2]; /* offsets of the blocks, of the closing one and the end */
};

/* A closed recording of BLOCKS small blocks. */
static void image__make(struct image *image, const struct sample *sample)
{
	struct writer *writer = sample__new_writer(sample);
	int fd;

	for (unsigned int i = 0; i < BLOCKS; i++) {
		image->block_at[i] = writer__bytes(writer);
		sample__append(writer, i * BLOCK_EVENTS, BLOCK_EVENTS);
		assert_int_equal(writer__flush(writer), 0);
	}
	image->block_at[BLOCKS] = writer__bytes(writer);
	assert_int_equal(writer__close(writer), 0);
	image->block_at[BLOCKS + 1] = writer__bytes(writer);
	writer__free(writer);

	fd = open(sample->path, O_RDONLY);
	image->size = (size_t)read(fd, image->bytes, sizeof(image->bytes));
	close(fd);
	assert_int_equal(image->size, image->block_at[BLOCKS + 1]);
}

static void test_every_prefix_loses_only_its_last_block(void **state)
{
	struct sample *sample = *state;
	static struct image image;

	image__make(&image, sample);
	for (size_t size = 0; size < image.size; size++) {
		unsigned int whole = 0;

		sample__write_file(sample->path, image.bytes, size);
		if (size < sizeof(struct trail_file_header)) {
			sample__assert_not_opened(sample->path, -EINVAL, "shorter than the header");
			continue;
		}
		while (whole < BLOCKS && image.block_at[whole + 1] <= size)
			whole++;
		if (size == image.block_at[whole])
			assert_int_equal(sample__read(sample->path, READER_INCOMPLETE),
					 whole * BLOCK_EVENTS);
		else
			assert_int_equal(sample__read_torn(sample->path, image.block_at[whole],
							   size - image.block_at[whole]),
					 whole * BLOCK_EVENTS);
	}
}

static void test_every_flipped_bit_is_found(void **state)
{
	struct sample *sample = *state;
	static struct image image;

	image__make(&image, sample);
	for (size_t bit = 0; bit < image.size * 8; bit += 3) {
		size_t at = bit / 8;
		unsigned int whole = 0;

		image.bytes[at] ^= (unsigned char)(1 << bit % 8);
		sample__write_file(sample->path, image.bytes, image.size);
		image.bytes[at] ^= (unsigned char)(1 << bit % 8);
		if (at < sizeof(struct trail_file_header)) {
			sample__assert_not_opened(sample->path, -EINVAL, "");
			continue;
		}
		while (whole < BLOCKS && image.block_at[whole + 1] <= at)
			whole++;
		assert_int_equal(sample__read_torn(sample->path, image.block_at[whole],
						   image.size - image.block_at[whole]),
				 whole * BLOCK_EVENTS);
	}
}

static void test_missing_block_ends_the_reading(void **state)
{
	struct sample *sample = *state;
	static struct image image;
	size_t from, to;

	image__make(&image, sample);
	from = image.block_at[1];
	to = image.block_at[2];
	memmove(image.bytes + from, image.bytes + to, image.size - to);
	sample__write_file(sample->path, image.bytes, image.size - (to - from));
	assert_int_equal(sample__read_torn(sample->path, from, image.size - to), BLOCK_EVENTS);

	/* The last one missing: only the closing block knows. */
	image__make(&image, sample);
	from = image.block_at[BLOCKS - 1];
	to = image.block_at[BLOCKS];
	memmove(image.bytes + from, image.bytes + to, image.size - to);
	sample__write_file(sample->path, image.bytes, image.size - (to - from));
	assert_int_equal(sample__read_torn(sample->path, from, image.size - to),
			 SAMPLE_EVENTS - BLOCK_EVENTS);
}

static void test_bytes_behind_the_close(void **state)
{
	struct sample *sample = *state;
	static struct image image;

	image__make(&image, sample);
	image.bytes[image.size] = 0;
	sample__write_file(sample->path, image.bytes, image.size + 1);
	assert_int_equal(sample__read_torn(sample->path, image.size, 1), SAMPLE_EVENTS);
}

static void test_repeated_block(void **state)
{
	struct sample *sample = *state;
	static struct image image;

	image__make(&image, sample);
	memcpy(image.bytes + image.block_at[BLOCKS], image.bytes + image.block_at[0], 40);
	sample__write_file(sample->path, image.bytes, image.block_at[BLOCKS] + 40);
	assert_int_equal(sample__read_torn(sample->path, image.block_at[BLOCKS], 40),
			 SAMPLE_EVENTS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, sample__setup, sample__teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_every_prefix_loses_only_its_last_block),
		TEST(test_every_flipped_bit_is_found),
		TEST(test_missing_block_ends_the_reading),
		TEST(test_bytes_behind_the_close),
		TEST(test_repeated_block),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
