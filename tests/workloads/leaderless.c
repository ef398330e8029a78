/* SPDX-License-Identifier: GPL-2.0-only */

/* The leader thread leaves, another thread grows: leaderless TOTAL. The process goes on living
 * under a leader that is a zombie without an mm of its own.
 */

#include <pthread.h>
#include <sys/syscall.h>

#include "workload.h"

static unsigned long total;

static bool leader_is_zombie(void)
{
	char path[64], line[256] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", getpid());
	file = fopen(path, "r");
	if (!file || !fgets(line, sizeof(line), file))
		die(path);
	fclose(file);
	/* "PID (COMM) STATE": the name set below holds no parenthesis. */
	return strstr(line, ") Z") != NULL;
}

static void *grow(void *unused)
{
	(void)unused;
	while (!leader_is_zombie())
		sleep_ns(1000000);
	tell("tid=%ld", syscall(SYS_gettid));
	tell("leader=gone");
	for (unsigned long done = 0; done < total; done += MIB) {
		if (!grow_by(MIB))
			exit(1);
		tell("grown_bytes=%lu", done + MIB);
		sleep_ns(2000000);
	}
	tell("done=1");
	exit(0);
}

int main(int argc, char **argv)
{
	pthread_t thread;

	if (argc != 2)
		return 2;
	total = parse_size(argv[1]);
	hard_stop(total, 60);
	prctl(PR_SET_NAME, "leaderless");
	tell("pid=%d", getpid());
	if (pthread_create(&thread, NULL, grow, NULL))
		die("pthread_create");
	pthread_exit(NULL);
}
