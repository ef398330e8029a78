/* SPDX-License-Identifier: GPL-2.0-only */

/*
 * A service that is started again whenever it is killed: one child after the other enters a cgroup
 * and grows until the kernel ends it. This process itself stays outside.
 *
 * respawn CGROUP-FOLDER KILLS MIB: a child grows by at most MIB.
 */

#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>

#include "workload.h"

static void enter(const char *folder)
{
	char path[4096];
	int fd;

	snprintf(path, sizeof(path), "%s/cgroup.procs", folder);
	fd = open(path, O_WRONLY);
	if (fd < 0 || write(fd, "0", 1) != 1)
		_exit(126);
	close(fd);
}

static void serve(const char *folder, unsigned long bytes)
{
	/* Both leave with a status that is no kill: the limit did not hold. */
	enter(folder);
	grow_by(bytes);
	_exit(3);
}

int main(int argc, char **argv)
{
	unsigned long kills = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
	unsigned long bytes = argc > 3 ? strtoul(argv[3], NULL, 10) * MIB : 0;

	if (argc != 4 || !kills || !bytes) {
		fprintf(stderr, "respawn CGROUP-FOLDER KILLS MIB\n");
		return 2;
	}
	hard_stop(bytes, 120);
	for (unsigned long i = 0; i < kills; i++) {
		pid_t pid = fork();
		int status;

		if (pid < 0)
			die("fork");
		if (!pid)
			serve(argv[1], bytes);
		if (waitpid(pid, &status, 0) != pid)
			die("waitpid");
		if (!WIFSIGNALED(status) || WTERMSIG(status) != 9) {
			fprintf(stderr, "pid %d ended with status %d\n", pid, status);
			return 1;
		}
		tell("killed=%d", pid);
	}
	tell("kills=%lu", kills);
	return 0;
}
