/* SPDX-License-Identifier: GPL-2.0-only */

/*
 * libFuzzer target: bare events, as they lie in a block that has passed its checksum. What
 * event__check() lets through, model and reports must stand.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "recording/reader.h"
#include "tests/fuzz/judge.h"
#include "tests/fuzz/mend.h"

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t judge_events(const unsigned char *events, size_t size)
{
	struct judge *judge = judge__new();

	for (size_t at = 0; at < size;) {
		const struct event_header *event = (const void *)(events + at);
		int err = event__check(event, size - at);

		if (!err)
			judge__event(judge, event);
		else if (err != -ENOENT)
			break;
		at += event->size_bytes;
	}
	return judge__finish(judge);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned char *events;
	uint64_t result;

	size &= ~(size_t)7;
	if (size < sizeof(struct event_header))
		return 0;
	/* Of exactly its size, so that a byte too far is found, and aligned. */
	events = malloc(size);
	memcpy(events, data, size);
	result = judge_events(events, size);
	/* The same events, the same report. */
	if (size % 64 == 0 && judge_events(events, size) != result)
		abort();
	free(events);
	return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
	return mend_events(data, LLVMFuzzerMutate(data, size, max_size) & ~(size_t)7, seed);
}
