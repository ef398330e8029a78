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

/* Growth samples of a CPU, a second, before they are thinned: what goes on growing by more than
 * half a GiB a second is known well enough by fewer. */
#define SAMPLE_RATE 2000

/* Facts and plan. */
int probing__look(struct probing *probing, const struct plan_options *ways);

int probing__load(struct probing *probing, const struct probe_options *options);

void probing__free_contents(struct probing *probing);
