/* SPDX-License-Identifier: GPL-2.0-only */

/* Renames itself, and kills a zombie, as fast as it can for the given number of seconds. */

#include <signal.h>
#include <sys/prctl.h>
#include <time.h>

#include "workload.h"

int main(int argc, char **argv)
{
	time_t end = time(NULL) + (argc > 1 ? atoi(argv[1]) : 5);
	pid_t zombie = fork();

	if (zombie < 0)
		die("fork");
	if (!zombie)
		_exit(0);
	while (time(NULL) < end) {
		for (int i = 0; i < 1000; i++) {
			prctl(PR_SET_NAME, i & 1 ? "renamed-a" : "renamed-b");
			kill(zombie, SIGKILL);
		}
	}
	return 0;
}
