/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "stacks/sink.h"

/*
 * The process that unwinds and names growth samples (stacks/stacks.h), from a ring to a socket. It
 * reads ELF files, unwinding rules and names that others made, takes as much memory as those need
 * and as long as they take: nothing else is in it. Whoever starts it: source/stack_worker.h.
 */
struct stack_namer_options {
	int ring_fd;     /* of struct stack_sample; it is the only reader */
	int rooms_fd;    /* the map of processes whose stacks get more room */
	int asks_fd;     /* whom perf events are asked of (source/perf_asking.h) */
	int kallsyms_fd; /* kernel_frames__open_names(); 0: none. Of whoever starts it */
	bool frame_pointers;
	uint32_t begins_pid;   /* that will soon be another program: looked at first; 0: nobody */
	uint64_t memory_bytes; /* heap, at most; 0: 256 MiB */
	struct stack_numbers numbers; /* that others have used */
};

/* Once a second at least, however little there is to tell: a header alone, of this kind. */
#define STACK_BEAT 0

/* Its first words; events follow. */
struct stack_greeting {
	int error;
	char why[252];
};

/* Until the socket's other end is shut down or closed. */
void stack_namer__run(const struct stack_namer_options *options, int socket, pid_t parent)
	__attribute__((noreturn));
