/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/fuzz/mend_records.h"

#include <linux/perf_event.h>
#include <string.h>

#define CLAIM_BYTES   8
#define TRAILER_BYTES 16
#define MORE_BYTES    256 /* of a path */
#define TIMES         64

static const struct {
	uint32_t type;
	uint16_t bytes; /* the shortest one */
} shapes[] = {
	{PERF_RECORD_MMAP2, 80 + TRAILER_BYTES}, {PERF_RECORD_FORK, 32 + TRAILER_BYTES},
	{PERF_RECORD_EXIT, 32 + TRAILER_BYTES},  {PERF_RECORD_COMM, 24 + TRAILER_BYTES},
	{PERF_RECORD_LOST, 24 + TRAILER_BYTES},
};

#define SHAPES (sizeof(shapes) / sizeof(*shapes))

static void mend_pid(uint8_t *at, uint32_t pids)
{
	uint32_t pid;

	memcpy(&pid, at, sizeof(pid));
	pid = 1 + (pid - 1) % pids;
	memcpy(at, &pid, sizeof(pid));
}

static void mask(uint8_t *at, uint64_t mask)
{
	uint64_t value;

	memcpy(&value, at, sizeof(value));
	value &= mask;
	memcpy(at, &value, sizeof(value));
}

static void mend_body(uint8_t *record, const struct perf_event_header *header, uint32_t pids)
{
	if (header->type == PERF_RECORD_LOST)
		return;
	mend_pid(record + 8, pids);
	if (header->type == PERF_RECORD_FORK)
		mend_pid(record + 12, pids);
	if (header->type == PERF_RECORD_EXIT)
		memcpy(record + 16, record + 8, sizeof(uint32_t));
	if (header->type != PERF_RECORD_MMAP2)
		return;
	mask(record + 16, 0xff000);
	mask(record + 24, 0x1f000);
	record[header->size - TRAILER_BYTES - 1] = '\0';
}

void mend_records(uint8_t *data, size_t size, uint32_t pids, unsigned int seed)
{
	struct perf_event_header header;

	if (size >= CLAIM_BYTES && seed % 8)
		memset(data, 0, sizeof(uint32_t));
	for (size_t at = CLAIM_BYTES; size >= at && size - at >= sizeof(header);
	     at += header.size) {
		uint8_t *record = data + at;
		size_t i = 0;

		memcpy(&header, record, sizeof(header));
		while (i < SHAPES && shapes[i].type != header.type)
			i++;
		if (i == SHAPES)
			i = (header.type ^ seed) % SHAPES;
		header.type = shapes[i].type;
		if (header.size < shapes[i].bytes || header.size > shapes[i].bytes + MORE_BYTES ||
		    header.size % 8)
			header.size = shapes[i].bytes;
		if (header.size > size - at)
			return;
		memcpy(record, &header, sizeof(header));
		mend_body(record, &header, pids);
		mask(record + header.size - sizeof(uint64_t), TIMES - 1);
	}
}
