/* SPDX-License-Identifier: GPL-2.0-only */

/*
 * Resident memory that is not anonymous: filemap FILE SHARED TOTAL. Maps FILE, which is there and
 * at least half of TOTAL long, and reads so much of it; makes SHARED, a file of a tmpfs, and fills
 * the other half of TOTAL through a mapping. Lives on for a second: which file it was is asked
 * after the fact.
 */

#include <fcntl.h>

#include "own_frame.h"

static char *map_file(const char *path, int flags, unsigned long bytes)
{
	int fd = open(path, flags | O_CLOEXEC, 0600);
	char *memory;

	if (fd < 0 || (flags & O_CREAT && ftruncate(fd, bytes)))
		die(path);
	memory =
		mmap(NULL, bytes, PROT_READ | (flags & O_RDWR ? PROT_WRITE : 0), MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED)
		die(path);
	close(fd);
	return memory;
}

OWN_FRAME static void scan_file(const char *path, unsigned long bytes)
{
	volatile char *memory = map_file(path, O_RDONLY, bytes);
	unsigned long page = sysconf(_SC_PAGESIZE);

	for (unsigned long at = 0; at < bytes; at += page)
		(void)memory[at];
	COME_BACK();
}

OWN_FRAME static void fill_shared(const char *path, unsigned long bytes)
{
	memset(map_file(path, O_RDWR | O_CREAT, bytes), 'x', bytes);
	COME_BACK();
}

int main(int argc, char **argv)
{
	unsigned long total = argc == 4 ? parse_size(argv[3]) : 0;

	if (!total)
		return 2;
	hard_stop(total, 60);
	tell("pid=%d", getpid());
	scan_file(argv[1], total / 2);
	fill_shared(argv[2], total / 2);
	tell("bytes.scan_file=%lu", total / 2);
	tell("chain.scan_file=scan_file main");
	tell("bytes.fill_shared=%lu", total / 2);
	tell("chain.fill_shared=fill_shared main");
	sleep_ns(1000000000);
	return 0;
}
