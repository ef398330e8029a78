/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

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
void loaded__free(struct loaded *loaded);
