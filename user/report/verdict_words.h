/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/* What text and JSON say of a verdict: the same sentences. */

#include <stdbool.h>

#include "base/text.h"
#include "model/model.h"
#include "verdict/verdict.h"

/* "leak: it rose by 1.52 GiB in 88 s (17.7 MiB/s), steady; it gave nothing back meanwhile" */
void verdict__say(struct text *out, const struct incident *incident, const struct verdict *verdict);

/* One sentence, without its period. */
void evidence__say(struct text *out, const struct incident *incident,
		   const struct evidence *evidence);

/* Sentences. False: it does not apply to this one, and nothing was said. */
bool advice__say(struct text *out, const struct model *model, const struct incident *incident,
		 const struct advice *advice);

/* "sustained 30 s" */
void threshold__say(struct text *out, const struct thresholds *thresholds,
		    enum threshold threshold);
