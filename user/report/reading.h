/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/* What the text and the JSON report both read out of the model, so that they cannot disagree. */

#include <stdbool.h>
#include <stdint.h>

#include "model/model.h"

bool task_ref__same(const struct task_ref *a, const struct task_ref *b); /* and somebody */

/* The counter that was full. v1 limits memory and memory plus swap apart, and does not say which
 * of the two refused: the one with less room left. */
enum full_counter { FULL_NOT_KNOWN, FULL_MEMORY, FULL_MEMSW };
enum full_counter incident__full_counter(const struct model *model,
					 const struct incident *incident);

/* Swap of the domain that is a cgroup: in use, and what it may use at most. EVENT_UNKNOWN: not
 * known, or no such limit on this version of cgroups; EVENT_NO_LIMIT. */
int64_t incident__swap_bytes(const struct model *model, const struct incident *incident);
int64_t incident__swap_max_bytes(const struct model *model, const struct incident *incident);
/* As good as full: swap is handed out in clusters, per CPU. */
bool bytes__is_full(int64_t used_bytes, int64_t max_bytes);

/* The host's swap at the kill, as far as the reading after it and the domain's own share tell. */
struct host_swap {
	int64_t total_bytes; /* EVENT_UNKNOWN */
	bool is_full;        /* false: not, or not known */
};
struct host_swap incident__host_swap(const struct model *model, const struct incident *incident);

/* How far off the resident memory of a process may be that does not move, unless 1 / RSS_REST_SHARE
 * of it is more. EVENT_UNKNOWN: not told, or the kernel's counters hold back what is not summed. */
int64_t reading__resting_error_bytes(const struct model *model);

/* Somebody wrote to /proc/sysrq-trigger or pressed the keys; nothing had run full. */
bool incident__by_hand(const struct incident *incident);

/* The victim was exiting when it was chosen: no SIGKILL was sent, nobody was killed. */
bool incident__victim_was_exiting(const struct incident *incident);

/* Runs on the victim's mm: what it holds and what the victim holds are the same memory. */
bool incident__on_victims_memory(const struct incident *incident, const struct task_ref *task);

uint64_t incident__window_ns(const struct incident *incident);

/* The culprit's share, in bytes of bytes: of the domain's growth where that is known and covers
 * it, else of the sum over the domain's processes that grew (a cgroup that gave up page cache
 * while a process grew has grown less than the process). */
struct share {
	int64_t part;
	int64_t whole;  /* 0: no share can be told */
	bool of_domain; /* whole is the domain's usage; else the processes' sum */
};
struct share incident__culprit_share(const struct incident *incident);

uint64_t model__kills_of(const struct model *model, enum kill_class class);

/* A process over the whole recording. Resident + swap; EVENT_UNKNOWN where it cannot be told. */
struct process_span {
	int64_t first_bytes; /* when first seen; 0 of one that has started a program since */
	int64_t last_bytes;  /* now, or when it was killed, or the last told before it left */
	int64_t peak_bytes;  /* of what was told, and resident by the kernel's own mark */
	int64_t grew_bytes;  /* last - first */
};
/* Resident + swap; EVENT_UNKNOWN. */
int64_t memory__held(const struct memory *memory);
struct process_span process__span(const struct model *model, const struct process *process);

/* All processes or cgroups of the model, those that grew most first; -ENOMEM. To be freed. */
int model__processes_by_growth(const struct model *model, const struct process ***out);
int model__cgroups_by_growth(const struct model *model, const struct cgroup ***out);
/* Those that ended otherwise than with status 0, or nobody knows how: signals first, then the
 * largest at their peak. */
int model__failures(const struct model *model, const struct process ***out, size_t *count);
int64_t cgroup__grew_bytes(const struct cgroup *cgroup); /* now - first; EVENT_UNKNOWN */

/* One service's processes together; sorted by growth. */
struct service_sum {
	struct service service;
	size_t processes; /* that ever were */
	size_t alive;
	int64_t now_bytes;
	int64_t grew_bytes;
};
int model__services(const struct model *model, struct service_sum **out, size_t *count);

/* "rss", "oom_kill", ...; "unknown" for a kind of another version. */
#define EVENT_NAME_MAX 32
const char *event_kind__name(char out[EVENT_NAME_MAX], uint32_t kind);

const char *loss__reason(const struct loss *loss);
const char *loss__touches(const struct loss *loss); /* which figures to distrust; "" for none */
uint64_t model__lost_events(const struct model *model);

/* When the recorder began to look, on the wall clock; EVENT_UNKNOWN. */
int64_t model__since_ns(const struct model *model);
uint64_t model__looked_ns(const struct model *model, uint64_t until_ns); /* for how long by then */

/* Of all BPF programs; no name. runs 0: nothing was measured. */
struct measured_program model__programs_together(const struct model *model);

const char *service_kind__name(enum service_kind kind);

/* The second counter of a cgroup: v1 keeps memory and swap in one sum, v2 swap alone. The same
 * bytes under one name would be wrong on one of them. */
bool host__counts_memsw(const struct model *model);

/* Did memory.oom.group make one kill many: set on the victim's cgroup, or above it up to the
 * domain, as last told. */
bool incident__kills_group(const struct model *model, const struct incident *incident);
