/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "source/order.h"

/*
 * Has growth samples unwound and named in a process of their own (source/stack_namer.h): none of
 * what that reads may touch the recorder, which only reads the finished events from a socket.
 * Should that process end, it is said, all else goes on, and another one is started: soon the first
 * time, after twice as long the next time. Samples wait in their ring meanwhile, as far as there is
 * room. What the first one knew of pages that have come is lost with it.
 */
struct stack_worker;

struct stack_worker_options {
	int ring_fd;           /* of struct stack_sample; nobody else reads it */
	int rooms_fd;          /* the map of processes whose stacks get more room */
	bool frame_pointers;   /* no unwinding rules: frame pointers alone */
	uint32_t begins_pid;   /* as struct stack_namer_options has it */
	uint64_t memory_bytes; /* heap, at most; 0: 256 MiB */
};

/*
 * Forks the process that will start the others: to be called while there is one thread, and as
 * little memory and as many privileges as ever. -errno; `why`: one sentence.
 */
int stack_worker__new(struct stack_worker **out, char *why, size_t why_size);

/* Starts naming, and follows mappings from its return on. The descriptors stay the caller's, and
 * open. -errno; `why`: one sentence. */
int stack_worker__start(struct stack_worker *worker, const struct stack_worker_options *options,
			char *why, size_t why_size);

int stack_worker__fd(const struct stack_worker *worker); /* readable when there is something */

/* What has come so far, one by one, and what is due. 0, or what the sink said. */
int stack_worker__drain(struct stack_worker *worker, order_sink sink, void *context);

/* No more samples come: waits for the last events. Called ten times a second, `wait` says whether
 * it is still worth it. */
int stack_worker__finish(struct stack_worker *worker, order_sink sink, void *context,
			 bool (*wait)(void *context), void *wait_context);

/* How often it has ended without being asked to, or was not waited for. */
uint64_t stack_worker__ends(const struct stack_worker *worker);

/* What has happened since the last time, in one line; false: nothing. Any thread. */
bool stack_worker__news(struct stack_worker *worker, char *out, size_t size);

/* User and system time so far; bytes it has at most had resident. */
uint64_t stack_worker__cpu_ns(const struct stack_worker *worker);
uint64_t stack_worker__peak_bytes(const struct stack_worker *worker);

void stack_worker__free(struct stack_worker *worker);
