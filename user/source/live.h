/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stdint.h>

#include "probe/facts.h"
#include "probe/plan.h"
#include "probe/probe.h"
#include "source/order.h"
#include "source/stack_worker.h"

/*
 * The live source: reads the rings, walks the tasks, looks at files at the moments that matter,
 * and passes one ordered sequence of events to its sink. One thread at a time; the caller polls
 * live__fd() and calls live__run().
 */
struct live;

struct live_options {
	const struct facts *facts;
	const struct plan *plan;
	enum follow_scope scope;
	const char *followed; /* in words, for the report */
	uint64_t step_bytes;
	order_sink sink;
	void *context;
	/* How many events of a kind the sink refused so far; NULL: it takes all. */
	uint64_t (*refused)(void *context, uint32_t kind);
	/* Would the sink rather have what can wait a little later? Asked during the walks over all
	 * tasks only; NULL: never. */
	bool (*busy)(void *context);
	/* What the account says of them is the recorder's own event, at the end and, when
	 * account_every_ns is not 0, again and again. */
	struct live_account {
		uint64_t (*events)(void *context);
		uint64_t (*written_bytes)(void *context);
		void *context;
	} account;
	uint64_t account_every_ns;
	struct stack_worker *stacks; /* stays the caller's; NULL: growth is not sampled */
	/* At the end, stacks that are not named yet are waited for. Asked ten times a second: is
	 * that all right? */
	struct live_patience {
		bool (*wait)(void *context);
		void *context;
	} patience;
};

/* `probe` stays the caller's and is not attached yet. */
int live__new(struct live **out, struct probe *probe, const struct live_options *options);

/* Notes the host, the probes and the counters, and attaches: what needs privileges. On failure
 * `why` says so and nothing stays attached. */
int live__attach(struct live *live, char *why, size_t why_size);

/* The opening snapshot: everything that runs. */
int live__open(struct live *live, char *why, size_t why_size);

int live__fd(const struct live *live);         /* readable when there is something urgent */
int live__timeout_ms(const struct live *live); /* how long to poll at most */

/* Drains the rings, does what is due, passes on what is old enough. 0, or what the sink said. */
int live__run(struct live *live);

/* Detaches, drains, counts the losses, and passes everything on. */
int live__close(struct live *live);

void live__free(struct live *live);
