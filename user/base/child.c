/* SPDX-License-Identifier: GPL-2.0-only */
#include "base/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"

static void become(char *const argv[], int go_fd, int failed_fd)
{
	sigset_t none;
	char go;
	int error;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	if (read(go_fd, &go, 1) != 1)
		_exit(125);
	execvp(argv[0], argv);
	error = errno;
	if (write(failed_fd, &error, sizeof(error)) != sizeof(error))
		_exit(126);
	_exit(127);
}

int child__hold(struct child *child, char *const argv[])
{
	int go[2], failed[2];

	if (pipe2(go, O_CLOEXEC))
		return -errno;
	if (pipe2(failed, O_CLOEXEC)) {
		closep(&go[0]);
		closep(&go[1]);
		return -errno;
	}
	child->pid = fork();
	if (child->pid == 0) {
		/* Our own end kept open would keep the child waiting for ever. */
		close(go[1]);
		become(argv, go[0], failed[1]);
	}
	closep(&go[0]);
	closep(&failed[1]);
	if (child->pid < 0) {
		child->pid = 0;
		closep(&go[1]);
		closep(&failed[0]);
		return -errno;
	}
	child->go_fd = go[1];
	child->failed_fd = failed[0];
	return 0;
}

int child__go(struct child *child)
{
	int error = 0;
	ssize_t length;

	if (write(child->go_fd, "g", 1) != 1)
		return -errno;
	do
		length = read(child->failed_fd, &error, sizeof(error));
	while (length < 0 && errno == EINTR);
	if (length != sizeof(error))
		return 0;
	waitpid(child->pid, NULL, 0);
	child->pid = 0;
	return -error;
}

bool child__ended(struct child *child, int *status)
{
	if (child->pid <= 0 || waitpid(child->pid, status, WNOHANG) != child->pid)
		return false;
	child->pid = 0;
	return true;
}

void child__end(struct child *child)
{
	if (child->pid > 0) {
		kill(child->pid, SIGKILL);
		while (waitpid(child->pid, NULL, 0) < 0 && errno == EINTR)
			;
		child->pid = 0;
	}
	closep(&child->go_fd);
	closep(&child->failed_fd);
	child->go_fd = child->failed_fd = -1;
}
