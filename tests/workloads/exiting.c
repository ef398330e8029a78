/* SPDX-License-Identifier: GPL-2.0-only */

/*
 * A process that is exiting for as long as one likes, all of its memory still there:
 * exiting TOTAL FILE. The child grows by TOTAL and exits with status 3; its parent traces it and
 * lets it go on exiting when FILE exists.
 */

#include <pthread.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "workload.h"

#define EXIT_STATUS 3

static void *stay(void *unused)
{
	while (pause())
		;
	return unused;
}

/* In two threads: 5.10 marks a process of one as exiting only behind its tracer. */
static void leave(unsigned long total)
{
	pthread_t thread;

	prctl(PR_SET_NAME, "leaver");
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL))
		die("PTRACE_TRACEME");
	if (pthread_create(&thread, NULL, stay, NULL))
		die("pthread_create");
	raise(SIGSTOP);
	if (!grow_by(total))
		die("mmap");
	exit(EXIT_STATUS);
}

static int wait_for_stop(pid_t child)
{
	int status;

	if (waitpid(child, &status, 0) != child)
		die("waitpid");
	return status;
}

int main(int argc, char **argv)
{
	const int exiting = SIGTRAP | PTRACE_EVENT_EXIT << 8;
	unsigned long total;
	pid_t child;
	int status;

	if (argc != 3)
		return 2;
	total = parse_size(argv[1]);
	hard_stop(total, 100);
	child = fork();
	if (child < 0)
		die("fork");
	if (!child)
		leave(total);
	tell("pid=%d", getpid());
	tell("child_pid=%d", child);
	wait_for_stop(child);
	if (ptrace(PTRACE_SETOPTIONS, child, NULL, PTRACE_O_TRACEEXIT | PTRACE_O_EXITKILL) ||
	    ptrace(PTRACE_CONT, child, NULL, NULL))
		die("ptrace");
	status = wait_for_stop(child);
	if (!WIFSTOPPED(status) || status >> 8 != exiting) {
		fprintf(stderr, "status %#x\n", status);
		return 1;
	}
	tell("exiting=1");
	while (access(argv[2], F_OK))
		sleep_ns(2000000);
	if (ptrace(PTRACE_CONT, child, NULL, NULL))
		die("PTRACE_CONT");
	status = wait_for_stop(child);
	tell("child_status=%d", WIFEXITED(status) ? WEXITSTATUS(status) : -1);
	return 0;
}
