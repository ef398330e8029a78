/* SPDX-License-Identifier: GPL-2.0-only */

/* Becomes `brief --marked MARKER...`, lives 5 ms more and is gone: brief MARKER... */

#include "workload.h"

int main(int argc, char **argv)
{
	char *again[16] = {"brief", "--marked"};

	hard_stop(MIB, 10);
	if (argc >= 2 && !strcmp(argv[1], "--marked")) {
		sleep_ns(5000000);
		return 0;
	}
	if (argc < 2 || argc > 14)
		return 2;
	memcpy(&again[2], &argv[1], (argc - 1) * sizeof(*argv));
	tell("pid=%d", getpid());
	execv("/proc/self/exe", again);
	die("execv");
}
