/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/*
 * Growth of who still lives, judged: is it normal, does it look like a leak, how near is the limit
 * that binds, and when would it be reached? outlook__judge() is a pure function; its figures are
 * taken from the model by outlook__facts().
 */

#include "model/model.h"
#include "verdict/thresholds.h"
#include "verdict/trend.h"

/* X(NAME, word of JSON, words of the report) */
#define OUTLOOKS(X)                               \
	X(UNKNOWN, "unknown", "not known")        \
	X(NORMAL, "normal", "normal")             \
	X(WARNING, "warning", "more than normal") \
	X(LEAK, "leak", "a leak") /* for long, and it gave nothing back */

enum outlook_class {
#define X(name, word, words) OUTLOOK_##name,
	OUTLOOKS(X)
#undef X
		OUTLOOK_COUNT
};

#define LEVELS(X) X(INFO, "INFO") X(WARNING, "WARNING") X(CRITICAL, "CRITICAL")

enum level {
#define X(name, word) LEVEL_##name,
	LEVELS(X)
#undef X
		LEVEL_COUNT
};

struct outlook_facts {
	struct trend trend; /* of a process's resident memory and swap */
	/* The limit that binds: of the cgroups above it, and the host, the one with the least room
	 * left. What counts against it is what processes hold of it but for pages of files, which
	 * can be given back. EVENT_UNKNOWN. */
	int64_t limit_bytes;
	int64_t held_bytes;
	uint64_t limit_cgroup; /* 0: the host */
};

struct outlook {
	enum outlook_class class;
	enum level level;
	struct forecast forecast; /* of the limit that binds */
};

struct outlook outlook__judge(const struct outlook_facts *facts,
			      const struct thresholds *thresholds);

/* 0 or -ENOMEM. */
int outlook__facts(struct outlook_facts *out, const struct model *model,
		   const struct process *process);

const char *outlook_class__word(enum outlook_class class);
const char *outlook_class__words(enum outlook_class class);
const char *level__word(enum level level);
