/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "maps/mapping.h"

/* One thing that happened to an address space, as perf_event_open(2) tells it. */

enum map_event_kind {
	MAP_EVENT_MAPPED, /* executable: by mmap, or mprotect */
	MAP_EVENT_FORKED, /* a process, not a thread */
	MAP_EVENT_EXEC,   /* nothing of what was mapped is any more; the new mappings follow */
	MAP_EVENT_EXITED, /* its first thread; others may go on */
	MAP_EVENT_LOST    /* the reader was too slow: `lost` records */
};

struct map_event {
	enum map_event_kind kind;
	uint64_t time_ns; /* CLOCK_MONOTONIC */
	uint32_t cpu;
	uint32_t pid;        /* the process (tgid), in the pid namespace of whoever opened perf */
	uint32_t parent_pid; /* FORKED */
	uint64_t lost;       /* LOST */
	struct told_mapping mapping; /* MAPPED */
};

/* perf's attributes that the records have to be made with: what follows each of them. */
#define PERF_RECORD_SAMPLE_TYPE (PERF_SAMPLE_TID | PERF_SAMPLE_TIME)

/* `record`: 8-aligned and written to (a path is cut). 1: an event; 0: nothing that matters here;
 * -EBADMSG: not what the kernel writes. */
int perf_record__parse(void *record, size_t bytes, struct map_event *out);
