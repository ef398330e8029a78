/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stddef.h>

#include "base/text.h"

/* Appends `data` as a gzip file without name and time: the same bytes each time. 0 or -ENOMEM. */
int gzip__append(struct text *out, const char *data, size_t length);
