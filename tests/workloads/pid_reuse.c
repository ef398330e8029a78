/* SPDX-License-Identifier: GPL-2.0-only */

/* The same pid twice, with different programs: a process with a pid of the kernel's choice runs
 * `reuse_first` and ends, then clone3(set_tid) makes another with that very pid, `reuse_second`.
 * Needs CAP_SYS_ADMIN (or CAP_CHECKPOINT_RESTORE).
 */

#include <errno.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "workload.h"

static void live(const char *size)
{
	if (!grow_by(parse_size(size)))
		exit(1);
	sleep_ns(50000000);
	exit(0);
}

static pid_t fork_as(pid_t pid)
{
	struct clone_args arguments = {
		.exit_signal = SIGCHLD,
		.set_tid = pid ? (uintptr_t)&pid : 0,
		.set_tid_size = pid ? 1 : 0,
	};

	return syscall(SYS_clone3, &arguments, sizeof(arguments));
}

static pid_t run(pid_t pid, const char *name, const char *size)
{
	pid_t child = fork_as(pid);
	int status;

	if (child < 0)
		return -errno;
	if (child == 0) {
		execl("/proc/self/exe", name, "--live", size, NULL);
		_exit(127);
	}
	if (waitpid(child, &status, 0) != child || status)
		die(name);
	return child;
}

int main(int argc, char **argv)
{
	pid_t first, second;

	hard_stop(64 * MIB, 30);
	if (argc == 3 && !strcmp(argv[1], "--live")) {
		prctl(PR_SET_NAME, argv[0]);
		live(argv[2]);
	}
	for (int attempt = 0; attempt < 20; attempt++) {
		first = run(0, "reuse_first", "4M");
		if (first < 0)
			break;
		second = run(first, "reuse_second", "12M");
		if (second == first) {
			tell("pid=%d", first);
			tell("first_bytes=%lu", 4 * MIB);
			tell("second_bytes=%lu", 12 * MIB);
			return 0;
		}
		if (second != -EEXIST) {
			errno = -second;
			break;
		}
	}
	die("clone3");
}
