/* SPDX-License-Identifier: GPL-2.0-only */
#include "stacks/arrival.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

/* Linux, Documentation/admin-guide/mm/pagemap.rst */
#define PAGEMAP_PRESENT (1ULL << 63)
#define PAGEMAP_SWAPPED (1ULL << 62)
#define PAGEMAP_FILE    (1ULL << 61) /* of a file, or shared anonymous memory */

/* 0: gone, or not readable. */
static bool read_entry(const struct stack_sample *sample, const char *proc, long page_bytes,
		       uint64_t *entry)
{
	_cleanup_(closep) int fd = -1;
	struct stat info;
	char path[128];

	snprintf(path, sizeof(path), "%s/%u/pagemap", proc, sample->task.pid);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &info) || !S_ISREG(info.st_mode))
		return false;
	return pread(fd, entry, sizeof(*entry),
		     (off_t)(sample->address / (uint64_t)page_bytes * sizeof(*entry))) ==
	       sizeof(*entry);
}

enum arrival arrival__look(struct stack_sample *sample, const char *proc, long page_bytes)
{
	uint64_t entry = 0;

	if (!read_entry(sample, proc, page_bytes, &entry)) {
		sample->pages[GROWTH_ANON] = 1;
		return ARRIVAL_NOT_KNOWN;
	}
	if (!(entry & (PAGEMAP_PRESENT | PAGEMAP_SWAPPED)))
		return ARRIVAL_NONE;
	/* An anonymous page that was read before it was written is the kernel's one page of zeroes.
	 */
	if (sample->flags & STACK_SAMPLE_READ && !(entry & PAGEMAP_FILE))
		return ARRIVAL_NONE;
	sample->pages[entry & PAGEMAP_FILE ? GROWTH_FILE : GROWTH_ANON] = 1;
	return ARRIVAL_CAME;
}
