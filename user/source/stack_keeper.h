/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "source/stack_namer.h"

/*
 * The process that starts processes that name stacks, one at a time, and says how each ended. It is
 * forked before the recorder has anything: what it forks inherits none of the recorder's memory,
 * and can still be started when the recorder has long given up the privileges for it. It keeps
 * those, and opens perf events for whom it has started (source/perf_asking.h), but reads nothing
 * that others made, nor what those events tell.
 *
 * One message each way at a time, over SOCK_SEQPACKET.
 */
enum stack_order_kind {
	STACK_ORDER_START = 1, /* with three descriptors: ring, rooms, the namer's socket */
	STACK_ORDER_KILL       /* who runs, if anybody does */
};

struct stack_order {
	enum stack_order_kind kind;
	struct stack_namer_options options; /* descriptors: those that came along */
};

struct stack_report {
	pid_t pid;  /* who has started, or ended; 0: who could not be started */
	bool ended; /* once for each START */
	int status; /* as of waitpid(2) */
	int error;  /* why it could not be started */
	struct rusage usage;
};

/* Forks; *socket is the recorder's end, and closing it the keeper's. 0 or -errno. */
int stack_keeper__start(pid_t *keeper, int *socket);
/* Waits for its end, for a second at most. 0: there is none. */
void stack_keeper__reap(pid_t keeper);

/* 0 or -errno. */
int stack_keeper__order(int socket, const struct stack_order *order, int namer_socket);
