/* SPDX-License-Identifier: GPL-2.0-only */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "stacks/resident_internal.h"

/* Pages that mremap(2) has moved keep their owners. */

/*
 * Where the kernel numbers the page from: its address before anything was moved. Huge pages want
 * that number and the address to agree in their lower bits, so it decides where pages go.
 */
static uint64_t origin_of(const struct sampled *sampled, uint64_t address)
{
	for (unsigned int i = 0; i < SHIFTS_MAX; i++) {
		const struct shift *shift = &sampled->shifts[i];

		if (address >= shift->start && address - shift->start < shift->bytes)
			return address - shift->by;
	}
	return address;
}

/* As __thp_get_unmapped_area() of Linux aligns what it has found room for. */
static uint64_t place_of(const struct stack_sample_moved *moved, uint64_t origin)
{
	uint64_t align, more;

	if (moved->place_bytes <= moved->new_bytes)
		return moved->place;
	align = moved->place_bytes - moved->new_bytes;
	if (align & (align - 1))
		return moved->place;
	more = (origin - moved->place) & (align - 1);
	if (!more && moved->flags & MOVED_DOWNWARD)
		more = align;
	return moved->place + more;
}

/* The latest ones are the likeliest to be moved again. */
static void remember(struct sampled *sampled, uint64_t start, uint64_t bytes, uint64_t by)
{
	memmove(&sampled->shifts[1], &sampled->shifts[0],
		sizeof(sampled->shifts) - sizeof(sampled->shifts[0]));
	sampled->shifts[0] = (struct shift){.start = start, .bytes = bytes, .by = by};
}

static bool is_of(const struct page *page, const struct stack_sample_moved *moved)
{
	return page->state != PAGE_GONE && page->address >= moved->from &&
	       page->address - moved->from < moved->bytes;
}

/* It was asked for, and a place was found; then something else may have been missing. */
static bool stayed(struct resident *resident, const struct sampled *sampled,
		   const struct stack_sample_moved *moved, uint64_t place)
{
	_cleanup_(closep) int fd = resident__pagemap(resident, sampled->pid);

	for (size_t i = 0; i < sampled->count && fd >= 0; i++) {
		const struct page *page = &sampled->pages[i];

		if (is_of(page, moved))
			return resident__is_there(resident, fd, page->address) &&
			       !resident__is_there(resident, fd,
						   page->address - moved->from + place);
	}
	return false;
}

void resident__move(struct resident *resident, const struct stack_sample_moved *moved)
{
	struct sampled *sampled;
	uint64_t place, origin;

	HASH_FIND(hh, resident->processes, &moved->pid, sizeof(moved->pid), sampled);
	if (!sampled || sampled->mm_id != moved->mm_id)
		return;
	origin = origin_of(sampled, moved->from);
	place = place_of(moved, origin);
	if (stayed(resident, sampled, moved, place))
		return;
	for (size_t i = 0; i < sampled->count; i++) {
		struct page *page = &sampled->pages[i];

		if (!is_of(page, moved))
			continue;
		page->address = page->address - moved->from + place;
		page->order = ++sampled->order;
		page->state = PAGE_LIVES;
		resident->counts.moved++;
	}
	/* Those that were sorted are no more, and what was read of them was of another place. */
	sampled->sorted = 0;
	sampled->next = 0;
	remember(sampled, place, moved->new_bytes, place - origin);
}
