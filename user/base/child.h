/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/*
 * A command started in two steps: forked and held, so that whoever watches can get ready, then let
 * go into its exec. A held child that is never let go ends by itself when its owner does.
 */
struct child {
	pid_t pid;     /* 0: none */
	int go_fd;     /* written to: go */
	int failed_fd; /* read from: errno of an exec that failed, or end of file */
};

/* Forks. The child has default signal actions and an empty signal mask. 0 or -errno. */
int child__hold(struct child *child, char *const argv[]);

/* Lets it go and waits until it has become the command. -errno of its exec, by then reaped. */
int child__go(struct child *child);

/* Reaps it when it has ended: true, and *status as of waitpid(2). Does not block. */
bool child__ended(struct child *child, int *status);

/* Kills and reaps it when it still runs, closes what is open. */
void child__end(struct child *child);
