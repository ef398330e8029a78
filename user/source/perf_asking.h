/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "maps/perf_open.h"

/*
 * Perf events for the process that names stacks, which has no privilege for them: it asks the
 * keeper, which opens and hands over. A question is three numbers, and the only thing that the
 * keeper ever takes from there; whoever has taken over the one that asks gets by it what that has
 * already, and can make the keeper neither wait nor hold anything.
 *
 * SOCK_SEQPACKET; one question is answered before the next one is asked.
 */
struct perf_asking {
	int socket;
	uint64_t asked, answered; /* numbers of questions */
	uint64_t asked_ns;
};

/* Asks, and waits for a second at most (-ETIMEDOUT). An answer that comes later is closed, and
 * until it has come, or for 10 s, nothing else is asked (-EBUSY). As perf_open(), and -EPIPE: there
 * is nobody to answer. */
struct perf_opener perf_asking__opener(struct perf_asking *asking);

/* The other end: a question, if there is one. False: there will be none any more, or it is no such
 * question. */
bool perf_asking__answer(int socket);
