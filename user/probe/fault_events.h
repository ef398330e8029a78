/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include "probe/plan.h"

struct bpf_link;
struct bpf_program;

/* Perf's page-fault events, for machines without the tracepoints: one on each processor that is
 * online, and only as long as it stays so. All zero: none. */
struct fault_events {
	struct bpf_link *links[PLAN_MAX_CPUS];
	bool left[PLAN_MAX_CPUS]; /* was offline since: its event does not come back with it */
	bool attached;
	unsigned int unwatched; /* the most so far */
};

/* 0 or -errno. */
int fault_events__attach(struct fault_events *events, struct bpf_program *program);
void fault_events__detach(struct fault_events *events);

/* How many processors were online at a time whose page faults were not seen; `online`: what
 * /sys/devices/system/cpu/online says. To be asked from time to time. */
unsigned int fault_events__unwatched(struct fault_events *events, const char *online);
