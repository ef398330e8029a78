/* SPDX-License-Identifier: GPL-2.0-only */

/* Grows at the bottom of a recursion: deep DEPTH TOTAL. descend() is on the stack DEPTH times. */

#include "own_frame.h"

#define DEPTH_MAX 50000 /* 3 MiB of stack */

OWN_FRAME static void take_at_the_bottom(unsigned long bytes)
{
	allocate(bytes);
	COME_BACK();
}

OWN_FRAME static void descend(unsigned long levels, unsigned long bytes)
{
	if (levels > 1)
		descend(levels - 1, bytes);
	else
		take_at_the_bottom(bytes);
	COME_BACK();
}

int main(int argc, char **argv)
{
	unsigned long depth = argc == 3 ? strtoul(argv[1], NULL, 10) : 0;
	unsigned long total = argc == 3 ? parse_size(argv[2]) : 0;

	if (!depth || depth > DEPTH_MAX || !total)
		return 2;
	hard_stop(total, 60);
	tell("pid=%d", getpid());
	descend(depth, total);
	tell("depth=%lu", depth);
	tell("bytes.take_at_the_bottom=%lu", total);
	return 0;
}
