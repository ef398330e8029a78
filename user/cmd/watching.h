/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stddef.h>

#include "flight/config.h"
#include "probe/plan.h"

/*
 * The life of `watch`: opens what it needs, gives up the privileges it no longer needs, and then
 * turns between the queue, the disk, signals and the reports that wait to be written. Prints its
 * own errors and its log, a line each, to stderr.
 */
struct watching_options {
	struct config config;
	struct plan_options ways;
	/* Reads the settings again, into *out; what is wrong with them goes into `why`. */
	int (*read_settings)(void *context, struct config *out, char *why, size_t why_size);
	void *context;
};

/* Until SIGTERM or SIGINT. CMD_DONE or CMD_FAILED. */
int watching__run(const struct watching_options *options);
