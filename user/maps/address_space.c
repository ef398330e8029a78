/* SPDX-License-Identifier: GPL-2.0-only */
#include "maps/address_space.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

struct covered {
	struct mapping mapping;
	uint64_t until_ns;
};

struct address_space {
	size_t references;
	struct mapping *now; /* by address, none over another */
	size_t count;
	struct covered *past; /* as they came */
	size_t past_count;
	size_t past_capacity;
	uint64_t forgotten;
};

int address_space__new(struct address_space **out)
{
	struct address_space *space = calloc(1, sizeof(*space));

	if (!space)
		return -ENOMEM;
	space->references = 1;
	*out = space;
	return 0;
}

struct address_space *address_space__ref(struct address_space *space)
{
	space->references++;
	return space;
}

void address_space__unref(struct address_space *space)
{
	if (!space || --space->references > 0)
		return;
	for (size_t i = 0; i < space->count; i++)
		mapped_file__unref(space->now[i].file);
	for (size_t i = 0; i < space->past_count; i++)
		mapped_file__unref(space->past[i].mapping.file);
	free(space->now);
	free(space->past);
	free(space);
}

bool address_space__is_shared(const struct address_space *space)
{
	return space->references > 1;
}

int address_space__copy(struct address_space **out, const struct address_space *space)
{
	struct address_space *copy;
	int error = address_space__new(&copy);

	if (error)
		return error;
	copy->now = malloc((space->count + 1) * sizeof(*copy->now));
	copy->past = malloc((space->past_count + 1) * sizeof(*copy->past));
	if (!copy->now || !copy->past) {
		address_space__unref(copy);
		return -ENOMEM;
	}
	for (; copy->count < space->count; copy->count++) {
		copy->now[copy->count] = space->now[copy->count];
		mapped_file__ref(copy->now[copy->count].file);
	}
	for (; copy->past_count < space->past_count; copy->past_count++) {
		copy->past[copy->past_count] = space->past[copy->past_count];
		mapped_file__ref(copy->past[copy->past_count].mapping.file);
	}
	copy->past_capacity = space->past_count + 1;
	*out = copy;
	return 0;
}

static struct mapping part(const struct mapping *whole, uint64_t start, uint64_t end)
{
	struct mapping cut = *whole;

	cut.offset += start - whole->start;
	cut.start = start;
	cut.end = end;
	return cut;
}

/* The first mapping that ends behind `address`. */
static size_t first_behind(const struct address_space *space, uint64_t address)
{
	size_t low = 0, high = space->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (space->now[middle].end <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Told again: mprotect(2) tells what it leaves executable, and run-time compilers call it often. */
static bool is_known(const struct mapping *there, const struct mapping *told)
{
	return there->start <= told->start && there->end >= told->end &&
	       there->from_ns <= told->from_ns && there->kind == told->kind &&
	       there->file == told->file &&
	       (there->kind == MAPPING_ANONYMOUS ||
		there->offset + (told->start - there->start) == told->offset);
}

/* Room for `more` in the past; the oldest go where there are too many. */
static int reserve_past(struct address_space *space, size_t more)
{
	size_t capacity = 2 * (space->past_count + more);
	struct covered *past;

	if (space->past_count + more <= space->past_capacity)
		return 0;
	past = reallocarray(space->past, capacity, sizeof(*past));
	if (!past)
		return -ENOMEM;
	space->past = past;
	space->past_capacity = capacity;
	return 0;
}

static void drop_past(struct address_space *space, size_t count)
{
	for (size_t i = 0; i < count; i++)
		mapped_file__unref(space->past[i].mapping.file);
	space->past_count -= count;
	memmove(space->past, space->past + count, space->past_count * sizeof(*space->past));
}

/* After reserve_past(). */
static void remember(struct address_space *space, struct mapping mapping, uint64_t until_ns)
{
	if (mapping.from_ns == until_ns)
		return;
	mapped_file__ref(mapping.file);
	space->past[space->past_count++] =
		(struct covered){.mapping = mapping, .until_ns = until_ns};
}

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* What becomes of the mappings from `first` to `last` under `added`: those that are younger stay
 * above it, of the others what it leaves free. Returns how many are in `out`. */
static size_t lay_over(struct address_space *space, size_t first, size_t last,
		       const struct mapping *added, struct mapping *out)
{
	uint64_t at = added->start;
	struct mapping behind = {0};
	size_t count = 0;

	for (size_t i = first; i < last; i++) {
		const struct mapping *there = &space->now[i];
		uint64_t start = later(there->start, added->start);
		uint64_t end = earlier(there->end, added->end);

		if (there->from_ns > added->from_ns) {
			if (at < start)
				out[count++] = part(added, at, start);
			out[count++] = *there;
			at = end;
			remember(space, part(added, start, end), there->from_ns);
			continue;
		}
		if (there->start < start)
			out[count++] = part(there, there->start, start);
		if (there->end > end)
			behind = part(there, end, there->end);
		remember(space, part(there, start, end), added->from_ns);
	}
	if (at < added->end)
		out[count++] = part(added, at, added->end);
	if (behind.end)
		out[count++] = behind;
	return count;
}

int address_space__add(struct address_space *space, const struct mapping *added)
{
	_cleanup_(freep) struct mapping *now = NULL;
	size_t first, last, made, count;
	int error;

	if (added->start >= added->end)
		return -EINVAL;
	first = last = first_behind(space, added->start);
	while (last < space->count && space->now[last].start < added->end)
		last++;
	if (last - first == 1 && is_known(&space->now[first], added))
		return 0;
	now = malloc((space->count + 2 * (last - first) + 3) * sizeof(*now));
	error = now ? reserve_past(space, last - first) : -ENOMEM;
	if (error)
		return error;
	/* The limit before anything changes: a mapping adds two parts at most, and one for each
	 * younger one. */
	if (space->count + (last - first) + 2 > ADDRESS_SPACE_MAPPINGS_MAX)
		return -ENOSPC;
	made = lay_over(space, first, last, added, now + first);
	for (size_t i = 0; i < made; i++)
		mapped_file__ref(now[first + i].file);
	for (size_t i = first; i < last; i++)
		mapped_file__unref(space->now[i].file);
	count = first + made + (space->count - last);
	if (space->count) {
		memcpy(now, space->now, first * sizeof(*now));
		memcpy(now + first + made, space->now + last, (space->count - last) * sizeof(*now));
	}
	free(space->now);
	space->now = take(now);
	space->count = count;
	if (space->past_count > ADDRESS_SPACE_PAST_MAX) {
		space->forgotten += space->past_count - ADDRESS_SPACE_PAST_MAX;
		drop_past(space, space->past_count - ADDRESS_SPACE_PAST_MAX);
	}
	return 0;
}

bool address_space__find(const struct address_space *space, uint64_t address, uint64_t time_ns,
			 struct mapping *out)
{
	size_t index = first_behind(space, address);
	const struct mapping *found = NULL;

	if (index < space->count && space->now[index].start <= address &&
	    space->now[index].from_ns <= time_ns) {
		*out = space->now[index];
		return true;
	}
	for (size_t i = 0; i < space->past_count; i++) {
		const struct mapping *there = &space->past[i].mapping;

		if (there->start <= address && address < there->end && there->from_ns <= time_ns &&
		    (!found || there->from_ns >= found->from_ns))
			found = there;
	}
	if (!found)
		return false;
	*out = *found;
	return true;
}

void address_space__raise(struct address_space *space, uint64_t start, uint64_t end,
			  uint64_t from_ns)
{
	for (size_t i = first_behind(space, start); i < space->count; i++) {
		struct mapping *there = &space->now[i];

		if (there->end > end)
			break;
		if (there->start >= start)
			there->from_ns = later(there->from_ns, from_ns);
	}
}

void address_space__forget(struct address_space *space, uint64_t until_ns)
{
	size_t kept = 0;

	for (size_t i = 0; i < space->past_count; i++) {
		if (space->past[i].until_ns > until_ns)
			space->past[kept++] = space->past[i];
		else
			mapped_file__unref(space->past[i].mapping.file);
	}
	space->past_count = kept;
}

const struct mapping *address_space__mappings(const struct address_space *space, size_t *count)
{
	*count = space->count;
	return space->now;
}

uint64_t address_space__forgotten(const struct address_space *space)
{
	return space->forgotten;
}

size_t address_space__bytes(const struct address_space *space)
{
	return sizeof(*space) + space->count * sizeof(*space->now) +
	       space->past_capacity * sizeof(*space->past);
}
