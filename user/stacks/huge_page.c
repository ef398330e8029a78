/* SPDX-License-Identifier: GPL-2.0-only */
#include "stacks/huge_page.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/units.h"

#define PAGES_MOST 256 /* that any other page fault brings */

/* Linux, include/uapi/linux/fs.h, since 6.7 */
struct page_region {
	uint64_t start, end, categories;
};

struct pm_scan_arg {
	uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages;
	uint64_t category_inverted, category_mask, category_anyof_mask, return_mask;
};

#define SCAN         _IOWR('f', 16, struct pm_scan_arg)
#define PAGE_IS_HUGE (1ULL << 6)

unsigned long huge_page__scan_request(void)
{
	return SCAN;
}

bool huge_page__is_claimed(const struct stack_sample *sample)
{
	return sample->pages[GROWTH_FILE] > PAGES_MOST || sample->pages[GROWTH_ANON] > PAGES_MOST ||
	       sample->pages[GROWTH_SHMEM] > PAGES_MOST;
}

static int open_file(const struct stack_sample *sample, const char *proc, const char *name)
{
	struct stat info;
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%u/%s", proc, sample->task.pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	if (!fstat(fd, &info) && S_ISREG(info.st_mode))
		return fd;
	closep(&fd);
	return -EINVAL;
}

/* 1: it has; 0: it has not; -errno: the kernel does not know the question, or it has gone. */
static int scan(const struct stack_sample *sample, const char *proc)
{
	_cleanup_(closep) int fd = open_file(sample, proc, "pagemap");
	/* The stretch that a page of the smallest size above an ordinary one would begin at. */
	const uint64_t huge_bytes = 2UL << 20;
	struct page_region region;
	struct pm_scan_arg scan = {
		.size = sizeof(scan),
		.start = sample->address & -huge_bytes,
		.end = (sample->address & -huge_bytes) + huge_bytes,
		.vec = (uintptr_t)&region,
		.vec_len = 1,
		.category_mask = PAGE_IS_HUGE,
		.return_mask = PAGE_IS_HUGE,
	};
	int found;

	if (fd < 0)
		return fd;
	found = ioctl(fd, SCAN, &scan);
	return found < 0 ? -errno : found > 0;
}

/* Does the mapping around the address have any? True as well where nothing can be said. */
static bool mapping_has_any(const struct stack_sample *sample, const char *proc)
{
	int fd = open_file(sample, proc, "smaps");
	FILE *file = fd < 0 ? NULL : fdopen(fd, "re");
	bool within = false, seen = false, any = false;
	char line[512];

	if (!file) {
		closep(&fd);
		return true;
	}
	while (!any && fgets(line, sizeof(line), file)) {
		uint64_t start, end, kib;

		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " ", &start, &end) == 2) {
			if (within)
				break;
			within = sample->address >= start && sample->address < end;
			seen |= within;
		} else if (within && (sscanf(line, "AnonHugePages: %" SCNu64, &kib) == 1 ||
				      sscanf(line, "ShmemPmdMapped: %" SCNu64, &kib) == 1 ||
				      sscanf(line, "FilePmdMapped: %" SCNu64, &kib) == 1)) {
			any = kib > 0;
		}
	}
	fclose(file);
	return any || !seen;
}

static bool may_look(struct huge_page_looks *looks, uint64_t time_ns)
{
	if (looks->second != time_ns / NS_PER_S) {
		looks->second = time_ns / NS_PER_S;
		looks->count = 0;
	}
	return looks->count++ < HUGE_PAGE_LOOKS_MAX;
}

enum arrival huge_page__look(const struct stack_sample *sample, const char *proc,
			     struct huge_page_looks *looks)
{
	int found = scan(sample, proc);

	if (found == -ENOENT || found == -ESRCH || found == -EACCES || found == -EPERM)
		return ARRIVAL_CAME;
	if (found >= 0)
		return found ? ARRIVAL_CAME : ARRIVAL_NONE;
	if (!may_look(looks, sample->header.time_ns))
		return ARRIVAL_NOT_KNOWN;
	return mapping_has_any(sample, proc) ? ARRIVAL_CAME : ARRIVAL_NONE;
}
