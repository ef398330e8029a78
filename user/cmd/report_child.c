/* SPDX-License-Identifier: GPL-2.0-only */
#include "cmd/report_child.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/oom_score.h"

int report_child__start(struct report_child *child, const char *dir, const char *id)
{
	char *argv[] = {"oomtrail", "report", "--dir", (char *)dir, "--save", (char *)id, NULL};
	posix_spawnattr_t attributes;
	sigset_t none, all;
	pid_t pid;
	int error;

	posix_spawnattr_init(&attributes);
	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &all);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	error = posix_spawn(&pid, "/proc/self/exe", NULL, &attributes, argv, environ);
	posix_spawnattr_destroy(&attributes);
	if (error)
		return -error;
	child->pid = pid;
	oom_score__offer(pid);
	return 0;
}

bool report_child__is_running(const struct report_child *child)
{
	return child->pid != 0;
}

bool report_child__ended(struct report_child *child, bool *done)
{
	int status;

	if (!child->pid || waitpid(child->pid, &status, WNOHANG) != child->pid)
		return false;
	child->pid = 0;
	*done = WIFEXITED(status) && WEXITSTATUS(status) == 0;
	return true;
}

void report_child__end(struct report_child *child)
{
	int status;

	if (!child->pid)
		return;
	kill(child->pid, SIGKILL);
	waitpid(child->pid, &status, 0);
	child->pid = 0;
}
