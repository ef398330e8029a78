/* SPDX-License-Identifier: GPL-2.0-only */
#include "unwind/cfi_table.h"

#include <dwarf.h>
#include <stdlib.h>
#include <string.h>

#define HEADER_ROW_BYTES 8 /* start and entry, both relative to the header */

/* --- by .eh_frame_hdr ------------------------------------------------------------------------- */

static uint32_t header_rows(const struct object_section *header, size_t *table_at)
{
	struct cursor cursor = {.data = header->data, .end = header->bytes};
	uint64_t version = cursor__unsigned(&cursor, 1);
	uint64_t frame_encoding = cursor__unsigned(&cursor, 1);
	uint64_t count_encoding = cursor__unsigned(&cursor, 1);
	uint64_t table_encoding = cursor__unsigned(&cursor, 1);
	uint64_t rows;

	if (version != 1 || (frame_encoding & 0x0f) != DW_EH_PE_sdata4 ||
	    count_encoding != DW_EH_PE_udata4 ||
	    table_encoding != (DW_EH_PE_datarel | DW_EH_PE_sdata4))
		return 0;
	cursor__skip(&cursor, 4);
	rows = cursor__unsigned(&cursor, 4);
	if (rows > cursor__left(&cursor) / HEADER_ROW_BYTES)
		return 0;
	*table_at = cursor.at;
	return (uint32_t)rows;
}

static int32_t header_value(const struct object_section *header, size_t at)
{
	int32_t value;

	memcpy(&value, header->data + at, sizeof(value));
	return value;
}

static bool frame_table__bisect_header(const struct frame_table *table, uint64_t vaddr,
				       size_t *entry)
{
	const struct object_section *header = &table->header;
	size_t table_at = 0, low = 0, high = header_rows(header, &table_at);
	int64_t wanted = (int64_t)(vaddr - header->vaddr);
	uint64_t place;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (header_value(header, table_at + middle * HEADER_ROW_BYTES) <= wanted)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0)
		return false;
	place = header->vaddr + (uint64_t)(int64_t)header_value(
					header, table_at + (low - 1) * HEADER_ROW_BYTES + 4);
	*entry = place - table->from.section.vaddr;
	return place >= table->from.section.vaddr;
}

/* --- by an index of our own ------------------------------------------------------------------- */

static int frame_range__compare(const void *a, const void *b)
{
	const struct frame_range *one = a, *other = b;

	if (one->start != other->start)
		return one->start < other->start ? -1 : 1;
	return one->entry < other->entry ? -1 : one->entry > other->entry;
}

static bool frame_table__append(struct frame_table *table, size_t *capacity,
				const struct frame_entry *entry, size_t at)
{
	uint64_t bytes = entry->end - entry->start;

	if (table->range_count == FRAME_ENTRIES_MAX)
		return false;
	if (table->range_count == *capacity) {
		size_t wanted = *capacity ? 2 * *capacity : 256;
		void *ranges = realloc(table->ranges, wanted * sizeof(*table->ranges));

		if (!ranges)
			return false;
		table->ranges = ranges;
		*capacity = wanted;
	}
	table->ranges[table->range_count++] = (struct frame_range){
		.start = entry->start,
		.bytes = bytes > UINT32_MAX ? UINT32_MAX : (uint32_t)bytes,
		.entry = (uint32_t)at,
	};
	return true;
}

/* An entry that cannot be read is left out. A list that is too long is none at all: half of it
 * would be silently wrong where functions overlap. */
static void frame_table__index(struct frame_table *table)
{
	struct frame_entry entry;
	size_t capacity = 0, next;

	table->indexed = true;
	for (size_t at = 0; at < table->from.section.bytes; at = next) {
		enum entry_kind kind = frame_entry__read(&table->from, at, &next, &entry);

		if (kind == ENTRY_FUNCTION && !frame_table__append(table, &capacity, &entry, at)) {
			frame_table__release(table);
			return;
		}
		if (next == 0)
			break;
	}
	if (table->range_count > 0)
		qsort(table->ranges, table->range_count, sizeof(*table->ranges),
		      frame_range__compare);
}

static bool frame_table__bisect_index(struct frame_table *table, uint64_t vaddr, size_t *entry)
{
	size_t low = 0, high;

	if (!table->indexed)
		frame_table__index(table);
	high = table->range_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (table->ranges[middle].start <= vaddr)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0)
		return false;
	*entry = table->ranges[low - 1].entry;
	return vaddr - table->ranges[low - 1].start < table->ranges[low - 1].bytes;
}

/* --- */

void frame_table__init(struct frame_table *table, const struct object *object, bool debug)
{
	size_t unused;

	*table = (struct frame_table){
		.from.section = object__section(object, debug ? ".debug_frame" : ".eh_frame"),
		.from.debug = debug,
	};
	if (!table->from.section.data)
		table->from.section.bytes = 0;
	if (debug)
		return;
	table->header = object__section(object, ".eh_frame_hdr");
	if (!table->header.data || header_rows(&table->header, &unused) == 0)
		table->header = (struct object_section){0};
}

void frame_table__release(struct frame_table *table)
{
	free(table->ranges);
	table->ranges = NULL;
	table->range_count = 0;
}

bool frame_table__find(struct frame_table *table, uint64_t vaddr, struct frame_entry *out)
{
	size_t at, next;
	bool found;

	if (table->from.section.bytes == 0)
		return false;
	if (table->header.data)
		found = frame_table__bisect_header(table, vaddr, &at);
	else
		found = frame_table__bisect_index(table, vaddr, &at);
	return found && frame_entry__read(&table->from, at, &next, out) == ENTRY_FUNCTION &&
	       vaddr >= out->start && vaddr < out->end;
}
