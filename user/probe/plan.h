/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "bpf/deputy.h"
#include "probe/facts.h"

/*
 * From facts to a decision, without touching the host: which programs to load, and for each
 * capability the way taken and why. What doctor prints and every recording carries.
 */

/* X(NAME, text) in the order of doctor's table. */
#define CAPABILITIES(X)                    \
	X(VICTIM, "OOM victim")            \
	X(OOM_CONTEXT, "OOM context")      \
	X(RESIDENT, "resident memory")     \
	X(EXACT, "exact sums")             \
	X(LIFE, "births and deaths")       \
	X(SNAPSHOT, "opening state")       \
	X(CGROUP, "cgroup identity")       \
	X(STATISTICS, "cgroup statistics") \
	X(RECLAIM, "reclaim")              \
	X(HELD_BACK, "held back")          \
	X(LEDGER, "ledger")                \
	X(SIGNAL, "who sent SIGKILL")      \
	X(GROWTH, "growth by stack")       \
	X(PRESSURE, "pressure")

enum capability {
#define X(name, text) CAPABILITY_##name,
	CAPABILITIES(X)
#undef X
		CAPABILITY_COUNT
};

struct way_taken {
	const char *way; /* "" when the capability is missing */
	char why[200];   /* why this way and not a better one; "" for the best */
};

#define PLAN_MAX_PROGRAMS 48
#define PLAN_MAX_CPUS     512 /* MAX_CPUS of bpf/knobs.bpf.h */
#define PLAN_MAX_THREADS  512 /* MAX_THREADS of it */

struct plan {
	struct way_taken ways[CAPABILITY_COUNT];
	const char *programs[PLAN_MAX_PROGRAMS]; /* names in bpf/, in the order of attaching */
	size_t program_count;
	bool exact_sums;         /* what CPUs or threads hold back is summed */
	bool walks;              /* over all tasks: the opening snapshot, the passes */
	bool oom_stack;          /* the trigger's stack may be searched for the OOM context */
	bool oom_events;         /* the counts of OOM events may name its level */
	bool lru_address_spaces; /* no exit_mmap: old address spaces must leave by age */
	bool samples;            /* of growth, with stacks, are taken */
	const char *fault_event; /* the program on perf's page-fault events; NULL: tracepoints */
};

/* Ways that tests (and doctor's curious) may forbid, to see what the next one does. */
struct plan_options {
	bool no_fentry;
	bool no_kprobe;
	bool no_stack;
	bool no_events;
	bool no_page_fault; /* of growth samples: no tracepoints */
	bool no_rss_stat;   /* of growth samples: does not tell what has come */
	bool no_samples;    /* nobody wants to know which code grew the memory */
};

const char *capability__name(enum capability capability);

/* Names of a program and its deputies, in the order in which they are attached. */
extern const char *const plan__deputies[DEPUTIZED_END][DEPUTY_LAST];

/* 0; -EPERM or -ENOTSUP when nothing useful can be done here: `refusal` then holds one plain
 * sentence that says what is missing and what to do about it. */
int plan__make(struct plan *out, const struct facts *facts, const struct plan_options *options,
	       char *refusal, size_t refusal_size);
