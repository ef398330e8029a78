/* SPDX-License-Identifier: GPL-2.0-only */

/*
 * How long a command takes: timed FILE COMMAND... Adds a line to FILE, WALL-NS CPU-NS, of all that
 * it started and waited for, and passes its status on. A shell's own clock starts with the shell.
 */

#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NS 1000000000ULL

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS + (uint64_t)now.tv_nsec;
}

static uint64_t ns_of(struct timeval time)
{
	return (uint64_t)time.tv_sec * NS + (uint64_t)time.tv_usec * 1000;
}

int main(int argc, char **argv)
{
	struct rusage usage;
	uint64_t begin;
	int status;
	FILE *file;
	pid_t pid;

	if (argc < 3)
		return 2;
	begin = now_ns();
	pid = fork();
	if (pid == 0) {
		execvp(argv[2], argv + 2);
		perror(argv[2]);
		_exit(127);
	}
	if (pid < 0 || wait4(pid, &status, 0, &usage) != pid)
		return 126;
	begin = now_ns() - begin;
	file = fopen(argv[1], "a");
	if (!file ||
	    fprintf(file, "%llu %llu\n", (unsigned long long)begin,
		    (unsigned long long)(ns_of(usage.ru_utime) + ns_of(usage.ru_stime))) < 0 ||
	    fclose(file)) {
		perror(argv[1]);
		return 126;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
