/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "flight/store.h"
#include "model/model.h"

/*
 * An incident's folder read back: window.trail and storm.trail through a fresh model, and from it
 * the reports. Both are pure functions of the two files, so whoever replays the folder gets what
 * stands in it.
 */
struct frozen;

/* -ENOENT: no such incident, or it has no window.trail. `why`: one plain sentence. */
int frozen__open(struct frozen **out, struct store *store, const char *id, char *why,
		 size_t why_size);

/* The same of a window's chunk that no incident holds on to. */
int frozen__open_chunk(struct frozen **out, struct store *store, uint64_t number, char *why,
		       size_t why_size);

/* Which of its chunks the window is looked at by: the newest, or what a recorder left that is gone.
 * -ENOENT: there is none. */
int frozen__window(const struct store *store, uint64_t *number);

const struct model *frozen__model(const struct frozen *frozen);

/* Of the incident in the model that the folder is named after: by its id, without a "-2" that made
 * it unique. -1: none, as when the window was frozen on demand. */
long frozen__index(const struct frozen *frozen);

bool frozen__is_whole(const struct frozen *frozen); /* closed, not torn */
/* Not whole because a recorder is still writing it. */
bool frozen__is_growing(const struct frozen *frozen);
const char *frozen__why_not(const struct frozen *frozen);
bool frozen__differs(const struct frozen *frozen); /* a digest does not agree */

/* The incident alone, or the session when there is none. 0 or -ENOMEM. */
int frozen__text(const struct frozen *frozen, struct text *out);
int frozen__json(const struct frozen *frozen, struct text *out);

/* Phase two: incident.json and report.txt from the folder's own trails. */
int frozen__save(const struct frozen *frozen, struct store *store, const char *id);

/* --- what a crash left ------------------------------------------------------------------------ */

/* For store__recover(): the id that the JSON gives, or that of the first incident in the window
 * that has no folder beside this one; frozen on demand when there is none. */
int frozen__id_of(void *context, int folder_fd, char id[STORE_ID_BYTES]);

/*
 * After store__recover() and store__prepare(), before the first chunk of a new run: when the newest
 * chunk was never closed, it becomes the incident "<UTC of its last event>-unfinished", whose
 * reports are still to be written as phase two. Chunks without a single event are passed over.
 * Once: a chunk that an unfinished incident holds already is left alone. 1: kept, named in `id`; 0:
 * nothing to keep; -errno.
 */
int frozen__keep_unfinished(struct store *store, char id[STORE_ID_BYTES]);

/* Is `id` "<UTC>-<what>", with a number behind it or without? */
bool frozen__is_called(const char *id, const char *what);

void frozen__free(struct frozen *frozen);
