/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/events.h"
#include "model/model.h"
#include "probe/plan.h"

/*
 * A recording session from the host's facts to the closed file: what record and demo share.
 * Prints its own errors, once each; functions then return CMD_FAILED.
 */
struct session;

struct session_options {
	enum follow_scope scope;
	const char *followed; /* in words */
	const char *cgroup;   /* FOLLOW_CGROUP: path below the controller's mount, or a folder */
	const uint32_t *pids; /* FOLLOW_PROCESSES */
	size_t pid_count;
	const char *output;      /* path of the recording; NULL: none is written */
	uint64_t step_bytes;     /* 0: the default */
	uint32_t critical_bytes; /* ring sizes; 0: the default */
	uint32_t bulk_bytes;
	uint64_t sample_bytes; /* one growth sample for so much; 0: the default */
	bool frame_pointers;   /* of stacks: no unwinding rules */
	struct plan_options ways;
};

/* Everything up to the end of the opening snapshot; from its return on events are recorded. */
int session__open(struct session **out, const struct session_options *options);

/* Records until `until_ns` (CLOCK_MONOTONIC, UINT64_MAX: no end), or until stop() says so; it is
 * asked at least every 100 ms and whenever one of our signals (SIGINT, SIGTERM, SIGCHLD, which
 * must be blocked) arrives. */
int session__run(struct session *session, uint64_t until_ns,
		 bool (*stop)(void *context, bool interrupted), void *context);

/* Ends the recording properly; the model is finished and stays for reports. */
int session__close(struct session *session);

const struct model *session__model(const struct session *session);
uint64_t session__written_bytes(const struct session *session);

/* Without session__close(): leaves an INCOMPLETE recording. */
void session__free(struct session *session);

/* SIGINT, SIGTERM and SIGCHLD. */
void session__our_signals(sigset_t *set);

/* Blocks them, so that session__run() can wait for them. */
void session__block_signals(void);
