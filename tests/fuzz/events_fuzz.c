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

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint32_t smallest[EVENT_KIND_END] = {
#define X(name, number, type) [number] = sizeof(struct type),
	EVENT_KINDS(X)
#undef X
};

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

/* How many bytes behind the fixed part count: of a series whole points. */
static uint32_t tail_bytes(const uint8_t *data, const struct event_header *event)
{
	static const uint32_t row_bytes[] = {
#define X(name, width) (1 + (width)) * 8,
		KEPT_SERIES_OF(X)
#undef X
	};
	const uint32_t bytes = event->size_bytes - smallest[event->kind];
	uint32_t of;

	if (event->kind != EVENT_KEPT_SERIES)
		return bytes;
	memcpy(&of, data + offsetof(struct event_kept_series, of), sizeof(of));
	return of < KEPT_SERIES_END ? bytes - bytes % row_bytes[of] : bytes;
}

/* Mutations rarely keep lengths intact, and an event of impossible size ends the stream: put them
 * right, so that what lies behind is looked at too. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
	size_t at = 0;

	size = LLVMFuzzerMutate(data, size, max_size) & ~(size_t)7;
	while (size - at >= sizeof(struct event_header)) {
		struct event_header event;
		uint32_t argv_bytes;

		memcpy(&event, data + at, sizeof(event));
		if (event.kind >= EVENT_KIND_END || !smallest[event.kind])
			event.kind = (uint16_t)(1 + (event.kind ^ seed) % 13);
		if (event.size_bytes < smallest[event.kind] || event.size_bytes % 8 ||
		    event.size_bytes > smallest[event.kind] + EVENT_ARGV_BYTES)
			event.size_bytes = smallest[event.kind];
		if (event.size_bytes > size - at)
			break;
		memcpy(data + at, &event, sizeof(event));
		if (event.kind == EVENT_EXEC || event.kind == EVENT_ARGV ||
		    event.kind == EVENT_KEPT_PROCESS || event.kind == EVENT_KEPT_SERIES) {
			argv_bytes = tail_bytes(data + at, &event);
			memcpy(data + at + smallest[event.kind] - sizeof(argv_bytes), &argv_bytes,
			       sizeof(argv_bytes));
		}
		at += event.size_bytes;
	}
	return at ? at : size;
}
