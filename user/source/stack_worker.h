/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "source/order.h"

/*
 * The process that unwinds and names growth samples (stacks/stacks.h). It reads ELF files,
 * unwinding rules and names that others made, takes as much memory as those need and as long as
 * they take: none of that may touch the recorder, which only reads the finished events from a
 * socket. What the worker may take is bounded; should it end, samples are counted as lost from then
 * on, and all else goes on.
 */
struct stack_worker;

struct stack_worker_options {
	int ring_fd;           /* of struct stack_sample; the worker is its only reader */
	int rooms_fd;          /* the map of processes whose stacks get more room */
	bool frame_pointers;   /* no unwinding rules: frame pointers alone */
	uint64_t memory_bytes; /* heap, at most; 0: 256 MiB */
};

/*
 * Forks: to be called while there is one thread, and little memory, which would be shared. Follows
 * mappings from its return on. -errno; `why`: one sentence.
 */
int stack_worker__start(struct stack_worker **out, const struct stack_worker_options *options,
			char *why, size_t why_size);

int stack_worker__fd(const struct stack_worker *worker); /* readable when there are events; -1 */

/* What has come so far, one by one. 0, or what the sink said; a worker that has ended early, or
 * talks nonsense, is ended here. */
int stack_worker__drain(struct stack_worker *worker, order_sink sink, void *context);

/* No more samples come: waits for the last events, at most `wait_ns`, and for its end. */
int stack_worker__finish(struct stack_worker *worker, uint64_t wait_ns, order_sink sink,
			 void *context);

/* Did it end before it was asked to? In words, or NULL. */
const char *stack_worker__failure(const struct stack_worker *worker);

/* User and system time so far; bytes it has at most had resident. */
uint64_t stack_worker__cpu_ns(const struct stack_worker *worker);
uint64_t stack_worker__peak_bytes(const struct stack_worker *worker);

void stack_worker__free(struct stack_worker *worker);
