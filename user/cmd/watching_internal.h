/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/notify.h"
#include "cmd/probing.h"
#include "cmd/report_child.h"
#include "cmd/watching.h"
#include "flight/recorder.h"
#include "flight/store.h"
#include "source/pump.h"
#include "source/queue.h"
#include "source/stack_worker.h"

/* One life of `watch`: watching_open.c begins it, watching.c is the rest. */

struct watching {
	const struct watching_options *options;
	struct config config;
	struct notify *notify;
	struct store *store;
	struct probing probing;
	struct queue *queue;
	struct stack_worker *stacks; /* NULL: growth is not sampled */
	struct pump *pump;
	struct recorder *recorder;
	struct report_child report;
	int signal_fd;
	bool ready;
	bool ready_due; /* to be told to the service manager */
	bool stopping;
	uint64_t beaten_ns;         /* the reading thread's own */
	_Atomic uint64_t turned_ns; /* when the main thread last came around */
};

/* CMD_FAILED, said on stderr; `error` is negative. */
int watching__fail(const char *what, int error);
/* A line of the log. */
void watching__tell(void *context, const char *line);

/* Up to where events are read, and nothing new is needed: neither memory of the kernel nor
 * privileges. What has been opened is closed by watching__run(). CMD_DONE or CMD_FAILED. */
int watching__open(struct watching *watching);
