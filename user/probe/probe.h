/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/events.h"
#include "probe/facts.h"
#include "probe/plan.h"

/* The BPF programs of a plan, loaded and attached. Only this knows the skeleton. */
struct probe;

struct probe_options {
	enum follow_scope scope;
	uint64_t cgroup_id;      /* FOLLOW_CGROUP */
	uint64_t step_bytes;     /* smallest movement that is told; 0: 256 KiB */
	uint32_t critical_bytes; /* ring sizes, powers of two of at least a page; 0: 1 MiB */
	uint32_t bulk_bytes;
	uint64_t sample_bytes; /* one growth sample for so much; a power of two of at least a page.
				* 0: 256 KiB */
	uint32_t sample_rate;  /* of a CPU, a second, before they are thinned; 0: what the ring
				* holds */
};

/* Smallest movement this host can show: what its CPUs may hold back, at least step_bytes. */
uint64_t probe__step_bytes(const struct facts *facts, uint64_t step_bytes);

/* The same for a cgroup's usage, which is counted in one place, whatever the number of CPUs. */
uint64_t probe__memcg_step_bytes(uint64_t step_bytes);

/* Loads. On failure `why` holds the kernel's reason in one line. 0 or -errno. */
int probe__new(struct probe **out, const struct plan *plan, const struct facts *facts,
	       const struct probe_options *options, char *why, size_t why_size);

/* FOLLOW_PROCESSES: this process and its descendants to come. */
int probe__follow(struct probe *probe, uint32_t pid);

/* From here on events flow. On failure nothing stays attached. */
int probe__attach(struct probe *probe, char *why, size_t why_size);

/* No more events; what lies in the rings can still be read. */
void probe__detach(struct probe *probe);

int probe__critical_ring(const struct probe *probe); /* map descriptors, for ring_buffer__new */
int probe__bulk_ring(const struct probe *probe);
uint32_t probe__critical_ring_bytes(const struct probe *probe);
uint32_t probe__bulk_ring_bytes(const struct probe *probe);
/* Of growth samples (bpf/stack_sample.h); -1: the plan takes none. */
int probe__stacks_ring(const struct probe *probe);
/* Process id to class of bpf/stack_sample.h: whose stacks get more room. */
int probe__stack_rooms(const struct probe *probe);

enum probe_walk { PROBE_WALK_PROCESSES, PROBE_WALK_MOVERS };

/* A descriptor that yields events of bpf/events.h, back to back, until read(2) returns 0; the
 * caller closes it. -ENOTSUP when the plan has no iterator. */
int probe__walk(const struct probe *probe, enum probe_walk walk);

/* Did anything move by less than a step since last asked? */
bool probe__movers(struct probe *probe);

/* What reclaiming threads had not told yet when the programs were detached; not before that. */
void probe__collect_reclaim(struct probe *probe,
			    void (*sink)(void *context, const struct event_header *event),
			    void *context);

/* Counted since the start. */
uint64_t probe__ring_losses(const struct probe *probe, unsigned int kind);
uint64_t probe__table_losses(const struct probe *probe, enum loss_reason reason);
/* Online now, and their page faults are not seen: they were not online at the start, or not always
 * since. Of the way by perf's events only; tracepoints are of all CPUs. */
unsigned int probe__unwatched_cpus(struct probe *probe);
/* Runs of programs that the kernel has skipped and no deputy stood in for, by enum event_kind. */
uint64_t probe__recursion_misses(const struct probe *probe, unsigned int kind);

/* The kernel's own clock around every run of a program (bpf_stats), of everybody's programs, until
 * stopped: dear enough (tens of ns a run) to be on for a sample only. Starting needs CAP_SYS_ADMIN;
 * -errno. */
int probe__start_measuring(struct probe *probe);
void probe__stop_measuring(struct probe *probe);
/* What the index-th loaded program cost while measured; false: there is none. */
struct program_cost {
	const char *name;
	uint64_t runs;
	uint64_t run_ns;
};
bool probe__program_cost(const struct probe *probe, size_t index, struct program_cost *out);

uint64_t probe__kernel_bytes(const struct probe *probe); /* rings and maps */

void probe__free(struct probe *probe);
