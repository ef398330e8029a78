/* SPDX-License-Identifier: GPL-2.0-only */

/*
 * Memory that a child has from its parent: forked TOTAL. The parent grows by TOTAL and forks; the
 * child writes to half of what it inherited, each page of which is copied for it, and then grows by
 * a quarter of TOTAL itself.
 */

#include <sys/wait.h>

#include "own_frame.h"

OWN_FRAME static char *parent_grows(unsigned long bytes)
{
	char *memory = allocate(bytes);

	COME_BACK();
	return memory;
}

OWN_FRAME static void child_writes(char *memory, unsigned long bytes)
{
	memset(memory, 'y', bytes);
	COME_BACK();
}

OWN_FRAME static void child_grows(unsigned long bytes)
{
	allocate(bytes);
	COME_BACK();
}

int main(int argc, char **argv)
{
	unsigned long total = argc == 2 ? parse_size(argv[1]) : 0;
	char *memory;
	int status;
	pid_t child;

	if (!total)
		return 2;
	hard_stop(total + total / 4, 60);
	tell("pid=%d", getpid());
	memory = parent_grows(total);
	child = fork();
	if (child < 0)
		die("fork");
	if (!child) {
		child_writes(memory, total / 2);
		child_grows(total / 4);
		_exit(0);
	}
	if (waitpid(child, &status, 0) != child || status)
		die("the child");
	tell("child_pid=%d", child);
	tell("bytes.parent_grows=%lu", total);
	tell("chain.parent_grows=allocate parent_grows main");
	tell("inherited_bytes=%lu", total);
	tell("copied_bytes=%lu", total / 2);
	tell("bytes.child_grows=%lu", total / 4);
	tell("chain.child_grows=allocate child_grows main");
	return 0;
}
