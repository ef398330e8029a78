/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stdbool.h>

#include "base/text.h"
#include "report/growth.h"

enum report_format { REPORT_NONE, REPORT_TEXT, REPORT_JSON, REPORT_FOLDED, REPORT_PPROF };

/* What `report` is to write. */
struct report_request {
	enum report_format format;
	struct growth_filter filter; /* of folded and pprof */
};

/* REPORT_NONE: none of them. */
enum report_format report_format__by_name(const char *name);
enum report_format report_format__by_ending(const char *output);

/* Of growth by stack alone, folded and pprof: whatever the model is of. */
bool report_format__is_growth(enum report_format format);

/* Such a report. Prints what is wrong and returns an exit status. */
int report_format__growth(const struct report_request *request, const struct model *model,
			  struct text *report);
