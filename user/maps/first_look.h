/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "maps/address_spaces.h"
#include "maps/perf_maps.h"

/*
 * Looks into /proc for the mappings of a process that was there before anybody followed it, when
 * it has its first sample. What is read is of this moment, the sample is older; perf's records that
 * wait to be passed on tell what happened in between: after an exec or a new process of the same
 * pid nothing that was read counts, and what was mapped since came no earlier than its record.
 */
struct first_look {
	struct address_spaces *spaces;
	struct perf_maps *perf; /* NULL: nobody tells what happened in between */
	const char *proc;       /* "/proc" */
	uint64_t looks;
	uint64_t vanished; /* gone, or another program by then */
	uint64_t failed;   /* for another reason */
	uint64_t skipped;  /* lines of /proc/PID/maps that are no mapping, or beyond what is read */
};

/* `tid`: the thread that was sampled, at `time_ns`; `now_ns` is read before the call. A child that
 * never exec'ed is looked at in its parent when it is gone. 0; -ESRCH: vanished; -ENOSPC: more
 * mappings than are kept, the rest is there; -errno. `why`: one sentence. */
int first_look(struct first_look *look, struct process_maps *process, uint32_t tid,
	       uint64_t time_ns, uint64_t now_ns, char *why, size_t why_size);
