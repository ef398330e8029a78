/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/*
 * What the model knows, for people and for programs. Reports are pure functions of a model that
 * has been finished: no file name, terminal, locale, clock or time zone shows in them, so a live
 * run and the replay of its recording say the same, byte for byte.
 *
 * Each appends to `out`, whole or not at all. 0 or -ENOMEM.
 */

#include <stddef.h>

#include "base/text.h"
#include "model/model.h"
#include "verdict/thresholds.h"

/* What verdicts go by from here on; set once, before the first report. The same for a live run and
 * a replay, or they differ. */
void report__set_thresholds(const struct thresholds *thresholds);
const struct thresholds *report__thresholds(void);

/* The incidents one after the other, then the session in short; without an incident, the session
 * in full. Lines fit 100 columns; only paths and single words longer than that do not. */
int report__text(const struct model *model, struct text *out);
int report__incident_text(const struct model *model, size_t index, struct text *out);

/* Every SIGKILL of the recording: whom, by whom, with command lines. */
int report__kills(const struct model *model, struct text *out);

/* "oomtrail.session/1", and one of its incidents alone, "oomtrail.incident/1". Pure ASCII: what
 * a traced program chose to call itself cannot reach a terminal through it. */
int report__json(const struct model *model, struct text *out);
int report__incident_json(const struct model *model, size_t index, struct text *out);
/* The latter in little memory, however much is known: as many stacks as REPORT_FRAMES frames go
 * for, at least one; the others are counted ("stacks_omitted"). */
#define REPORT_FRAMES 600
int report__incident_json_at_once(const struct model *model, size_t index, struct text *out);
