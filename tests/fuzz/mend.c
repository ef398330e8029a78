/* SPDX-License-Identifier: GPL-2.0-only */
#include <string.h>

#include "bpf/events.h"
#include "tests/fuzz/mend.h"

/* So many numbers of each kind, so many processes: references meet what was told. */
#define NUMBERS   16U
#define PROCESSES 4U

static const uint32_t smallest[EVENT_KIND_END] = {
#define X(name, number, type) [number] = sizeof(struct type),
	EVENT_KINDS(X)
#undef X
};

static const uint16_t kinds[] = {
#define X(name, number, type) number,
	EVENT_KINDS(X)
#undef X
};

static uint32_t get(const uint8_t *data, size_t at)
{
	uint32_t value;

	memcpy(&value, data + at, sizeof(value));
	return value;
}

static void put(uint8_t *data, size_t at, uint32_t value)
{
	memcpy(data + at, &value, sizeof(value));
}

static void mend_number(uint8_t *data, size_t at)
{
	put(data, at, get(data, at) % NUMBERS);
}

/* How many bytes behind the fixed part count: of a series whole points. */
static uint32_t series_bytes(const uint8_t *data, uint32_t bytes)
{
	static const uint32_t row_bytes[] = {
#define X(name, width) (1 + (width)) * 8,
		KEPT_SERIES_OF(X)
#undef X
	};
	const uint32_t of = get(data, offsetof(struct event_kept_series, of));

	return of < KEPT_SERIES_END ? bytes - bytes % row_bytes[of] : bytes;
}

static void mend_stack(uint8_t *data, uint32_t bytes)
{
	uint32_t count = bytes / sizeof(uint32_t);

	if (count > EVENT_STACK_FRAMES)
		count = EVENT_STACK_FRAMES;
	put(data, offsetof(struct event_stack, frame_count), count);
	mend_number(data, offsetof(struct event_stack, stack_id));
	for (uint32_t i = 0; i < count; i++)
		mend_number(data, offsetof(struct event_stack, frames) + i * sizeof(uint32_t));
}

/* The processes of a few numbers: which, is in what was there. */
static void mend_task(uint8_t *data, size_t at)
{
	struct task_ref task;

	memcpy(&task, data + at, sizeof(task));
	task.pid = 500 + task.pid % PROCESSES;
	task.start_ns = 90000000000ULL + task.start_ns % 2;
	memcpy(data + at, &task, sizeof(task));
}

static void mend_growth(uint8_t *data)
{
	struct event_growth growth;

	memcpy(&growth, data, sizeof(growth));
	growth.block_bytes = GROWTH_BLOCK_MIN << growth.block_bytes % 19;
	for (int i = 0; i < GROWTH_MEMBERS; i++)
		growth.pages[i] %= GROWTH_PAGES_MAX + 1;
	growth.stack_id %= NUMBERS;
	growth.file_id %= NUMBERS;
	memcpy(data, &growth, sizeof(growth));
	mend_task(data, offsetof(struct event_growth, task));
}

static void mend_gone(uint8_t *data)
{
	struct event_growth_gone gone;

	memcpy(&gone, data, sizeof(gone));
	for (int i = 0; i < GROWTH_MEMBERS; i++)
		gone.bytes[i] &= INT64_MAX;
	gone.stack_id %= NUMBERS;
	gone.file_id %= NUMBERS;
	memcpy(data, &gone, sizeof(gone));
	mend_task(data, offsetof(struct event_growth_gone, task));
}

/* So many bytes lie behind the fixed part. */
static void mend_lengths(uint8_t *data, uint16_t kind, uint32_t bytes)
{
	switch (kind) {
	case EVENT_EXEC:
	case EVENT_ARGV:
	case EVENT_KEPT_PROCESS:
		put(data, smallest[kind] - sizeof(uint32_t), bytes);
		break;
	case EVENT_KEPT_SERIES:
		put(data, smallest[kind] - sizeof(uint32_t), series_bytes(data, bytes));
		break;
	case EVENT_MODULE:
		put(data, offsetof(struct event_module, path_bytes), bytes);
		if (get(data, offsetof(struct event_module, build_id_bytes)) > EVENT_BUILD_ID_BYTES)
			put(data, offsetof(struct event_module, build_id_bytes),
			    EVENT_BUILD_ID_BYTES);
		break;
	case EVENT_FRAME:
		put(data, offsetof(struct event_frame, name_bytes), bytes);
		break;
	case EVENT_FRAME_LINE:
		put(data, offsetof(struct event_frame_line, file_bytes), bytes);
		break;
	case EVENT_FILE:
		put(data, offsetof(struct event_file, names_bytes), bytes);
		break;
	case EVENT_STACK:
		mend_stack(data, bytes);
		break;
	case EVENT_GROWTH:
		mend_growth(data);
		break;
	case EVENT_GROWTH_GONE:
		mend_gone(data);
		break;
	}
}

static void mend_references(uint8_t *data, uint16_t kind)
{
	switch (kind) {
	case EVENT_MODULE:
		mend_number(data, offsetof(struct event_module, module_id));
		break;
	case EVENT_FRAME:
		mend_number(data, offsetof(struct event_frame, frame_id));
		mend_number(data, offsetof(struct event_frame, module_id));
		put(data, offsetof(struct event_frame, kind),
		    get(data, offsetof(struct event_frame, kind)) % FRAME_KIND_END);
		break;
	case EVENT_FRAME_LINE:
		mend_number(data, offsetof(struct event_frame_line, frame_id));
		break;
	case EVENT_FILE:
		mend_number(data, offsetof(struct event_file, file_id));
		break;
	case EVENT_STACK:
		put(data, offsetof(struct event_stack, end),
		    get(data, offsetof(struct event_stack, end)) % STACK_END_COUNT);
		break;
	case EVENT_KEPT_GROWTH:
		mend_number(data, offsetof(struct event_kept_growth, stack_id));
		mend_number(data, offsetof(struct event_kept_growth, file_id));
		mend_task(data, offsetof(struct event_kept_growth, task));
		break;
	}
}

size_t mend_events(uint8_t *data, size_t size, unsigned int seed)
{
	size_t at = 0;

	while (size - at >= sizeof(struct event_header)) {
		struct event_header event;

		memcpy(&event, data + at, sizeof(event));
		if (event.kind >= EVENT_KIND_END || !smallest[event.kind])
			event.kind =
				kinds[(event.kind ^ seed) % (sizeof(kinds) / sizeof(kinds[0]))];
		if (event.size_bytes < smallest[event.kind] || event.size_bytes % 8 ||
		    event.size_bytes > smallest[event.kind] + 2 * EVENT_PATH_BYTES)
			event.size_bytes = smallest[event.kind];
		if (event.size_bytes > size - at)
			break;
		memcpy(data + at, &event, sizeof(event));
		if (seed % 4) {
			mend_lengths(data + at, event.kind,
				     event.size_bytes - smallest[event.kind]);
			mend_references(data + at, event.kind);
		}
		at += event.size_bytes;
	}
	return at ? at : size;
}
