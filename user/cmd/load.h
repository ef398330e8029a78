/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include "cmd/span.h"
#include "model/model.h"
#include "recording/reader.h"
#include "source/replay.h"

/* A recording, replayed to its end. Zero-initialise. */
struct loaded {
	struct reader *reader;
	struct model *model; /* finished */
	struct replay replay;
};

/* Prints what went wrong. 0 or -errno; `loaded` is to be freed either way. */
int loaded__open(struct loaded *loaded, const char *path);
/* The same with the growth of a part of it alone (cmd/span.h). */
int loaded__open_span(struct loaded *loaded, const char *path, const struct span *span);
/* As it stood at the end of a span that begins with it. */
int loaded__open_until(struct loaded *loaded, const char *path, const struct span *span);
void loaded__free(struct loaded *loaded);
