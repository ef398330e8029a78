/* SPDX-License-Identifier: GPL-2.0-only */
#include "report/outlooks.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "report/reading.h"
#include "report/report.h"

int outlooks__read(struct outlook_row rows[OUTLOOKS_MAX], size_t *count, const struct model *model)
{
	_cleanup_(freep) const struct process **sorted = NULL;
	int error = model__processes_by_growth(model, &sorted);

	*count = 0;
	for (size_t i = 0; !error && i < model__process_count(model) && *count < OUTLOOKS_MAX;
	     i++) {
		struct outlook_row *row = &rows[*count];

		if (process__span(model, sorted[i]).grew_bytes <= 0)
			break;
		if (sorted[i]->exit_ns || sorted[i]->killed)
			continue;
		row->process = sorted[i];
		error = outlook__facts(&row->facts, model, sorted[i]);
		row->outlook = outlook__judge(&row->facts, report__thresholds());
		*count += row->outlook.class != OUTLOOK_UNKNOWN;
	}
	return error;
}

bool outlook_row__is_quiet(const struct outlook_row *row)
{
	return row->outlook.class <= OUTLOOK_NORMAL && row->outlook.level == LEVEL_INFO;
}
