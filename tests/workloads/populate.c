/* SPDX-License-Identifier: GPL-2.0-only */

/* Memory that comes without a page fault: populate mmap|mlock|touch TOTAL. "touch", for
 * comparison, takes the faults.
 */

#include "own_frame.h"

OWN_FRAME static void take_populated(unsigned long bytes)
{
	if (mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE,
		 -1, 0) == MAP_FAILED)
		die("mmap");
	COME_BACK();
}

OWN_FRAME static void take_locked(unsigned long bytes)
{
	if (mlock(map_fresh(bytes), bytes))
		die("mlock");
	COME_BACK();
}

OWN_FRAME static void take_touched(unsigned long bytes)
{
	allocate(bytes);
	COME_BACK();
}

int main(int argc, char **argv)
{
	unsigned long total = argc == 3 ? parse_size(argv[2]) : 0;

	if (!total)
		return 2;
	hard_stop(total, 60);
	tell("pid=%d", getpid());
	if (!strcmp(argv[1], "mmap"))
		take_populated(total);
	else if (!strcmp(argv[1], "mlock"))
		take_locked(total);
	else
		take_touched(total);
	tell("total_bytes=%lu", total);
	return 0;
}
