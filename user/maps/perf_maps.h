/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "maps/map_order.h"
#include "maps/perf_open.h"

/*
 * What is mapped, forked, exec'ed and exits on the whole host, from perf_event_open(2): a dummy
 * event on each processor. The kernel tells it from within the call, so that nothing is missed of a
 * process that lives for a millisecond; but on a processor that comes online, until
 * perf_maps__follow_cpus() has found it.
 *
 * Its rings fill without waking anybody until they are half full: to be drained every 100 ms or
 * so, and when perf_maps__fd() is readable. An event is passed on `hold_ns` after its time, when
 * the other processors can be expected to have told what was earlier.
 */
struct perf_maps;

struct perf_maps_options {
	size_t ring_bytes;  /* of each processor; 0: 256 KiB. Rounded up to a power of two of pages
			     */
	uint64_t hold_ns;   /* 0: 100 ms */
	bool no_build_ids;  /* device and inode instead, as before 5.12 */
	const char *online; /* NULL: "/sys/devices/system/cpu/online" */
	struct perf_opener opener; /* .open NULL: perf_open(), with the caller's own privileges */
};

struct perf_maps_counts {
	unsigned int cpus;      /* followed now */
	unsigned int unwatched; /* online, and could not be opened */
	uint64_t joined;        /* that came online since the start */
	bool build_ids;
	uint64_t records; /* read */
	uint64_t events;  /* of these, what matters here */
	uint64_t lost;    /* records that found no room in a ring */
	uint64_t refused; /* events that found no room or memory here; told as lost, too */
	uint64_t torn;    /* times that a ring's rest made no sense; likewise */
	uint64_t late;    /* passed on after a younger one */
	size_t bytes;     /* of rings */
};

/* -EACCES, -EPERM: CAP_PERFMON is missing; -ENOSYS: a kernel without perf events; -errno. `why`:
 * one sentence. */
int perf_maps__open(struct perf_maps **out, const struct perf_maps_options *options, char *why,
		    size_t why_size);
void perf_maps__close(struct perf_maps *maps);

int perf_maps__fd(const struct perf_maps *maps);

/* Takes what is in the rings. */
void perf_maps__drain(struct perf_maps *maps);

/* Follows what has come online since, and says that something may have been missed there
 * (MAP_EVENT_LOST, of 0 records); what is offline is left. Looks once a second; one that was
 * offline for less is not followed any more, and nobody can tell. */
void perf_maps__follow_cpus(struct perf_maps *maps, uint64_t now_ns);

/* Passes on what is older than `hold_ns`. */
int perf_maps__release(struct perf_maps *maps, uint64_t now_ns, map_sink sink, void *context);

/* What has been drained and not passed on, oldest first. */
int perf_maps__peek(struct perf_maps *maps, map_sink sink, void *context);

struct perf_maps_counts perf_maps__counts(const struct perf_maps *maps);
uint64_t perf_maps__lost_by_cpu(const struct perf_maps *maps, unsigned int cpu);
