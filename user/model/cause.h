/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"
#include "bpf/events.h"

/*
 * What makes two OOM kills one cause: what an engineer would put right once to be rid of both. The
 * fingerprint names it across restarts, recordings and hosts, 16 hex digits.
 *
 *  - A memory cgroup ran full: its path. Who is killed in it does not matter, a limit kills
 *    whoever is largest at the moment.
 *  - What changes with every start is taken out of the path, see cause__lasting_path(). When that
 *    took something, the victim's name goes in: "/docker/<id>" without its id could be any
 *    container, and two services made one would cost the evidence of the second.
 *  - The whole host, a cpuset or a memory policy ran full: the victim's own cgroup and name. The
 *    host is short for many reasons, and the one killed is the best that can be told apart without
 *    judging; the bystanders of one shortage die within seconds and are one incident anyway.
 *  - Not determined: likewise the victim's cgroup and name.
 *  - By hand (sysrq): nothing more, it is always the same hand on the same key.
 *  - A cgroup without a known path is only ever equal to itself (its id goes in).
 */

#define CAUSE_FINGERPRINT_BYTES 17

enum cause_class {
	CAUSE_MEMCG,
	CAUSE_HOST,
	CAUSE_CPUSET,
	CAUSE_MEMPOLICY,
	CAUSE_BY_HAND,
	CAUSE_NOT_DETERMINED
};

struct cause {
	enum cause_class class;
	const char *cgroup; /* path of the full cgroup; of the victim's own where none was full */
	uint64_t cgroup_id;
	const char *comm; /* the victim's, an array of EVENT_COMM_BYTES */
};

/* 0 or -ENOMEM. */
int cause__fingerprint(const struct cause *cause, char out[CAUSE_FINGERPRINT_BYTES]);

/*
 * Appends `path` with "*" for what a restart changes:
 *  - ids of 32 or more hex digits and UUIDs, alone or behind a '-', ':' or '@': containers of all
 *    runtimes, tasks, invocations. A pod's UID stays: a restarted container keeps its pod.
 *  - the numbers of transient units: session-7.scope, run-u12.service, app-firefox-4711.scope,
 *    machine-qemu\x2d3\x2dname.scope. Numbers in other names are somebody's choice (shard-1).
 * True: something was taken out.
 */
bool cause__lasting_path(struct text *out, const char *path);
