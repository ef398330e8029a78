/* SPDX-License-Identifier: GPL-2.0-only */

/* Grows at the bottom of a recursion: deep DEPTH TOTAL [FRAME REST-MS]. descend() is on the stack
 * DEPTH times, with FRAME bytes more of it each; with REST-MS it grows by parts, and rests behind
 * each.
 */

#include "own_frame.h"

#define DEPTH_MAX 50000 /* 5 MiB of stack */

#define PARTS     32

static unsigned long frame_bytes, rest_ms;

OWN_FRAME static void take_at_the_bottom(unsigned long bytes)
{
	if (!rest_ms)
		allocate(bytes);
	for (int part = 0; rest_ms && part < PARTS; part++) {
		allocate(bytes / PARTS);
		sleep_ns(rest_ms * 1000000);
	}
	COME_BACK();
}

OWN_FRAME static void descend(unsigned long levels, unsigned long bytes)
{
	char held[frame_bytes + 1];

	__asm__ volatile("" : : "r"(held) : "memory");
	if (levels > 1)
		descend(levels - 1, bytes);
	else
		take_at_the_bottom(bytes);
	COME_BACK();
}

int main(int argc, char **argv)
{
	unsigned long depth = argc >= 3 ? strtoul(argv[1], NULL, 10) : 0;
	unsigned long total = argc >= 3 ? parse_size(argv[2]) : 0;

	if (argc == 5) {
		frame_bytes = strtoul(argv[3], NULL, 10);
		rest_ms = strtoul(argv[4], NULL, 10);
	}
	if (!depth || depth > DEPTH_MAX || !total)
		return 2;
	hard_stop(total, 60);
	tell("pid=%d", getpid());
	descend(depth, total);
	tell("depth=%lu", depth);
	tell("bytes.take_at_the_bottom=%lu", total);
	return 0;
}
