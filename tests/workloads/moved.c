/* SPDX-License-Identifier: GPL-2.0-only */

/*
 * Has memory moved by mremap(2) again and again, gives as much of another kind back, and stays:
 * moved TOTAL. Sizes are those that may be aligned to huge pages and others in turn.
 */

#include "own_frame.h"

#define STEPS 12

static char *take(unsigned long bytes)
{
	char *memory =
		mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		die("mmap");
	return memory;
}

OWN_FRAME static void keep(char *memory, unsigned long bytes)
{
	memset(memory, 'k', bytes);
	COME_BACK();
}

OWN_FRAME static void give_back(unsigned long bytes)
{
	char *memory = take(bytes);

	madvise(memory, bytes, MADV_NOHUGEPAGE);
	memset(memory, 'g', bytes);
	if (munmap(memory, bytes))
		die("munmap");
	COME_BACK();
}

int main(int argc, char **argv)
{
	unsigned long total = argc == 2 ? parse_size(argv[1]) : 0, step = total / STEPS, bytes = 0;
	unsigned long moves = 0;
	char *memory = NULL;

	if (!total || step % (2 * MIB))
		return 2;
	hard_stop(3 * total, 120);
	tell("pid=%d", getpid());
	for (int i = 0; i < STEPS; i++) {
		const unsigned long more = (i + 1) * step + (i % 3 == 1 ? 5 * 4096 : 0);
		char *before = memory;

		if (!memory)
			memory = take(more);
		else
			memory = mremap(memory, bytes, more, MREMAP_MAYMOVE);
		if (memory == MAP_FAILED)
			die("mremap");
		moves += before && before != memory;
		madvise(memory, more, MADV_NOHUGEPAGE);
		keep(memory + bytes, more - bytes);
		bytes = more;
		/* In its way, on either side. */
		if (mmap(memory + bytes, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
		    MAP_FAILED)
			die("mmap");
	}
	give_back(total);
	tell("moves=%lu", moves);
	tell("bytes.keep=%lu", bytes);
	tell("bytes.give_back=%lu", total);
	tell("settled=1");
	pause();
	return 0;
}
