/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "bpf/events.h"
#include "probe/facts.h"
#include "probe/plan.h"

/*
 * What user space sees for itself, as events: the host, its files, its clock. Every function
 * fills one event and stamps it with the moment of the look; -errno when there is nothing to
 * fill it with.
 */

uint64_t observe__now_ns(void);            /* CLOCK_MONOTONIC */
int64_t observe__realtime_offset_ns(void); /* CLOCK_REALTIME - CLOCK_MONOTONIC */

void observe__header(struct event_header *header, enum event_kind kind, uint32_t size_bytes);

/* `followed`: what the user asked for, in words. */
int observe__host(struct event_host *out, const struct facts *facts, enum follow_scope scope,
		  const char *followed, uint64_t step_bytes);

void observe__probe(struct event_probe *out, enum capability capability,
		    const struct way_taken *taken);

void observe__clock(struct event_clock *out);

int observe__meminfo(struct event_meminfo *out);

int observe__psi(struct event_psi *out); /* the host's */

int observe__oom_counter(struct event_oom_counter *out);

int observe__memcg_stat(struct event_memcg_stat *out, const struct cgroupfs *cgroupfs,
			uint64_t cgroup_id);

int observe__memcg_events(struct event_memcg_events *out, const struct cgroupfs *cgroupfs,
			  uint64_t cgroup_id);

/*
 * Is `ticks` of /proc/PID/stat the start of the process that started at start_ns? One counts
 * CLOCK_BOOTTIME, the other CLOCK_MONOTONIC, and of the time suspended so far only the process
 * knows how much lay before its start. Whoever got the pid later started later than any of it.
 */
bool observe__is_start(uint64_t ticks, uint64_t start_ns, int64_t suspended_ns, int64_t tick_ns);

/* Command line of a process that was there before us. `out` has room for EVENT_ARGV_BYTES + 8
 * more. -ESRCH when the pid is somebody else by now. */
int observe__argv(struct event_argv *out, const struct task_ref *task);

/* User and system time of this process so far. */
uint64_t observe__cpu_ns(void);

/* What this process cost since a moment when it had used start_cpu_ns; the counts are the
 * caller's. */
void observe__recorder(struct event_recorder *out, uint64_t since_ns, uint64_t start_cpu_ns);
