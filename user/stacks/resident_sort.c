/* SPDX-License-Identifier: GPL-2.0-only */
#include <stdlib.h>
#include <string.h>

#include "stacks/resident_internal.h"

/* Pages in the order of their addresses, and what becomes of those that share one. */

/* It brought nothing that was not there before. */
static bool is_back_from_swap(const struct page *page)
{
	return page->pages[GROWTH_SWAP] > 0 && page->pages[GROWTH_ANON] <= 0 &&
	       page->pages[GROWTH_FILE] <= 0 && page->pages[GROWTH_SHMEM] <= 0;
}

/* What a younger sample takes away was counted with that sample: it is not told as gone. */
static void take_off(struct page *page, const struct page *younger)
{
	for (int i = 0; i < GROWTH_MEMBERS; i++) {
		if (younger->pages[i] < 0)
			page->pages[i] += younger->pages[i];
		if (page->pages[i] < 0)
			page->pages[i] = 0;
	}
}

/* True: `younger` lives at the address from now on, and `page` is gone. */
static bool gives_way(struct page *page, const struct page *younger)
{
	take_off(page, younger);
	if (!page__has_any(page))
		page->state = PAGE_GONE;
	if (page->state != PAGE_GONE && (is_back_from_swap(younger) || !page__has_any(younger))) {
		page->state = PAGE_LIVES;
		return false;
	}
	page->state = PAGE_GONE;
	return true;
}

static int compare_places(const void *left, const void *right)
{
	const struct page *a = left, *b = right;

	if (a->address != b->address)
		return a->address < b->address ? -1 : 1;
	return (a->order > b->order) - (a->order < b->order);
}

/* Both sorted: `pages` has room for them, `more` is a copy of what is behind its first `count`. */
static void merge(struct page *pages, size_t count, const struct page *more, size_t more_count)
{
	size_t to = count + more_count;

	while (more_count) {
		if (count && compare_places(&pages[count - 1], &more[more_count - 1]) > 0)
			pages[--to] = pages[--count];
		else
			pages[--to] = more[--more_count];
	}
}

/* Of those at one address the last one alive stays so. Those without anything are of no use. */
static void settle(struct page *pages, size_t count)
{
	struct page *alive = NULL;

	for (size_t i = 0; i < count; i++) {
		struct page *page = &pages[i];

		if (page->state == PAGE_GONE)
			continue;
		if (alive && alive->address == page->address && !gives_way(alive, page)) {
			/* Nobody's: it is gone without a trace. */
			memset(page->pages, 0, sizeof(page->pages));
			page->state = PAGE_GONE;
			continue;
		}
		for (int member = 0; member < GROWTH_MEMBERS; member++) {
			if (page->pages[member] < 0)
				page->pages[member] = 0;
		}
		if (!page__has_any(page))
			page->state = PAGE_GONE;
		else
			alive = page;
	}
}

void sampled__sort(struct sampled *sampled)
{
	const size_t tail = sampled->count - sampled->sorted;
	struct page *pages = sampled->pages, *copy;

	if (!tail)
		return;
	qsort(pages + sampled->sorted, tail, sizeof(*pages), compare_places);
	copy = malloc(tail * sizeof(*copy));
	if (copy) {
		memcpy(copy, pages + sampled->sorted, tail * sizeof(*copy));
		merge(pages, sampled->sorted, copy, tail);
		free(copy);
	} else {
		qsort(pages, sampled->count, sizeof(*pages), compare_places);
	}
	sampled->sorted = sampled->count;
	settle(pages, sampled->count);
}
