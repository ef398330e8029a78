/* SPDX-License-Identifier: GPL-2.0-only */

/*
 * libFuzzer target: whole files. The mutator keeps checksums right, inflates blocks to change what
 * is inside and deflates them again; without that nothing behind the first checksum is reached.
 */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <zlib.h>

#include "recording/format.h"
#include "recording/reader.h"
#include "tests/fuzz/judge.h"
#include "tests/fuzz/mend.h"

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool promise)
{
	if (!promise)
		abort();
}

static void read_file(const char *path, size_t size)
{
	const struct event_header *event;
	struct judge *judge;
	struct reader *reader;
	uint64_t events = 0;

	if (reader__new(&reader, path)) {
		require(*reader__why(reader));
		require(!reader__next(reader));
		reader__free(reader);
		return;
	}
	judge = judge__new();
	while ((event = reader__next(reader))) {
		require(event__check(event, event->size_bytes) == 0);
		judge__event(judge, event);
		events++;
	}
	require(reader__end(reader) != READER_GOING);
	require((reader__end(reader) == READER_COMPLETE) == !*reader__why(reader));
	require(reader__events(reader) == events);
	require(reader__bytes(reader) + reader__torn_bytes(reader) == size);
	reader__free(reader);
	judge__finish(judge);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char path[64];
	static int fd = -1;

	if (fd < 0) {
		fd = memfd_create("recording", MFD_CLOEXEC);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	}
	require(ftruncate(fd, 0) == 0);
	require(pwrite(fd, data, size, 0) == (ssize_t)size);
	read_file(path, size);
	return 0;
}

/* --- mutation ------------------------------------------------------------------------------- */

/* Sets the checksum of the block at `data`, of which `size` bytes are there. Returns its length,
 * 0 when there is no whole block. */
static size_t seal_block(uint8_t *data, size_t size)
{
	struct trail_block_header header;
	uLong crc;

	if (size < sizeof(header))
		return 0;
	memcpy(&header, data, sizeof(header));
	if (header.stored_bytes > size - sizeof(header))
		return 0;
	header.crc32 = 0;
	crc = crc32(0, (const Bytef *)&header, sizeof(header));
	if (header.stored_bytes > 0)
		crc = crc32(crc, data + sizeof(header), header.stored_bytes);
	header.crc32 = (__u32)crc;
	memcpy(data, &header, sizeof(header));
	return sizeof(header) + header.stored_bytes;
}

static void seal_file(uint8_t *data, size_t size)
{
	struct trail_file_header header;
	size_t at, length;

	if (size < sizeof(header))
		return;
	memcpy(&header, data, sizeof(header));
	if (header.header_bytes < sizeof(header) || header.header_bytes > size)
		return;
	memset(data + offsetof(struct trail_file_header, crc32), 0, sizeof(__u32));
	header.crc32 = (__u32)crc32(0, data, header.header_bytes);
	memcpy(data, &header, sizeof(header));
	for (at = header.header_bytes; (length = seal_block(data + at, size - at)); at += length)
		;
}

/* Changes the events inside the block at `at`. Returns the file's new size, 0 when that block is
 * none that could be inflated or the result has no room. */
static size_t mutate_inside(uint8_t *data, size_t size, size_t max_size, size_t at,
			    unsigned int seed)
{
	static uint8_t raw[TRAIL_BLOCK_RAW_BYTES];
	static uint8_t stored[TRAIL_BLOCK_RAW_BYTES + 4096];
	struct trail_block_header header;
	uLongf raw_bytes = sizeof(raw);
	uLongf stored_bytes = sizeof(stored);
	size_t behind;

	memcpy(&header, data + at, sizeof(header));
	behind = at + sizeof(header) + header.stored_bytes;
	if (header.kind != TRAIL_BLOCK_EVENTS ||
	    uncompress(raw, &raw_bytes, data + at + sizeof(header), header.stored_bytes) != Z_OK)
		return 0;
	raw_bytes = LLVMFuzzerMutate(raw, raw_bytes, sizeof(raw));
	if (seed % 8)
		raw_bytes = mend_events(raw, raw_bytes, seed / 8);
	if (compress2(stored, &stored_bytes, raw, raw_bytes, 1) != Z_OK ||
	    size - header.stored_bytes + stored_bytes > max_size)
		return 0;
	memmove(data + at + sizeof(header) + stored_bytes, data + behind, size - behind);
	memcpy(data + at + sizeof(header), stored, stored_bytes);
	size = size - header.stored_bytes + stored_bytes;
	header.raw_bytes = (__u32)raw_bytes;
	header.stored_bytes = (__u32)stored_bytes;
	memcpy(data + at, &header, sizeof(header));
	return size;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
	size_t at = sizeof(struct trail_file_header);
	size_t length, changed = 0;

	for (unsigned int skip = seed / 4 % 4; seed % 4 && at < size; skip--) {
		length = seal_block(data + at, size - at);
		if (!length)
			break;
		if (skip == 0) {
			changed = mutate_inside(data, size, max_size, at, seed / 16);
			break;
		}
		at += length;
	}
	if (!changed)
		changed = LLVMFuzzerMutate(data, size, max_size);
	if (seed % 64)
		seal_file(data, changed);
	return changed;
}
