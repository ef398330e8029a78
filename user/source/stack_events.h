/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include "bpf/events.h"
#include "source/order.h"
#include "stacks/sink.h"

/* Named stacks as events: what is too long for one is cut, never left out. */
struct stack_events {
	order_sink sink;
	void *context;
	_Alignas(8) char event[sizeof(struct event_file) + 2 * EVENT_PATH_BYTES + 16];
};

/* Passes on to events->sink; `events` stays the caller's, and where it is. */
struct stack_sink stack_events__sink(struct stack_events *events);
