/* SPDX-License-Identifier: GPL-2.0-only */

/*
 * A host full of processes that do nothing: crowd PROCESSES CGROUPS FOLDER makes that many cgroups
 * below FOLDER (a cgroup of the memory controller), spreads the processes over them, says
 * "ready=N" and waits for SIGTERM. Then all of them go, the cgroups as well.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "workload.h"

static const char *folder;
static unsigned long cgroups;
static unsigned long made;

static void path_of(char *path, size_t size, unsigned long index, const char *file)
{
	snprintf(path, size, "%s/%lu%s", folder, index, file);
}

static void take_away(void)
{
	char path[4096];

	/* The children share our process group, and we do not mind. */
	signal(SIGTERM, SIG_IGN);
	kill(0, SIGTERM);
	while (wait(NULL) > 0 || errno == EINTR)
		;
	for (unsigned long i = 0; i < cgroups; i++) {
		path_of(path, sizeof(path), i, "");
		for (int attempt = 0; attempt < 500 && rmdir(path) && errno == EBUSY; attempt++)
			sleep_ns(10000000);
	}
}

static void fail(const char *what)
{
	perror(what);
	take_away();
	exit(1);
}

static void idle(unsigned long index)
{
	char path[4096];
	int fd;

	signal(SIGTERM, SIG_DFL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	path_of(path, sizeof(path), index, "/cgroup.procs");
	fd = open(path, O_WRONLY);
	if (fd < 0 || write(fd, "0", 1) != 1)
		_exit(1);
	close(fd);
	for (;;)
		pause();
}

static void on_term(int signal)
{
	(void)signal;
}

int main(int argc, char **argv)
{
	unsigned long processes = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
	struct sigaction action = {.sa_handler = on_term};
	sigset_t term, before;
	char path[4096];

	cgroups = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
	if (argc != 4 || !processes || !cgroups) {
		fprintf(stderr, "crowd PROCESSES CGROUPS FOLDER\n");
		return 2;
	}
	folder = argv[3];
	hard_stop(0, 600);
	setpgid(0, 0);
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, &before);
	sigaction(SIGTERM, &action, NULL);
	for (unsigned long i = 0; i < cgroups; i++) {
		path_of(path, sizeof(path), i, "");
		if (mkdir(path, 0755))
			fail(path);
	}
	for (; made < processes; made++) {
		pid_t pid = fork();

		if (pid < 0)
			fail("fork");
		if (!pid) {
			sigprocmask(SIG_SETMASK, &before, NULL);
			idle(made % cgroups);
		}
	}
	tell("ready=%lu", made);
	sigsuspend(&before);
	take_away();
	return 0;
}
