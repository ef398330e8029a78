/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include "probe/facts.h"
#include "probe/plan.h"
#include "probe/probe.h"

/*
 * From the host to programs that are loaded: what every verb that looks at the live host begins
 * with. Prints its own errors, once each; functions then return CMD_FAILED.
 */
struct probing {
	struct facts facts;
	struct plan plan;
	struct probe *probe; /* NULL before probing__load() */
};

/* Facts and plan. */
int probing__look(struct probing *probing, const struct plan_options *ways);

int probing__load(struct probing *probing, const struct probe_options *options);

/*
 * Under pressure the recorder should be the last to go. One that promises to take no more than
 * `more_bytes` beyond what it has now is held to that (RLIMIT_DATA) and exempted from the OOM
 * killer; 0: it may grow with what it records, and is killed when nobody else is left. Without the
 * privilege it stays what it was.
 */
void probing__spare_recorder(uint64_t more_bytes);

void probing__free_contents(struct probing *probing);
