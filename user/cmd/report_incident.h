/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include "base/text.h"
#include "cmd/report_format.h"

/*
 * Reports of what the flight recorder keeps in `dir`. Both print what goes wrong and return an
 * exit status.
 */

/* `what`: an id, the beginning of one, "window", or NULL for the newest incident. */
int report_incident__write(const char *dir, const char *what, const struct report_request *request,
			   struct text *report);

/* Phase two: makes report and JSON of an incident anew, in its folder. */
int report_incident__save(const char *dir, const char *id);
