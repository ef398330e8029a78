/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/* perf's records as the kernel writes them, and a ring to put them into. */

#include "maps/perf_record.h"
#include "maps/perf_ring.h"
#include "tests/unit/maps/told.h"

#define RING_BYTES 4096
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

static inline void setup(struct fake *fake)
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

static inline void teardown(struct fake *fake)
{
	free(fake->ring.page);
	free(fake->ring.whole);
	free(fake->data);
}

static inline void put(struct fake *fake, const void *record, size_t bytes)
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

static inline void append(struct built *built, const void *data, size_t bytes)
{
	memcpy(built->data + built->bytes, data, bytes);
	built->bytes += bytes;
}

static inline void append32(struct built *built, uint32_t value)
{
	append(built, &value, sizeof(value));
}

static inline void append64(struct built *built, uint64_t value)
{
	append(built, &value, sizeof(value));
}

static inline struct built begin(uint32_t type, uint16_t misc)
{
	struct built built = {0};
	const struct perf_event_header header = {.type = type, .misc = misc};

	append(&built, &header, sizeof(header));
	return built;
}

static inline void finish(struct built *built, uint64_t time_ns)
{
	append32(built, 4711);
	append32(built, 4712);
	append64(built, time_ns);
	built->header.size = (uint16_t)built->bytes;
}

static inline struct built mmap2(const char *path, const uint8_t *build_id, uint64_t time_ns)
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

static inline struct built task(uint32_t type, uint32_t pid, uint32_t parent, uint32_t tid,
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

static inline struct built comm(uint16_t misc, uint32_t pid, uint32_t tid, uint64_t time_ns)
{
	struct built built = begin(PERF_RECORD_COMM, misc);

	append32(&built, pid);
	append32(&built, tid);
	append(&built, "sleep\0\0", 8);
	finish(&built, time_ns);
	return built;
}

static inline struct built lost(uint64_t count, uint64_t time_ns)
{
	struct built built = begin(PERF_RECORD_LOST, 0);

	append64(&built, 1);
	append64(&built, count);
	finish(&built, time_ns);
	return built;
}

static inline int on_record(void *context, void *record, size_t bytes)
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

static inline void drain(struct fake *fake)
{
	assert_int_equal(perf_ring__drain(&fake->ring, on_record, fake), 0);
	/* Whatever was in it, it is empty now. */
	assert_int_equal(fake->ring.page->data_tail, fake->ring.page->data_head);
}

static inline struct map_event parsed(const struct built *built)
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
