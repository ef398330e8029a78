/* SPDX-License-Identifier: GPL-2.0-only */
#include "symbols/symbols.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "symbols/collect.h"

#define NONE              UINT32_MAX
#define OUTER_MAX         64   /* functions around each other that are looked at */
#define PAGE_BYTES        4096 /* the reach of a symbol of which no end is known */
#define NAMES_SLACK_BYTES 4096

struct function {
	uint64_t start;
	uint32_t bytes;
	uint32_t name;  /* where it begins */
	uint32_t outer; /* the nearest one before it that reaches further; NONE */
};

struct symbols {
	struct function *functions; /* by address, one for each */
	size_t count;
	char *names;
	size_t names_bytes;
	size_t names_capacity;
	bool cut;
};

void symbols__free(struct symbols *symbols)
{
	if (!symbols)
		return;
	free(symbols->functions);
	free(symbols->names);
	free(symbols);
}

DEFINE_FREEP(symbols)

static int by_address(const void *a, const void *b)
{
	const struct candidate *left = a, *right = b;

	if (left->start != right->start)
		return left->start < right->start ? -1 : 1;
	return preference__compare(&left->preference, &right->preference);
}

/* One for each address: the name that is preferred, the largest size that any of them has. */
static void merge_aliases(struct candidates *candidates)
{
	struct candidate *list = candidates->list;
	size_t kept = 0;

	if (candidates->count == 0)
		return;
	qsort(list, candidates->count, sizeof(list[0]), by_address);
	for (size_t i = 0; i < candidates->count; i++) {
		if (kept > 0 && list[kept - 1].start == list[i].start) {
			if (list[i].bytes > list[kept - 1].bytes)
				list[kept - 1].bytes = list[i].bytes;
			continue;
		}
		list[kept++] = list[i];
	}
	candidates->count = kept;
}

/* A symbol without a size that lies inside another function names a place in it. */
static void drop_labels(struct candidates *candidates)
{
	struct candidate *list = candidates->list;
	uint64_t end = 0; /* of those so far that have a size */
	size_t kept = 0;

	for (size_t i = 0; i < candidates->count; i++) {
		if (list[i].bytes == 0 && list[i].start < end)
			continue;
		if (list[i].bytes > UINT32_MAX)
			list[i].bytes = UINT32_MAX;
		if (list[i].bytes > UINT64_MAX - list[i].start)
			list[i].bytes = UINT64_MAX - list[i].start;
		if (list[i].start + list[i].bytes > end)
			end = list[i].start + list[i].bytes;
		list[kept++] = list[i];
	}
	candidates->count = kept;
}

/* Up to the next symbol, and over no boundary of a section; outside of those that are known, up to
 * the end of its page at the most. */
static uint64_t find_end(const struct candidates *candidates, uint64_t start, uint64_t next)
{
	uint64_t end = next;
	bool inside = false;

	for (size_t i = 0; i < candidates->place_count; i++) {
		uint64_t place = candidates->places[i];

		if (place > start && place < end)
			end = place;
		inside |= i % 2 == 0 && start - place < candidates->places[i + 1] - place;
	}
	if (!inside && (start | (PAGE_BYTES - 1)) < end)
		end = start | (PAGE_BYTES - 1);
	return end - start > UINT32_MAX ? start + UINT32_MAX : end;
}

static void extend(struct candidates *candidates)
{
	struct candidate *list = candidates->list;

	for (size_t i = 0; i < candidates->count; i++) {
		uint64_t next = i + 1 < candidates->count ? list[i + 1].start : UINT64_MAX;

		if (list[i].bytes == 0)
			list[i].bytes = find_end(candidates, list[i].start, next) - list[i].start;
	}
}

/* A string section may be written such that each of a million names is all of it. */
static bool symbols__add_name(struct symbols *symbols, const char *name, uint32_t *out)
{
	size_t length = strnlen(name, SYMBOL_NAME_MAX_BYTES - 1);

	if (length + 1 > symbols->names_capacity - symbols->names_bytes)
		return false;
	*out = (uint32_t)symbols->names_bytes;
	memcpy(symbols->names + symbols->names_bytes, name, length);
	symbols->names[symbols->names_bytes + length] = '\0';
	symbols->names_bytes += length + 1;
	return true;
}

/* Returns the function itself, or the nearest around it, that reaches beyond `vaddr`. */
static uint32_t symbols__reaching(const struct symbols *symbols, uint32_t index, uint64_t vaddr)
{
	for (unsigned int i = 0; index != NONE && i < OUTER_MAX; i++) {
		const struct function *function = &symbols->functions[index];

		if (vaddr - function->start < function->bytes)
			return index;
		index = function->outer;
	}
	return NONE;
}

static int symbols__fill(struct symbols *symbols, const struct candidates *candidates)
{
	symbols->cut = candidates->cut;
	if (candidates->count == 0)
		return 0;
	/* As they are stored, names may share their ends; twice the table holds all of them. */
	symbols->names_capacity = 2 * candidates->names_bytes + NAMES_SLACK_BYTES;
	if (symbols->names_capacity > UINT32_MAX)
		symbols->names_capacity = UINT32_MAX;
	symbols->names = malloc(symbols->names_capacity);
	symbols->functions = malloc(candidates->count * sizeof(symbols->functions[0]));
	if (!symbols->names || !symbols->functions)
		return -ENOMEM;
	for (size_t i = 0; i < candidates->count; i++) {
		const struct candidate *candidate = &candidates->list[i];
		struct function function = {
			.start = candidate->start,
			.bytes = (uint32_t)candidate->bytes,
			.outer = NONE,
		};

		if (candidate->bytes == 0)
			continue;
		if (!symbols__add_name(symbols, candidate->preference.name, &function.name)) {
			symbols->cut = true;
			break;
		}
		if (symbols->count > 0)
			function.outer = symbols__reaching(symbols, (uint32_t)symbols->count - 1,
							   function.start + function.bytes);
		symbols->functions[symbols->count++] = function;
	}
	return 0;
}

static void symbols__shrink(struct symbols *symbols)
{
	void *fitting =
		realloc(symbols->functions, (symbols->count + 1) * sizeof(symbols->functions[0]));

	if (fitting)
		symbols->functions = fitting;
	fitting = realloc(symbols->names, symbols->names_bytes + 1);
	if (fitting) {
		symbols->names = fitting;
		symbols->names_capacity = symbols->names_bytes + 1;
	}
}

int symbols__new(struct symbols **out, const struct object *object, const struct object *debug)
{
	_cleanup_(symbols__freep) struct symbols *symbols = calloc(1, sizeof(*symbols));
	_cleanup_(candidates__free) struct candidates candidates = {0};
	int error;

	*out = NULL;
	if (!symbols)
		return -ENOMEM;
	error = candidates__collect(&candidates, object, debug);
	if (error)
		return error;
	merge_aliases(&candidates);
	drop_labels(&candidates);
	extend(&candidates);
	error = symbols__fill(symbols, &candidates);
	if (error)
		return error;
	symbols__shrink(symbols);
	*out = take(symbols);
	return 0;
}

bool symbols__find(const struct symbols *symbols, uint64_t vaddr, struct symbol *out)
{
	size_t low = 0, high = symbols->count;
	uint32_t found;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (symbols->functions[middle].start <= vaddr)
			low = middle + 1;
		else
			high = middle;
	}
	found = low ? symbols__reaching(symbols, (uint32_t)low - 1, vaddr) : NONE;
	if (found == NONE)
		return false;
	*out = (struct symbol){
		.name = symbols->names + symbols->functions[found].name,
		.start = symbols->functions[found].start,
		.bytes = symbols->functions[found].bytes,
	};
	return true;
}

size_t symbols__count(const struct symbols *symbols)
{
	return symbols->count;
}

bool symbols__cut(const struct symbols *symbols)
{
	return symbols->cut;
}

size_t symbols__bytes(const struct symbols *symbols)
{
	return sizeof(*symbols) + symbols->count * sizeof(symbols->functions[0]) +
	       symbols->names_capacity;
}
