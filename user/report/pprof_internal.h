/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "profile.pb-c.h"
#include "report/growth.h"
#include "report/numbers.h"

/*
 * Messages that are concatenated are one message whose lists are joined. So each entry is packed as
 * a profile of nothing else as soon as it is known, and no tree of them has to be kept.
 */
struct pprof {
	const struct model *model;
	struct text packed;
	struct numbers *strings; /* from 0, which is "" */
	struct numbers *mappings;
	struct numbers *functions;
	struct numbers *locations;
	bool failed;
};

/* --- tables that samples refer to: pprof_tables.c --------------------------------------------- */

void pprof__free(struct pprof *pprof);

void pprof__put(struct pprof *pprof, const Oomtrail__Profile *profile);

/* Their indexes in the table of strings. */
int64_t pprof__string(struct pprof *pprof, const struct text *string);
int64_t pprof__words(struct pprof *pprof, const char *words);
int64_t pprof__escaped(struct pprof *pprof, const char *bytes, size_t length);

/* Ids of locations. NULL: a frame that was not told. */
uint64_t pprof__frame(struct pprof *pprof, const struct frame *frame);
/* What is said in place of frames that nobody knows. */
uint64_t pprof__gap(struct pprof *pprof, const char *words);
