/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/* What the tests of writer and reader have in common: a throwaway folder and a stream of numbered
 * events of different lengths.
 */

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "recording/format.h"
#include "recording/reader.h"
#include "recording/writer.h"

struct sample {
	char folder[64];
	char path[96];  /* the recording; not there at first */
	char other[96]; /* a second path in the folder */
};

static inline int sample__setup(void **state)
{
	struct sample *sample = calloc(1, sizeof(*sample));

	strcpy(sample->folder, "/tmp/oomtrail-recording-XXXXXX");
	if (!mkdtemp(sample->folder))
		return -1;
	snprintf(sample->path, sizeof(sample->path), "%s/a.trail", sample->folder);
	snprintf(sample->other, sizeof(sample->other), "%s/b", sample->folder);
	*state = sample;
	return 0;
}

static inline int sample__teardown(void **state)
{
	struct sample *sample = *state;

	unlink(sample->path);
	if (unlink(sample->other) < 0)
		rmdir(sample->other);
	rmdir(sample->folder);
	free(sample);
	return 0;
}

union sample_event {
	struct event_header header;
	struct event_rss rss;
	struct event_exec exec;
	struct event_oom_kill oom_kill;
	char bytes[EVENT_MAX_BYTES];
};

/* Every seventh is an exec with a command line, whose length varies; the others tell of memory. */
static inline void sample_event__make(union sample_event *event, unsigned int number)
{
	memset(event, 0, sizeof(event->exec) + 128);
	event->header.time_ns = 1000000000ULL + number;
	if (number % 7 == 3) {
		event->header.kind = EVENT_EXEC;
		event->exec.argv_bytes = number % 97;
		event->header.size_bytes =
			(__u32)(sizeof(event->exec) + (event->exec.argv_bytes + 7) / 8 * 8);
		memset(event->exec.argv, 'a' + (int)(number % 26), event->exec.argv_bytes);
		return;
	}
	event->header.kind = EVENT_RSS;
	event->header.size_bytes = sizeof(event->rss);
	event->rss.owner.pid = number;
	event->rss.memory.anon_bytes = (__s64)(number * 2654435761ULL);
}

static inline struct writer *sample__new_writer(const struct sample *sample)
{
	struct writer *writer = NULL;

	assert_int_equal(writer__new(&writer, sample->path), 0);
	return writer;
}

static inline void sample__append(struct writer *writer, unsigned int first, unsigned int count)
{
	union sample_event event;

	for (unsigned int i = first; i < first + count; i++) {
		sample_event__make(&event, i);
		assert_int_equal(writer__append(writer, &event.header), 0);
	}
}

/* Reads `path` to its end; each event must be the next of the stream. Returns how many. */
static inline unsigned int sample__read(const char *path, enum reader_end end)
{
	struct reader *reader;
	const struct event_header *event;
	unsigned int number = 0;

	assert_int_equal(reader__new(&reader, path), 0);
	while ((event = reader__next(reader))) {
		union sample_event expected;

		sample_event__make(&expected, number++);
		assert_int_equal(event->size_bytes, expected.header.size_bytes);
		assert_memory_equal(event, &expected, event->size_bytes);
	}
	assert_int_equal(reader__end(reader), end);
	assert_int_equal(reader__events(reader), number);
	assert_null(reader__next(reader));
	reader__free(reader);
	return number;
}

static inline off_t sample__file_size(const char *path)
{
	struct stat status;

	assert_int_equal(stat(path, &status), 0);
	return status.st_size;
}

static inline void sample__write_file(const char *path, const void *data, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, size), size);
	close(fd);
}

/* Opening must fail with `err` and a sentence that has `why` in it. */
static inline void sample__assert_not_opened(const char *path, int err, const char *why)
{
	struct reader *reader = NULL;

	assert_int_equal(reader__new(&reader, path), err);
	assert_non_null(reader);
	assert_non_null(strstr(reader__why(reader), why));
	assert_null(reader__next(reader));
	reader__free(reader);
}

/* Reads to the end; events must be the beginning of the sample's stream. */
static inline unsigned int sample__read_torn(const char *path, size_t intact_bytes,
					     size_t torn_bytes)
{
	struct reader *reader;
	const struct event_header *event;
	unsigned int number = 0;

	assert_int_equal(reader__new(&reader, path), 0);
	while ((event = reader__next(reader))) {
		union sample_event expected;

		sample_event__make(&expected, number++);
		assert_memory_equal(event, &expected, expected.header.size_bytes);
	}
	assert_int_equal(reader__end(reader), READER_TORN);
	assert_int_equal(reader__bytes(reader), intact_bytes);
	assert_int_equal(reader__torn_bytes(reader), torn_bytes);
	assert_true(strlen(reader__why(reader)) > 0);
	reader__free(reader);
	return number;
}
