/* SPDX-License-Identifier: GPL-2.0-only */

/* Two processes on one mm, as vfork() makes for a moment, both staying: shared_mm TOTAL.
 * The parent grows; the kernel must kill both.
 */

#include <sched.h>
#include <signal.h>

#include "workload.h"

static char child_stack[64 << 10] __attribute__((aligned(16)));

static int stay(void *unused)
{
	(void)unused;
	prctl(PR_SET_NAME, "mm_sharer");
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	while (pause())
		;
	return 0;
}

int main(int argc, char **argv)
{
	unsigned long total;
	pid_t child;

	if (argc != 2)
		return 2;
	total = parse_size(argv[1]);
	hard_stop(total, 60);
	prctl(PR_SET_NAME, "mm_grower");
	child = clone(stay, child_stack + sizeof(child_stack), CLONE_VM | SIGCHLD, NULL);
	if (child < 0)
		die("clone");
	tell("pid=%d", getpid());
	tell("child_pid=%d", child);
	for (unsigned long done = 0; done < total; done += MIB) {
		if (!grow_by(MIB))
			break;
		tell("grown_bytes=%lu", done + MIB);
		sleep_ns(2000000);
	}
	tell("done=1");
	kill(child, SIGTERM);
	return 0;
}
