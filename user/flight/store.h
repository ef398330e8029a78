/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The flight recorder's folder on disk. This header is its document.
 *
 *     DIR/lock                      held with flock(2) while a recorder runs; its pid and start
 *     DIR/window/<number>.trail     the rolling window: chunks, 16 hex digits, ascending; each one
 *                                   a recording of its own (recording/format.h)
 *     DIR/incidents/<id>/           one cause each:
 *         window.trail              the chunk the kill fell into (a hard link, so freezing copies
 *                                   nothing and recording goes on)
 *         storm.trail               later kills of the same cause, when there were any
 *         incident.json             at the kill: what was known then; replaced when finished
 *         report.txt                when finished
 *     DIR/incidents/.spare/         the next incident's folder, made in advance with
 *                                   incident.json preallocated: a full disk cannot refuse it
 *
 * Folders 0700, files 0600, whatever the umask. Everything is reached through descriptors of
 * folders that were opened without following links, never through a path a second time.
 *
 * Order of an incident (phase one): the chunk is synced by its owner; linked into .spare;
 * incident.json written and synced; .spare renamed to <id>; incidents/ synced. Cut off anywhere,
 * store__recover() finds either a whole incident or a .spare with a window in it, which it
 * publishes.
 *
 * Errors are -errno. Nothing here prints.
 */
struct store;

#define STORE_ID_BYTES 80 /* of an incident's name with its NUL; a file name of [A-Za-z0-9._-] */

struct store_holder {
	int32_t pid; /* 0: not known */
	char since[32];
};

/* Opens or creates DIR and takes the lock. -EWOULDBLOCK: another holds it, told in *holder. */
int store__open(struct store **out, const char *dir, struct store_holder *holder);

/* Opens for reading, without lock and without changing anything. -ENOENT: no such folder. */
int store__open_to_read(struct store **out, const char *dir);

/* Does some recorder hold the lock now? */
bool store__is_watched(const struct store *store, struct store_holder *holder);

/* Again what store__open() did, after somebody removed or replaced the folder. */
int store__revive(struct store *store);

/* --- chunks --------------------------------------------------------------------------------- */

/* The path below /proc/self/fd that names chunk `number` for writer__new(); `size` >= 64. */
void store__chunk_path(const struct store *store, uint64_t number, char *path, size_t size);

/* One more than the highest number there; 0 when the window is empty. */
uint64_t store__next_chunk(const struct store *store);

int store__remove_chunk(struct store *store, uint64_t number);

struct store_chunk {
	uint64_t number;
	uint64_t bytes;         /* on disk, what was preallocated included */
	int64_t modified_ns;    /* CLOCK_REALTIME */
};

/* Ascending. The caller frees *out. */
int store__chunks(const struct store *store, struct store_chunk **out, size_t *count);

/* Removes the oldest chunks until those below `keep_from` fit into both bounds; `keep_from` and
 * later stay. Chunks are of `max_bytes` in all, and none was finished longer than `max_age_ns`
 * ago. *removed counts. */
int store__trim_window(struct store *store, uint64_t keep_from, uint64_t max_bytes,
		       uint64_t max_age_ns, size_t *removed);

/* --- incidents ------------------------------------------------------------------------------ */

/* Makes .spare anew when it is missing, with `json_bytes` preallocated. Not for phase one. */
int store__prepare(struct store *store, size_t json_bytes);

/*
 * Phase one: chunk `number` and `json` become incident `id`. Allocates nothing; takes no new block
 * of the disk when store__prepare() had succeeded. When the chunk's file is gone from the window,
 * `chunk_fd` (readable) is copied instead. Ids that exist get "-2", "-3"... : *id is changed to
 * what was used. *synced_ns: how long the disk took for its syncs.
 */
int store__publish(struct store *store, char id[STORE_ID_BYTES], uint64_t number, int chunk_fd,
		   const char *json, size_t json_bytes, uint64_t *synced_ns);

/* An incident whose window never reached the disk: its folder has JSON and text only. */
int store__publish_without_window(struct store *store, char id[STORE_ID_BYTES], const char *json,
				  size_t json_bytes, const char *text, size_t text_bytes);

/* Links the chunk under `name` into an incident that exists (window-1.trail, ...). */
int store__add_chunk(struct store *store, const char *id, uint64_t number, const char *name);

/* Path below /proc/self/fd of a file of an incident, for reader and writer; `size` >= 128. The
 * descriptor it runs through stays open until the next call. */
int store__incident_path(struct store *store, const char *id, const char *name, char *path,
			 size_t size);

/* Writes a file of an incident beside it, syncs, renames: whole or not at all. */
int store__replace(struct store *store, const char *id, const char *name, const char *data,
		   size_t length);

/* Names, newest first (by name, which begins with the UTC time). The caller frees *out, one block.
 */
int store__incidents(const struct store *store, char (**out)[STORE_ID_BYTES], size_t *count);

/* Removes the oldest incidents beyond `max_count` or `max_bytes`, never those named in `keep`.
 * Bytes count what only the incident holds on to and what it shares alike. */
int store__trim_incidents(struct store *store, size_t max_count, uint64_t max_bytes,
			  const char (*keep)[STORE_ID_BYTES], size_t keep_count, size_t *removed);

int store__remove_incident(struct store *store, const char *id);

/*
 * After store__open(): puts right what a crash left. A .spare that holds a window is published as
 * `id_of(context, path of the window, id)` names it (0, or -errno: it is discarded); temporary
 * files go; *recovered counts. The chunks of the earlier run stay as they are.
 */
int store__recover(struct store *store,
		   int (*id_of)(void *context, const char *path, char id[STORE_ID_BYTES]),
		   void *context, size_t *recovered);

void store__free(struct store *store);
