/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/* The sections of the text report. Each prints its own heading, after an empty line; one that has
 * nothing to say prints nothing. */

#include "base/text.h"
#include "model/model.h"
#include "verdict/verdict.h"

#define SECTION_INDENT 2

void section__heading(struct text *out, const char *title);

#define ANSWER_INDENT 9 /* where the words of KILLED, LIMIT, ... begin */

/* Title, STORM if it is one, KILLED, LIMIT, HELD, ASKED, GREW, VERDICT: what must be right when
 * nothing else is read. */
void section__answer(struct text *out, const struct model *model, const struct incident *incident,
		     const struct ledger_division *ledger, const struct verdict *verdict);

/* VERDICT alone, in a line or two; what it rests on; and what to do. */
void section__verdict(struct text *out, const struct incident *incident,
		      const struct verdict *verdict);
void section__why(struct text *out, const struct incident *incident, const struct verdict *verdict,
		  const struct thresholds *thresholds);
/* From one up to another, by which figures above were judged. */
void section__thresholds(struct text *out, const struct thresholds *thresholds, int from, int end);
void section__what_to_do(struct text *out, const struct model *model,
			 const struct incident *incident, const struct verdict *verdict);

/* HELD alone, what the limit was full of, in a line; and row by row. Nothing where no ledger was
 * taken. */
void section__held_by_kind(struct text *out, const struct ledger_division *ledger);
void section__ledger(struct text *out, const struct incident *incident,
		     const struct ledger_division *ledger);

/* The LIMIT alone. */
void section__limit(struct text *out, const struct model *model, const struct incident *incident);
/* "memory cgroup": what kind of a limit. */
const char *incident__scope_words(const struct incident *incident);

void section__chart(struct text *out, const struct incident *incident);
void section__memory(struct text *out, const struct model *model, const struct incident *incident);
void section__others(struct text *out, const struct incident *incident);
void section__killed_with(struct text *out, const struct model *model,
			  const struct incident *incident);
void section__timeline(struct text *out, const struct incident *incident);

/* incident NULL: of the session as a whole. */
void section__known(struct text *out, const struct model *model, const struct incident *incident);

/* Which code grew it; nothing where nothing was sampled. Of the culprit and the victim; and of
 * everybody: 0 or -ENOMEM. */
void section__party_growth(struct text *out, const struct model *model,
			   const struct incident *incident);
int section__growth(struct text *out, const struct model *model, bool brief);

/* Growth of those that live, judged; nothing where none grew. 0 or -ENOMEM. */
int section__outlook(struct text *out, const struct model *model);

/* Cgroups at a limit that kills nobody. 0 or -ENOMEM. */
int section__held(struct text *out, const struct model *model);

/* Who was sent SIGKILL and by whom, so many at most. */
void section__kills(struct text *out, const struct model *model, size_t most);

/* brief: incidents have been told before it. 0 or -ENOMEM. */
int section__session(struct text *out, const struct model *model, bool brief);

/* "the cgroup", "the host", "the victim's cgroup" */
const char *incident__domain_noun(const struct incident *incident);
