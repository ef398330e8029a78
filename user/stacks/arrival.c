/* SPDX-License-Identifier: GPL-2.0-only */
#include "stacks/arrival.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

/* Linux, Documentation/admin-guide/mm/pagemap.rst */
#define PAGEMAP_PRESENT (1ULL << 63)
#define PAGEMAP_SWAPPED (1ULL << 62)
#define PAGEMAP_FILE    (1ULL << 61) /* of a file, or shared anonymous memory */

/* As in the BPF programs: what one fault maps of a file at most. */
#define AROUND_BYTES    65536L
#define AROUND_PAGES    (AROUND_BYTES / 4096)

/* How many entries could be read: 0: gone, or not readable. */
static size_t read_entries(const struct stack_sample *sample, const char *proc, long page_bytes,
			   size_t wanted, uint64_t entries[AROUND_PAGES])
{
	const uint64_t page = sample->address / (uint64_t)page_bytes / wanted * wanted;
	_cleanup_(closep) int fd = -1;
	struct stat info;
	char path[128];
	ssize_t got;

	snprintf(path, sizeof(path), "%s/%u/pagemap", proc, sample->task.pid);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &info) || !S_ISREG(info.st_mode))
		return 0;
	got = pread(fd, entries, wanted * sizeof(*entries), (off_t)(page * sizeof(*entries)));
	return got > 0 ? (size_t)got / sizeof(*entries) : 0;
}

static enum arrival look(struct stack_sample *sample, const char *proc, long page_bytes)
{
	const bool read = sample->flags & STACK_SAMPLE_READ;
	const size_t wanted =
		read && page_bytes < AROUND_BYTES ? (size_t)(AROUND_BYTES / page_bytes) : 1;
	uint64_t entries[AROUND_PAGES];
	const __s32 seen = sample->pages[GROWTH_FILE];
	size_t count = read_entries(sample, proc, page_bytes, wanted, entries);

	memset(sample->pages, 0, sizeof(sample->pages));
	if (!count && !seen) {
		sample->pages[read ? GROWTH_FILE : GROWTH_ANON] = 1;
		return ARRIVAL_NOT_KNOWN;
	}
	for (size_t i = 0; i < count; i++) {
		if (!(entries[i] & (PAGEMAP_PRESENT | PAGEMAP_SWAPPED)))
			continue;
		/* An anonymous page that was read before it was written is the kernel's one page of
		 * zeroes; or a neighbour, which did not come by this fault. */
		if (entries[i] & PAGEMAP_FILE)
			sample->pages[GROWTH_FILE]++;
		else if (!read)
			sample->pages[GROWTH_ANON]++;
	}
	/* More have come since, or what came has gone. */
	if (seen && (sample->pages[GROWTH_FILE] > seen ||
		     (!sample->pages[GROWTH_FILE] && !sample->pages[GROWTH_ANON])))
		sample->pages[GROWTH_FILE] = seen;
	return sample->pages[GROWTH_FILE] || sample->pages[GROWTH_ANON] ? ARRIVAL_CAME
									: ARRIVAL_NONE;
}

enum arrival arrival__of(struct stack_sample *sample, const char *proc, long page_bytes)
{
	const __s32 *pages = sample->pages;

	if (!(sample->flags & STACK_SAMPLE_EARLY))
		return pages[GROWTH_ANON] > 0 || pages[GROWTH_FILE] > 0 || pages[GROWTH_SHMEM] > 0
			       ? ARRIVAL_CAME
			       : ARRIVAL_NONE;
	/* Whether what is there was there before cannot be seen; mostly it was. */
	return sample->flags & STACK_SAMPLE_THERE ? ARRIVAL_NONE : look(sample, proc, page_bytes);
}

void arrival__take_no_more_than_came(struct stack_sample *sample)
{
	__s32 *pages = sample->pages, left;

	if (pages[GROWTH_ANON] < 0)
		pages[GROWTH_ANON] = 0;
	left = pages[GROWTH_ANON];
	if (pages[GROWTH_FILE] < -left)
		pages[GROWTH_FILE] = -left;
	if (pages[GROWTH_FILE] < 0)
		left += pages[GROWTH_FILE];
	if (pages[GROWTH_SHMEM] < -left)
		pages[GROWTH_SHMEM] = -left;
}
