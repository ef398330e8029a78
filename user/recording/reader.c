/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zlib.h>

#include "base/cleanup.h"
#include "recording/format.h"
#include "recording/reader.h"

#define HEADER_MAX_BYTES 4096

/* A buffer that grows to the largest block seen; the callers have checked what they ask for. */
struct block_buffer {
	unsigned char *data;
	size_t capacity;
};

struct reader {
	int fd;
	enum reader_end end;
	uint64_t position; /* behind the last intact block */
	uint64_t torn_bytes;
	uint64_t numbered; /* events in the blocks so far, by their headers */
	uint64_t returned;
	uint64_t unknown;
	bool inflater_ready;
	z_stream inflater;
	struct block_buffer stored;
	struct block_buffer raw; /* of the current block */
	size_t raw_bytes;
	size_t raw_at; /* of the next event in it */
	char why[160];
};

static int block_buffer__reserve(struct block_buffer *buffer, size_t size)
{
	unsigned char *data;

	if (size <= buffer->capacity)
		return 0;
	data = realloc(buffer->data, size);
	if (!data)
		return -ENOMEM;
	buffer->data = data;
	buffer->capacity = size;
	return 0;
}

__attribute__((format(printf, 2, 3))) static void reader__explain(struct reader *reader,
								  const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(reader->why, sizeof(reader->why), format, arguments);
	va_end(arguments);
}

/* Reads up to `size` bytes; fewer only at the end of the file. */
static ssize_t reader__pread(const struct reader *reader, void *data, size_t size, uint64_t offset)
{
	size_t done = 0;

	while (done < size) {
		ssize_t got =
			pread(reader->fd, (char *)data + done, size - done, (off_t)(offset + done));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		done += (size_t)got;
	}
	return (ssize_t)done;
}

static int reader__open(struct reader *reader, const char *path)
{
	struct stat status;

	/* O_NONBLOCK: opening a FIFO that nobody writes to would wait for ever. */
	reader->fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (reader->fd < 0 || fstat(reader->fd, &status) < 0) {
		int err = -errno;

		reader__explain(reader, "cannot be opened: %s", strerror(-err));
		return err;
	}
	if (S_ISREG(status.st_mode))
		return 0;
	reader__explain(reader, S_ISDIR(status.st_mode) ? "is a directory, not a recording"
							: "is not a regular file");
	return S_ISDIR(status.st_mode) ? -EISDIR : -EINVAL;
}

/* crc32() of the bytes with the four at `crc_offset` taken as zero. */
static uint32_t crc_without_itself(unsigned char *data, size_t size, size_t crc_offset)
{
	memset(data + crc_offset, 0, sizeof(__u32));
	return (uint32_t)crc32(0, data, (uInt)size);
}

static int reader__read_file_header(struct reader *reader)
{
	unsigned char bytes[HEADER_MAX_BYTES];
	struct trail_file_header header;
	ssize_t got = reader__pread(reader, bytes, sizeof(bytes), 0);

	if (got < 0) {
		reader__explain(reader, "cannot be read: %s", strerror((int)-got));
		return (int)got;
	}
	if ((size_t)got < sizeof(header)) {
		reader__explain(reader, "is shorter than the header of a recording");
		return -EINVAL;
	}
	memcpy(&header, bytes, sizeof(header));
	if (header.magic != TRAIL_MAGIC) {
		reader__explain(reader, "is not a recording of oomtrail");
		return -EINVAL;
	}
	if (header.version > TRAIL_VERSION) {
		reader__explain(reader,
				"has format version %u, written by a newer oomtrail; "
				"this one reads up to version %u",
				header.version, TRAIL_VERSION);
		return -EINVAL;
	}
	if (header.version == 0 || header.header_bytes < sizeof(header) ||
	    header.header_bytes > (size_t)got ||
	    crc_without_itself(bytes, header.header_bytes,
			       offsetof(struct trail_file_header, crc32)) != header.crc32) {
		reader__explain(reader, "has a damaged header");
		return -EINVAL;
	}
	reader->position = header.header_bytes;
	return 0;
}

int reader__new(struct reader **out, const char *path)
{
	struct reader *reader = calloc(1, sizeof(*reader));
	int err;

	if (!reader) {
		*out = NULL;
		return -ENOMEM;
	}
	*out = reader;
	reader->fd = -1;
	err = reader__open(reader, path);
	if (!err)
		err = reader__read_file_header(reader);
	if (err) {
		reader->end = READER_TORN;
		return err;
	}
	if (inflateInit(&reader->inflater) != Z_OK) {
		reader__free(reader);
		*out = NULL;
		return -ENOMEM;
	}
	reader->inflater_ready = true;
	return 0;
}

/* Everything behind the last intact block is lost. */
static int reader__tear(struct reader *reader)
{
	struct stat status;

	reader->end = READER_TORN;
	if (fstat(reader->fd, &status) == 0 && (uint64_t)status.st_size > reader->position)
		reader->torn_bytes = (uint64_t)status.st_size - reader->position;
	return -EBADMSG;
}

static bool block_header__plausible(const struct trail_block_header *header)
{
	if (header->magic != TRAIL_BLOCK_MAGIC || header->version == 0 ||
	    header->version > TRAIL_VERSION)
		return false;
	if (header->kind == TRAIL_BLOCK_CLOSE)
		return header->raw_bytes == 0 && header->stored_bytes == 0 && header->events == 0;
	return header->raw_bytes <= TRAIL_MAX_RAW_BYTES &&
	       header->stored_bytes <= TRAIL_MAX_STORED_BYTES;
}

/* The header and the stored bytes of the next block, checked by their CRC; 1, 0 at the end of the
 * file, or -errno when torn. */
static int reader__load_block(struct reader *reader, struct trail_block_header *header)
{
	unsigned char bytes[sizeof(*header)];
	uint64_t offset = reader->position;
	ssize_t got = reader__pread(reader, bytes, sizeof(bytes), offset);
	uint32_t crc;

	if (got == 0)
		return 0;
	if (got < 0) {
		reader__explain(reader, "could not be read further: %s", strerror((int)-got));
		return reader__tear(reader);
	}
	memcpy(header, bytes, sizeof(*header));
	if ((size_t)got < sizeof(bytes)) {
		reader__explain(reader, "ends inside the header of a block");
		return reader__tear(reader);
	}
	if (!block_header__plausible(header)) {
		reader__explain(reader, "has a damaged block header at byte %llu",
				(unsigned long long)offset);
		return reader__tear(reader);
	}
	if (block_buffer__reserve(&reader->stored, header->stored_bytes)) {
		reader__explain(reader, "could not be read further: %s", strerror(ENOMEM));
		return reader__tear(reader);
	}
	got = reader__pread(reader, reader->stored.data, header->stored_bytes,
			    offset + sizeof(bytes));
	if (got != (ssize_t)header->stored_bytes) {
		reader__explain(reader, "ends inside a block");
		return reader__tear(reader);
	}
	crc = crc_without_itself(bytes, sizeof(bytes), offsetof(struct trail_block_header, crc32));
	/* crc32() takes a NULL buffer for the start of a new sum. */
	if (header->stored_bytes > 0)
		crc = (uint32_t)crc32(crc, reader->stored.data, header->stored_bytes);
	if (crc != header->crc32) {
		reader__explain(reader, "has a damaged block at byte %llu (checksum)",
				(unsigned long long)offset);
		return reader__tear(reader);
	}
	return 1;
}

/* Inflates into exactly raw_bytes: more output than the header admits to is an error, however
 * little input it comes from. */
static bool reader__inflate(struct reader *reader, const struct trail_block_header *header)
{
	z_stream *inflater = &reader->inflater;

	if (block_buffer__reserve(&reader->raw, header->raw_bytes ? header->raw_bytes : 8))
		return false;
	inflateReset(inflater);
	inflater->next_in = reader->stored.data;
	inflater->avail_in = header->stored_bytes;
	inflater->next_out = reader->raw.data;
	inflater->avail_out = header->raw_bytes;
	return inflate(inflater, Z_FINISH) == Z_STREAM_END && inflater->avail_in == 0 &&
	       inflater->avail_out == 0;
}

/* A block counts as a whole or not at all, so all its events are checked before the first is
 * returned. */
static bool block__check(const unsigned char *raw, size_t size, uint32_t events)
{
	uint32_t seen = 0;

	for (size_t at = 0; at < size; seen++) {
		const struct event_header *event = (const void *)(raw + at);

		if (event__check(event, size - at) == -EBADMSG)
			return false;
		at += event->size_bytes;
	}
	return seen == events;
}

static int reader__accept_events(struct reader *reader, const struct trail_block_header *header)
{
	if (header->first_event != reader->numbered) {
		reader__explain(reader, "lacks events: %llu expected, %llu found at byte %llu",
				(unsigned long long)reader->numbered,
				(unsigned long long)header->first_event,
				(unsigned long long)reader->position);
		return reader__tear(reader);
	}
	if (!reader__inflate(reader, header) ||
	    !block__check(reader->raw.data, header->raw_bytes, header->events)) {
		reader__explain(reader, "has a malformed block at byte %llu",
				(unsigned long long)reader->position);
		return reader__tear(reader);
	}
	reader->numbered += header->events;
	reader->raw_bytes = header->raw_bytes;
	reader->raw_at = 0;
	return 0;
}

/* The closing block must be the last thing in the file, and know how many events there are. */
static int reader__accept_close(struct reader *reader, const struct trail_block_header *header)
{
	char more;

	if (header->first_event != reader->numbered) {
		reader__explain(reader, "lacks events: %llu were written, %llu are there",
				(unsigned long long)header->first_event,
				(unsigned long long)reader->numbered);
		return reader__tear(reader);
	}
	reader->position += sizeof(*header);
	if (reader__pread(reader, &more, 1, reader->position) != 0) {
		reader__explain(reader, "goes on behind its closing block");
		return reader__tear(reader);
	}
	reader->end = READER_COMPLETE;
	return 0;
}

/* Takes in the next block; sets reader->end when there is none. */
static void reader__advance(struct reader *reader)
{
	struct trail_block_header header = {0};
	int found = reader__load_block(reader, &header);

	if (found < 0)
		return;
	if (found == 0) {
		reader->end = READER_INCOMPLETE;
		reader__explain(reader, "was not closed: the recorder was killed, "
					"or is still at work");
		return;
	}
	if (header.kind == TRAIL_BLOCK_CLOSE) {
		reader__accept_close(reader, &header);
		return;
	}
	if (header.kind == TRAIL_BLOCK_EVENTS && reader__accept_events(reader, &header))
		return;
	reader->position += sizeof(header) + header.stored_bytes;
}

const struct event_header *reader__next(struct reader *reader)
{
	for (;;) {
		while (reader->raw_at < reader->raw_bytes) {
			const struct event_header *event =
				(const void *)(reader->raw.data + reader->raw_at);
			int err = event__check(event, reader->raw_bytes - reader->raw_at);

			reader->raw_at += event->size_bytes;
			if (!err) {
				reader->returned++;
				return event;
			}
			reader->unknown++;
		}
		if (reader->end != READER_GOING)
			return NULL;
		reader__advance(reader);
	}
}

enum reader_end reader__end(const struct reader *reader)
{
	return reader->end;
}

const char *reader__why(const struct reader *reader)
{
	return reader->why;
}

uint64_t reader__events(const struct reader *reader)
{
	return reader->returned;
}

uint64_t reader__bytes(const struct reader *reader)
{
	return reader->position;
}

uint64_t reader__torn_bytes(const struct reader *reader)
{
	return reader->torn_bytes;
}

uint64_t reader__unknown(const struct reader *reader)
{
	return reader->unknown;
}

void reader__free(struct reader *reader)
{
	if (!reader)
		return;
	if (reader->fd >= 0)
		close(reader->fd);
	if (reader->inflater_ready)
		inflateEnd(&reader->inflater);
	free(reader->stored.data);
	free(reader->raw.data);
	free(reader);
}
