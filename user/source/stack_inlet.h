/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/units.h"
#include "source/order.h"
#include "source/stack_namer.h"

#define STACK_INLET_BYTES (256 * KIB)

/*
 * What a process that names stacks writes into its socket: one greeting, then events. It reads what
 * others made: what it says is checked like a file.
 */
struct stack_inlet {
	bool greeted;
	struct stack_greeting greeting; /* once it is */
	struct stack_numbers numbers;   /* the highest that were ever told */
	/* By reason: each process counts from 0, and the stream tells of all of them. */
	uint64_t lost[LOSS_END], lost_before[LOSS_END];
	size_t bytes;
	_Alignas(8) char data[STACK_INLET_BYTES];
};

/* Another process begins. */
void stack_inlet__begin(struct stack_inlet *inlet);

/* What has come: > 0; 0: its end; -EAGAIN; -errno. */
int stack_inlet__receive(struct stack_inlet *inlet, int socket);

/* The greeting, and whole events; what is left of one stays for the next time. 0, what the sink
 * said, or -EBADMSG: it makes no sense. */
int stack_inlet__pass_on(struct stack_inlet *inlet, order_sink sink, void *context);
