/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/* The parts that session and incident objects share. New references; NULL on ENOMEM. */

#include "report/build.h"

json_t *json__incident(struct build *build, const struct model *model,
		       const struct incident *incident);

void json__set_service(struct build *build, json_t *object, const struct service *service);
json_t *json__memory(struct build *build, const struct memory *memory);
/* Read offset_ns after time 0 of the report. */
json_t *json__meminfo(struct build *build, const struct meminfo *meminfo, int64_t offset_ns);
/* How a process ended; times relative to zero_ns. */
json_t *json__exit(struct build *build, uint64_t exit_ns, uint32_t exit_code, uint64_t zero_ns);
const char *kill_class__name(enum kill_class class);

/* "verdict": why, on what evidence, and what to do. */
void json__set_ledger(struct build *build, json_t *object, const struct model *model,
		      const struct incident *incident);
void json__set_verdict(struct build *build, json_t *object, const struct model *model,
		       const struct incident *incident);

/* "outlooks": of those that live and grew most, is it normal, and when is a limit reached. */
void json__set_outlooks(struct build *build, json_t *object, const struct model *model);

/* "held_back": cgroups at a limit that kills nobody; absent when none was looked at. */
void json__set_held_back(struct build *build, json_t *object, const struct model *model);

/* "stacks", "explained_ratio" and what else is known of which code grew it: of everybody, or of the
 * incident's victim and culprit; absent where nothing was sampled. */
void json__set_growth(struct build *build, json_t *object, const struct model *model,
		      const struct incident *incident);

/* recording, boot_id and host; then oom_kills, losses, recorder and probes: the same in both. */
void json__set_source(struct build *build, json_t *object, const struct model *model);
void json__set_known(struct build *build, json_t *object, const struct model *model,
		     const struct incident *incident);
