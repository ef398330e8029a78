/* SPDX-License-Identifier: GPL-2.0-only */

/*
 * Processes that come and go at a rate: churn PER-SECOND SECONDS. Each is forked, lives for as
 * long as it takes to leave, and is reaped at once.
 */

#include <sys/wait.h>

#include "workload.h"

#define TICK_NS 5000000UL

static void one(void)
{
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	if (!pid)
		_exit(0);
	if (waitpid(pid, NULL, 0) != pid)
		die("waitpid");
}

int main(int argc, char **argv)
{
	unsigned long rate = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
	unsigned long seconds = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
	uint64_t start_ns = now_ns(), end_ns = start_ns + seconds * 1000000000ULL, now;
	unsigned long made = 0;

	if (argc != 3 || !rate || !seconds) {
		fprintf(stderr, "churn PER-SECOND SECONDS\n");
		return 2;
	}
	hard_stop(0, seconds + 30);
	tell("pid=%d", getpid());
	while ((now = now_ns()) < end_ns) {
		unsigned long due = (now - start_ns) * rate / 1000000000ULL;

		if (made >= due)
			sleep_ns(TICK_NS);
		for (; made < due && now_ns() < end_ns; made++)
			one();
	}
	tell("made=%lu", made);
	tell("elapsed_ms=%lu", (unsigned long)((now_ns() - start_ns) / 1000000));
	return 0;
}
