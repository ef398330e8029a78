/* SPDX-License-Identifier: GPL-2.0-only */

/* read(2) into memory that was never touched: reader FILE TOTAL. The page faults are the kernel's.
 */

#include <fcntl.h>

#include "own_frame.h"

#define PIECE_BYTES MIB

OWN_FRAME static void read_piece(int fd)
{
	char *memory = map_fresh(PIECE_BYTES);

	for (unsigned long done = 0; done < PIECE_BYTES;) {
		ssize_t got = read(fd, memory + done, PIECE_BYTES - done);

		if (got <= 0)
			die("read");
		done += got;
	}
	COME_BACK();
}

OWN_FRAME static void load_file(const char *path, unsigned long total)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		die(path);
	for (unsigned long done = 0; done < total; done += PIECE_BYTES)
		read_piece(fd);
	close(fd);
	COME_BACK();
}

int main(int argc, char **argv)
{
	unsigned long total = argc == 3 ? parse_size(argv[2]) / PIECE_BYTES * PIECE_BYTES : 0;

	if (!total)
		return 2;
	hard_stop(total, 60);
	tell("pid=%d", getpid());
	load_file(argv[1], total);
	tell("bytes.read_piece=%lu", total);
	tell("chain.read_piece=read_piece load_file main");
	return 0;
}
