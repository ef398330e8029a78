/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/*
 * Why somebody was killed, and what to do: a verdict with the evidence that it rests on. Judged by
 * a pure function of figures (verdict__judge), which are taken from a frozen incident
 * (verdict__facts); words are the report's. What the figures do not carry is VERDICT_UNKNOWN.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/model.h"
#include "verdict/ledger.h"
#include "verdict/thresholds.h"
#include "verdict/trend.h"

/* X(NAME, word of JSON, words of the report) */
#define VERDICTS(X)                                                                       \
	X(UNKNOWN, "unknown", "unknown")                                                  \
	X(BY_HAND, "by-hand", "asked for by hand")                                        \
	X(LEAK, "leak", "leak")                                                           \
	X(SPIKE, "spike", "spike")                                                        \
	X(LIMIT_TOO_SMALL, "limit-too-small", "limit too small from the start")           \
	X(COLLATERAL, "collateral", "collateral victim")                                  \
	X(TMPFS, "tmpfs", "tmpfs or shared memory")                                       \
	X(PAGE_CACHE, "page-cache", "page cache that could not be given back")            \
	X(KERNEL_MEMORY, "kernel-memory", "kernel memory")                                \
	X(FORK_STORM, "fork-storm", "fork storm")                                         \
	X(HOST_TOO_SMALL, "host-too-small", "host too small for the sum of its services") \
	X(HUGETLB, "hugetlb", "huge pages set aside")

enum verdict_kind {
#define X(name, word, words) VERDICT_##name,
	VERDICTS(X)
#undef X
		VERDICT_KIND_COUNT
};

/* Bytes are EVENT_UNKNOWN where they are not known. */
struct verdict_party {
	bool known;         /* there is one */
	int64_t held_bytes; /* resident and swap, at the kill */
	int64_t own_bytes;  /* of that what nobody else has: anonymous, and swap */
	int64_t grew_bytes; /* within the window */
	uint64_t lived_ns;  /* since it began this program */
};

struct verdict_facts {
	bool by_hand;
	bool domain_known;
	bool is_host; /* no cgroup's limit */
	bool followed_all;
	bool victim_is_culprit;
	uint64_t window_ns;
	int64_t limit_bytes; /* of the counter that was full; of the host its memory */
	int64_t usage_bytes; /* likewise, at the kill */
	int64_t grew_bytes;  /* all of the domain, as far as it can be told */
	struct verdict_party victim, culprit;
	struct trend
		trend; /* of the culprit's resident memory and swap, over all that is known of it */
	/* Of the ledger taken at the kill; without one what the kill has left, read a moment after
	 * it. */
	int64_t shmem_bytes;
	int64_t cache_bytes; /* of files */
	int64_t kernel_bytes;
	int64_t hugetlb_bytes; /* of the host */
	/* Processes of the domain born within the window, memory that several run on counted once.
	 */
	uint64_t born_count;
	int64_t born_bytes;
	int64_t born_largest_bytes;
	uint64_t services;       /* of the domain's processes, told apart */
	uint64_t kills_of_cause; /* with this one */
	int64_t swap_bytes;      /* of the host, all there is */
};

/* X(NAME); what the figures of one are is said behind it. */
#define EVIDENCES(X)                                                                      \
	X(CULPRIT_GREW)     /* bytes of of_bytes, by the culprit, in ns */                \
	X(VICTIM_GREW)      /* bytes of of_bytes, by the victim */                        \
	X(VICTIM_HELD)      /* bytes of of_bytes: who grew lately is not who filled it */ \
	X(NOBODY_GREW)      /* in ns */                                                   \
	X(NO_CULPRIT)       /* the most was bytes of of_bytes */                          \
	X(ROSE)             /* bytes in ns; bytes a second are rate; shape */             \
	X(NEVER_FELL)       /* by more than bytes, in ns */                               \
	X(FELL)             /* by bytes, count times */                                   \
	X(FROM_ITS_START)   /* it lived for ns, and rose all the time */                  \
	X(BEFORE)           /* it had been at bytes for ns */                             \
	X(NOT_KNOWN_BEFORE) /* it is known for ns, and has lived longer */                \
	X(SHMEM)            /* bytes of of_bytes were left of it */                       \
	X(CACHE)                                                                          \
	X(KERNEL)                                                                         \
	X(HUGETLB)  /* bytes of of_bytes of the host's memory */                          \
	X(BORN)     /* count processes in ns, bytes together, the largest of_bytes */     \
	X(SERVICES) /* count of them */                                                   \
	X(AGAIN)    /* count kills of this cause */

enum evidence_kind {
#define X(name) EVIDENCE_##name,
	EVIDENCES(X)
#undef X
		EVIDENCE_KIND_COUNT
};

struct evidence {
	enum evidence_kind kind;
	int64_t bytes, of_bytes, rate;
	uint64_t ns, count;
	enum trend_shape shape;
};

#define ADVICES(X)                                                                        \
	X(STACKS)      /* the culprit's */                                                \
	X(RAISE_LIMIT) /* to bytes; ns: what that buys at this rate, and no more; or 0 */ \
	X(BOUND_HEAP)  /* of the culprit's runtime, to bytes */                           \
	X(PART)        /* victim and culprit: a cgroup of its own, with a limit */        \
	X(EMPTY_TMPFS) /* bytes */                                                        \
	X(KERNEL)      /* what holds it: bytes */                                         \
	X(BOUND_TASKS) /* count of them */                                                \
	X(ADD_SWAP)    /* bytes */                                                        \
	X(HUGE_PAGES)  /* fewer: bytes are set aside */                                   \
	X(FEWER_SERVICES)                                                                 \
	X(KEEP_WATCHING) /* what is not known now will be */

enum advice_kind {
#define X(name) ADVICE_##name,
	ADVICES(X)
#undef X
		ADVICE_KIND_COUNT
};

struct advice {
	enum advice_kind kind;
	int64_t bytes;
	uint64_t ns, count;
};

#define VERDICT_EVIDENCE 8
#define VERDICT_ADVICE   6

struct verdict {
	enum verdict_kind kind;
	enum verdict_kind growth; /* of COLLATERAL: what the culprit's growth was; else `kind` */
	struct evidence evidence[VERDICT_EVIDENCE];
	size_t evidence_count;
	struct advice advice[VERDICT_ADVICE];
	size_t advice_count;
};

struct verdict verdict__judge(const struct verdict_facts *facts,
			      const struct thresholds *thresholds);

/* What the domain was full of. */
struct ledger_division verdict__ledger(const struct model *model, const struct incident *incident);

/* 0 or -ENOMEM. */
int verdict__facts(struct verdict_facts *out, const struct model *model,
		   const struct incident *incident);

const char *verdict_kind__word(enum verdict_kind kind);
const char *verdict_kind__words(enum verdict_kind kind);
