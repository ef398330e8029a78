/* SPDX-License-Identifier: GPL-2.0-only */

/*
 * A death by SIGKILL that nobody has sent by kill(2): "parent" (a child that asked for it, when its
 * parent ends), "namespace" (a child of a pid namespace's init that ends), "cpu" (the limit of
 * processor time). Tells whose it is: pid=... before it happens.
 */

#include <sched.h>
#include <signal.h>
#include <sys/wait.h>

#include "workload.h"

/* Waits until the other end has said so, or is gone. */
static void await(int pipe_end)
{
	char byte;

	while (read(pipe_end, &byte, 1) < 0)
		;
}

static void rest(void)
{
	for (;;)
		pause();
}

static int end_with_parent(void)
{
	int ready[2];
	pid_t parent, child;

	if (pipe(ready))
		die("pipe");
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	parent = fork();
	if (parent == 0) {
		child = fork();
		if (child == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			if (write(ready[1], "x", 1) != 1)
				die("write");
			rest();
		}
		await(ready[0]);
		tell("pid=%d", child);
		tell("by=%d", getpid());
		_exit(0);
	}
	while (wait(NULL) > 0)
		;
	return 0;
}

/* Numbers outside are not those inside: the child's is the next one. */
static int end_with_namespace(void)
{
	int ready[2];
	pid_t init;

	if (pipe(ready))
		die("pipe");
	if (unshare(CLONE_NEWPID))
		die("unshare");
	init = fork();
	if (init == 0) {
		if (fork() == 0) {
			prctl(PR_SET_NAME, "inmate");
			if (write(ready[1], "x", 1) != 1)
				die("write");
			rest();
		}
		await(ready[0]);
		_exit(0);
	}
	tell("by=%d", init);
	while (wait(NULL) > 0)
		;
	return 0;
}

static int end_by_limit(void)
{
	const struct rlimit limit = {1, 1};

	tell("pid=%d", getpid());
	if (setrlimit(RLIMIT_CPU, &limit))
		die("setrlimit");
	while (getppid() > 0)
		;
	return 0;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (!strcmp(what, "parent"))
		return end_with_parent();
	if (!strcmp(what, "namespace"))
		return end_with_namespace();
	if (!strcmp(what, "cpu"))
		return end_by_limit();
	fprintf(stderr, "usage: deaths parent|namespace|cpu\n");
	return 2;
}
