/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/* Growth of those who live at the recording's end, judged: what text and JSON say. */

#include "model/model.h"
#include "verdict/outlook.h"

#define OUTLOOKS_MAX 10 /* of those that grew most */

struct outlook_row {
	const struct process *process;
	struct outlook_facts facts;
	struct outlook outlook;
};

/* Those that grew most first; how many. 0 or -ENOMEM. */
int outlooks__read(struct outlook_row rows[OUTLOOKS_MAX], size_t *count, const struct model *model);

/* Nothing in it is beyond what is normal, and no limit is near. */
bool outlook_row__is_quiet(const struct outlook_row *row);
