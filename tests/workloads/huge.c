/* SPDX-License-Identifier: GPL-2.0-only */

/* Grows with huge pages or without: huge on|off TOTAL. Tells what the kernel made of it. */

#include "own_frame.h"

#define HUGE_PAGE_BYTES (2 * MIB)

OWN_FRAME static void fill(char *memory, unsigned long bytes)
{
	memset(memory, 'x', bytes);
	COME_BACK();
}

static unsigned long huge_bytes(void)
{
	FILE *file = fopen("/proc/self/smaps_rollup", "r");
	unsigned long kib = 0;
	char line[256];

	if (!file)
		die("smaps_rollup");
	while (fgets(line, sizeof(line), file) && !sscanf(line, "AnonHugePages: %lu kB", &kib))
		;
	fclose(file);
	return kib << 10;
}

int main(int argc, char **argv)
{
	unsigned long total =
		argc == 3 ? parse_size(argv[2]) / HUGE_PAGE_BYTES * HUGE_PAGE_BYTES : 0;
	char *memory;
	bool on;

	if (!total)
		return 2;
	on = !strcmp(argv[1], "on");
	hard_stop(total, 60);
	/* Its own mapping, from a whole huge page to a whole huge page. */
	memory = map_fresh(total + HUGE_PAGE_BYTES);
	memory += -(uintptr_t)memory & (HUGE_PAGE_BYTES - 1);
	if (madvise(memory, total, on ? MADV_HUGEPAGE : MADV_NOHUGEPAGE))
		die("madvise");
	tell("pid=%d", getpid());
	fill(memory, total);
	tell("huge_bytes=%lu", huge_bytes());
	tell("bytes.fill=%lu", total);
	tell("chain.fill=fill main");
	return 0;
}
