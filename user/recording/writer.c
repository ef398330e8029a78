/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zlib.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "recording/format.h"
#include "recording/writer.h"

#define BLOCK_MAX_AGE_NS NS_PER_S
#define LAST_BLOCK_BYTES 4096 /* an account, a digest, the closing block */

/* Everything is allocated by writer__new(): while the OOM killer is at work, nothing may have to
 * be.
 */
struct writer {
	int fd;
	int folder_fd; /* until the first sync has made the file's name durable; -1 */
	int error;     /* the first one; it stays */
	bool closed;
	bool preallocated;
	uint64_t events; /* appended */
	uint64_t bytes;  /* in the file, all of them whole blocks */

	z_stream deflater;
	bool deflater_ready;
	uint32_t raw_bytes;
	uint32_t raw_events;
	uint64_t oldest_ns; /* time of the first event gathered */
	unsigned char *raw;
	unsigned char *block; /* header and stored bytes, written with one write(2) */
	size_t block_capacity;
};

DEFINE_FREEP(writer)

static int write_all(int fd, const void *data, size_t size)
{
	const char *at = data;

	while (size > 0) {
		ssize_t written = write(fd, at, size);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -errno;
		if (written == 0)
			return -EIO;
		at += written;
		size -= (size_t)written;
	}
	return 0;
}

/* Appends to the file, all of it or nothing. */
static int writer__put(struct writer *writer, const void *data, size_t size)
{
	int err = write_all(writer->fd, data, size);

	if (err) {
		writer->error = err;
		/* Part of a block is only torn data. Should cutting it off fail too, it is. */
		(void)!ftruncate(writer->fd, (off_t)writer->bytes);
		return err;
	}
	writer->bytes += size;
	return 0;
}

static int writer__put_file_header(struct writer *writer)
{
	struct trail_file_header header = {
		.magic = TRAIL_MAGIC,
		.version = TRAIL_VERSION,
		.header_bytes = sizeof(header),
	};

	header.crc32 = (__u32)crc32(0, (const Bytef *)&header, sizeof(header));
	return writer__put(writer, &header, sizeof(header));
}

/* Writes the block whose stored bytes already lie behind the room for its header. */
static int writer__put_block(struct writer *writer, enum trail_block_kind kind,
			     uint32_t stored_bytes)
{
	struct trail_block_header header = {
		.magic = TRAIL_BLOCK_MAGIC,
		.version = TRAIL_VERSION,
		.kind = (__u16)kind,
		.raw_bytes = writer->raw_bytes,
		.stored_bytes = stored_bytes,
		.first_event = writer->events - writer->raw_events,
		.events = writer->raw_events,
	};
	uLong crc = crc32(0, (const Bytef *)&header, sizeof(header));

	/* crc32() takes a NULL or empty buffer for the start of a new sum. */
	if (stored_bytes > 0)
		crc = crc32(crc, writer->block + sizeof(header), stored_bytes);
	header.crc32 = (__u32)crc;
	memcpy(writer->block, &header, sizeof(header));
	return writer__put(writer, writer->block, sizeof(header) + stored_bytes);
}

/* A regular file goes; whoever had it open or linked elsewhere keeps the old one. */
static int remove_regular(const char *path)
{
	struct stat status;

	if (lstat(path, &status) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISREG(status.st_mode))
		return -EEXIST;
	return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}

static int writer__open(struct writer *writer, const char *path)
{
	_cleanup_(freep) char *copy = strdup(path);
	int err;

	if (!copy)
		return -ENOMEM;
	err = remove_regular(path);
	if (err)
		return err;
	writer->fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (writer->fd < 0)
		return -errno;
	/* A folder that may be written but not read cannot be synced either: not an error. */
	writer->folder_fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return 0;
}

static int writer__allocate(struct writer *writer)
{
	if (deflateInit(&writer->deflater, Z_BEST_SPEED) != Z_OK)
		return -ENOMEM;
	writer->deflater_ready = true;
	writer->block_capacity = sizeof(struct trail_block_header) +
				 deflateBound(&writer->deflater, TRAIL_BLOCK_RAW_BYTES);
	writer->raw = malloc(TRAIL_BLOCK_RAW_BYTES);
	writer->block = malloc(writer->block_capacity);
	return writer->raw && writer->block ? 0 : -ENOMEM;
}

static int writer__begin(struct writer **out)
{
	_cleanup_(writer__freep) struct writer *writer = calloc(1, sizeof(*writer));
	int err;

	if (!writer)
		return -ENOMEM;
	writer->fd = -1;
	writer->folder_fd = -1;
	err = writer__allocate(writer);
	if (err)
		return err;
	*out = take(writer);
	return 0;
}

int writer__new(struct writer **out, const char *path)
{
	_cleanup_(writer__freep) struct writer *writer = NULL;
	int err = writer__begin(&writer);

	if (err)
		return err;
	err = writer__open(writer, path);
	if (err)
		return err;
	err = writer__put_file_header(writer);
	if (err) {
		unlink(path);
		return err;
	}
	*out = take(writer);
	return 0;
}

int writer__resume(struct writer **out, const char *path, uint64_t events)
{
	_cleanup_(writer__freep) struct writer *writer = NULL;
	int err = writer__begin(&writer);
	off_t end;

	if (err)
		return err;
	writer->fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (writer->fd < 0)
		return -errno;
	end = lseek(writer->fd, 0, SEEK_END);
	if (end < 0)
		return -errno;
	writer->bytes = (uint64_t)end;
	writer->events = events;
	*out = take(writer);
	return 0;
}

int writer__preallocate(struct writer *writer, uint64_t bytes)
{
	if (fallocate(writer->fd, FALLOC_FL_KEEP_SIZE, 0, (off_t)bytes) < 0)
		return errno == EOPNOTSUPP || errno == ENOSYS ? 0 : -errno;
	writer->preallocated = true;
	return 0;
}

void writer__release(struct writer *writer)
{
	if (!writer->preallocated || writer->error)
		return;
	(void)!ftruncate(writer->fd, (off_t)writer->bytes);
	(void)!fallocate(writer->fd, FALLOC_FL_KEEP_SIZE, (off_t)writer->bytes, LAST_BLOCK_BYTES);
}

static int writer__usable(const struct writer *writer)
{
	return writer->error ? writer->error : writer->closed ? -ESHUTDOWN : 0;
}

int writer__append(struct writer *writer, const struct event_header *event)
{
	int err = writer__usable(writer);

	if (err)
		return err;
	if (event->size_bytes < sizeof(*event) || event->size_bytes % 8 ||
	    event->size_bytes > EVENT_MAX_BYTES)
		return -EINVAL;
	if (writer->raw_bytes + event->size_bytes > TRAIL_BLOCK_RAW_BYTES) {
		err = writer__flush(writer);
		if (err)
			return err;
	}
	if (writer->raw_events == 0)
		writer->oldest_ns = event->time_ns;
	memcpy(writer->raw + writer->raw_bytes, event, event->size_bytes);
	writer->raw_bytes += event->size_bytes;
	writer->raw_events++;
	writer->events++;
	return event->kind == EVENT_OOM_KILL ? writer__flush(writer) : 0;
}

int writer__tick(struct writer *writer, uint64_t now_ns)
{
	int err = writer__usable(writer);

	if (err)
		return err;
	if (writer->raw_events == 0 || now_ns < writer->oldest_ns ||
	    now_ns - writer->oldest_ns < BLOCK_MAX_AGE_NS)
		return 0;
	return writer__flush(writer);
}

int writer__flush(struct writer *writer)
{
	const size_t header_bytes = sizeof(struct trail_block_header);
	z_stream *deflater = &writer->deflater;
	int err = writer__usable(writer);

	if (err)
		return err;
	if (writer->raw_events == 0)
		return 0;
	deflateReset(deflater);
	deflater->next_in = writer->raw;
	deflater->avail_in = writer->raw_bytes;
	deflater->next_out = writer->block + header_bytes;
	deflater->avail_out = (uInt)(writer->block_capacity - header_bytes);
	if (deflate(deflater, Z_FINISH) != Z_STREAM_END) {
		writer->error = -EIO;
		return writer->error;
	}
	err = writer__put_block(writer, TRAIL_BLOCK_EVENTS, (uint32_t)deflater->total_out);
	if (err)
		return err;
	writer->raw_bytes = 0;
	writer->raw_events = 0;
	return 0;
}

static int writer__sync_file(struct writer *writer)
{
	if (fdatasync(writer->fd) < 0) {
		writer->error = -errno;
		return writer->error;
	}
	if (writer->folder_fd < 0)
		return 0;
	/* EINVAL: a file system whose folders need no sync. */
	if (fsync(writer->folder_fd) < 0 && errno != EINVAL) {
		writer->error = -errno;
		return writer->error;
	}
	close(writer->folder_fd);
	writer->folder_fd = -1;
	return 0;
}

int writer__sync(struct writer *writer)
{
	int err = writer__flush(writer);

	return err ? err : writer__sync_file(writer);
}

int writer__fd(const struct writer *writer)
{
	return writer->fd;
}

uint64_t writer__events(const struct writer *writer)
{
	return writer->events;
}

uint64_t writer__bytes(const struct writer *writer)
{
	return writer->bytes;
}

int writer__close(struct writer *writer)
{
	int err = writer__flush(writer);

	if (err)
		return err;
	err = writer__put_block(writer, TRAIL_BLOCK_CLOSE, 0);
	if (err)
		return err;
	writer->closed = true;
	if (writer->preallocated)
		(void)!ftruncate(writer->fd, (off_t)writer->bytes);
	return writer__sync_file(writer);
}

void writer__free(struct writer *writer)
{
	if (!writer)
		return;
	if (writer->fd >= 0)
		close(writer->fd);
	if (writer->folder_fd >= 0)
		close(writer->folder_fd);
	if (writer->deflater_ready)
		deflateEnd(&writer->deflater);
	free(writer->raw);
	free(writer->block);
	free(writer);
}
