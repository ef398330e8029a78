/* SPDX-License-Identifier: GPL-2.0-only */

/* One buffer grows by realloc(3), a step at a time, and moves: realloc_grow TOTAL. */

#include "own_frame.h"

#define STEP_BYTES MIB

static char *buffer;

OWN_FRAME static bool append(unsigned long at)
{
	char *before = buffer;

	buffer = realloc(buffer, at + STEP_BYTES);
	if (!buffer)
		die("realloc");
	memset(buffer + at, 'x', STEP_BYTES);
	COME_BACK();
	return buffer != before;
}

int main(int argc, char **argv)
{
	unsigned long total = argc == 2 ? parse_size(argv[1]) : 0, moves = 0;
	void *wall;

	if (!total || total % STEP_BYTES)
		return 2;
	hard_stop(total, 60);
	tell("pid=%d", getpid());
	for (unsigned long at = 0; at < total; at += STEP_BYTES) {
		moves += append(at);
		/* In the buffer's way, every now and then. */
		if (at % (8 * STEP_BYTES) == 0) {
			wall = mmap(buffer + at + 2 * STEP_BYTES, 4096, PROT_NONE,
				    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
			if (wall == MAP_FAILED)
				die("mmap");
		}
	}
	tell("moves=%lu", moves);
	tell("bytes.append=%lu", total);
	tell("chain.append=append main");
	return 0;
}
