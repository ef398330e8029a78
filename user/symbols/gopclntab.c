/* SPDX-License-Identifier: GPL-2.0-only */
#include "symbols/gopclntab.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

#include "symbols/symbol.h"

/*
 * A header, then an array of functions by address: where each begins and where what is known of it
 * lies, and the end of the last one. What is known of a function begins with its address and its
 * name's place:
 *
 *           function's address     its entry                    its name
 *   Go 1.2  whole, 8 bytes         from the table's begin       from the table's begin
 *   1.16    whole, 8 bytes         from the functions' begin    from the names' begin
 *   1.18    from text, 4 bytes     from the functions' begin    from the names' begin
 *   1.20    like 1.18
 */
#define MAGIC_1_2    0xfffffffbU
#define MAGIC_1_16   0xfffffffaU
#define MAGIC_1_18   0xfffffff0U
#define MAGIC_1_20   0xfffffff1U

#define HEADER_BYTES 8 /* then words of 8 bytes */

#define ENTRY_NAME   "_rt0_" /* machine and system follow */

struct table {
	const uint8_t *data;
	size_t bytes;
	uint64_t count;     /* functions */
	uint64_t functions; /* offset of the array, and what entries count from */
	uint64_t entries;   /* offset that entries count from */
	uint64_t names;     /* offset that names count from */
	uint64_t text;      /* address that functions count from */
	bool no_text;       /* it does not say */
	size_t width;       /* of a number in the array */
};

/* A number of `width` bytes; what is beyond the end reads as nothing. */
static bool table__number(const struct table *table, uint64_t at, size_t width, uint64_t *out)
{
	uint64_t value = 0;

	if (at > table->bytes || table->bytes - at < width)
		return false;
	memcpy(&value, table->data + at, width);
	*out = le64toh(value);
	return true;
}

static bool table__header_word(const struct table *table, unsigned int index, uint64_t *out)
{
	return table__number(table, HEADER_BYTES + 8ULL * index, 8, out);
}

static bool table__read_1_2(struct table *table)
{
	table->width = 8;
	table->functions = HEADER_BYTES + 8;
	return table__header_word(table, 0, &table->count);
}

static bool table__read_1_16(struct table *table)
{
	bool whole = table__header_word(table, 0, &table->count) &&
		     table__header_word(table, 2, &table->names) &&
		     table__header_word(table, 6, &table->functions);

	table->width = 8;
	table->entries = table->functions;
	return whole;
}

static bool table__read_1_18(struct table *table)
{
	bool whole = table__header_word(table, 0, &table->count) &&
		     table__header_word(table, 2, &table->text) &&
		     table__header_word(table, 3, &table->names) &&
		     table__header_word(table, 7, &table->functions);

	table->width = 4;
	table->entries = table->functions;
	table->no_text = table->text == 0;
	return whole;
}

static bool table__read(struct table *table)
{
	uint64_t magic, quantum, pointer, zeros, numbers;
	bool whole;

	if (!table__number(table, 0, 4, &magic) || !table__number(table, 4, 2, &zeros) ||
	    !table__number(table, 6, 1, &quantum) || !table__number(table, 7, 1, &pointer))
		return false;
	if (zeros != 0 || (quantum != 1 && quantum != 4) || pointer != 8)
		return false;
	switch (magic) {
	case MAGIC_1_2:
		whole = table__read_1_2(table);
		break;
	case MAGIC_1_16:
		whole = table__read_1_16(table);
		break;
	case MAGIC_1_18:
	case MAGIC_1_20:
		whole = table__read_1_18(table);
		break;
	default:
		return false;
	}
	if (!whole || table->names > table->bytes || table->functions > table->bytes)
		return false;
	/* Two numbers each, and the end of the last one. */
	numbers = (table->bytes - table->functions) / table->width;
	return numbers > 0 && table->count <= (numbers - 1) / 2;
}

/* NULL: what should be there lies outside, or does not end. */
static const char *table__name(const struct table *table, uint64_t entry)
{
	uint64_t name;
	size_t bytes;

	if (entry > table->bytes ||
	    !table__number(table, table->entries + entry + table->width, 4, &name))
		return NULL;
	if (name >= table->bytes - table->names)
		return NULL;
	name += table->names;
	bytes = table->bytes - name;
	if (bytes < SYMBOL_NAME_MAX_BYTES && !memchr(table->data + name, '\0', bytes))
		return NULL;
	return (const char *)table->data + name;
}

static void table__walk(const struct table *table, gopclntab_tell tell, void *context)
{
	size_t width = table->width;
	uint64_t start, end, entry;

	for (uint64_t i = 0; i < table->count; i++) {
		uint64_t at = table->functions + 2 * i * width;
		const char *name;

		if (!table__number(table, at, width, &start) ||
		    !table__number(table, at + width, width, &entry) ||
		    !table__number(table, at + 2 * width, width, &end))
			break;
		if (start >= end)
			break;
		name = table__name(table, entry);
		if (name && *name && !tell(context, table->text + start, end - start, name))
			break;
	}
}

struct entry {
	uint64_t vaddr;
	bool found;
};

static bool look_for_entry(void *context, uint64_t start, uint64_t bytes, const char *name)
{
	struct entry *entry = context;

	(void)bytes;
	entry->found = start == entry->vaddr && !strncmp(name, ENTRY_NAME, strlen(ENTRY_NAME));
	return !entry->found;
}

int gopclntab__walk(const uint8_t *data, size_t bytes, const struct gopclntab_place *place,
		    gopclntab_tell tell, void *context)
{
	struct table table = {.data = data, .bytes = bytes};
	struct entry entry = {.vaddr = place->entry_vaddr};

	if (!table__read(&table))
		return -EINVAL;
	if (table.no_text) {
		table.text = place->text_vaddr;
		table__walk(&table, look_for_entry, &entry);
		if (!entry.found)
			return -ESRCH;
	}
	table__walk(&table, tell, context);
	return 0;
}
