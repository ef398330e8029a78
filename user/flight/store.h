/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The flight recorder's folder on disk. This header is its document.
 *
 *     DIR/lock                      locked (F_OFD_SETLK: whoever asks need not take it) while a
 *                                   recorder runs; its pid and start, "<pid> <RFC 3339>"
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
 *     DIR/incidents/.gone-<id>/     what is being removed, or could not be; tried again by
 *                                   store__recover()
 *
 * Folders 0700, files 0600, whatever the umask. Everything is reached through descriptors of
 * folders that were opened without following links, never through a path a second time; DIR and
 * what it holds must belong to who runs this, and nobody else may write there.
 *
 * Order of an incident (phase one): the chunk is synced by its owner; linked into .spare;
 * incident.json written and synced; .spare renamed to <id>; incidents/ synced. Cut off anywhere,
 * store__recover() finds either a whole incident or a .spare with a window or JSON in it, which
 * it publishes.
 *
 * Errors are -errno; `why`, where there is one, is a plain sentence. Nothing here prints. A store
 * is used by one thread at a time.
 */
struct store;

const char *store__default_dir(void);

#define STORE_ID_BYTES 80 /* of an incident's name with its NUL; a file name of [A-Za-z0-9._-] */

struct store_holder {
	int32_t pid; /* 0: not known */
	char since[32];
};

/* Opens or creates DIR (its parent must be there) and takes the lock. -EWOULDBLOCK: another holds
 * it, told in *holder. -EPERM: it belongs to somebody else, or others may write there. -ELOOP: a
 * symbolic link. */
int store__open(struct store **out, const char *dir, struct store_holder *holder, char *why,
		size_t why_size);

/* Opens for reading, without lock and without changing anything. -ENOENT: no such folder. */
int store__open_to_read(struct store **out, const char *dir, char *why, size_t why_size);

const char *store__dir(const struct store *store); /* absolute */

/* Does some recorder hold the lock now? */
bool store__is_watched(const struct store *store, struct store_holder *holder);

/* Does DIR still name the folders that are open here? Not when somebody removed or replaced them;
 * what is written then goes nowhere. Cheap, to be asked now and then. */
bool store__is_there(const struct store *store);

/* Again what store__open() did, after somebody removed or replaced the folder. Allocates nothing.
 * Files that are open stay so, without a name: begin a new chunk. */
int store__revive(struct store *store);

/* --- chunks --------------------------------------------------------------------------------- */

/* The path below /proc/self/fd that names chunk `number` for writer__new(); `size` >= 64. */
void store__chunk_path(const struct store *store, uint64_t number, char *path, size_t size);

/*
 * A chunk that opens with a state block is written under another name first, which nobody looks
 * for, and gets its own once the block is on the disk: a chunk is never there without what it goes
 * on from. store__name_chunk() makes the name durable as well.
 */
void store__fresh_chunk_path(const struct store *store, uint64_t number, char *path, size_t size);
int store__name_chunk(struct store *store, uint64_t number);
int store__drop_fresh_chunk(struct store *store, uint64_t number);

/* One more than the highest number there; 0 when the window is empty. */
int store__next_chunk(const struct store *store, uint64_t *number);

/* For reading: a descriptor of a regular file, or -errno. */
int store__open_chunk(const struct store *store, uint64_t number);

int store__remove_chunk(struct store *store, uint64_t number);

struct store_chunk {
	uint64_t number;
	uint64_t bytes;      /* on disk, what was preallocated included */
	int64_t modified_ns; /* CLOCK_REALTIME */
};

/* Ascending. The caller frees *out. */
int store__chunks(const struct store *store, struct store_chunk **out, size_t *count);

/* Removes the oldest chunks below `keep_from` until all chunks together take at most `max_bytes`
 * and none was written to last longer than `max_age_ns` ago (by the wall clock); `keep_from` and
 * later stay. *removed counts. */
int store__trim_window(struct store *store, uint64_t keep_from, uint64_t max_bytes,
		       uint64_t max_age_ns, size_t *removed);

/* --- incidents ------------------------------------------------------------------------------ */

/* An id is of [A-Za-z0-9._-], does not begin with a dot, and fits. */
bool store__is_id(const char *id);

/* Makes .spare when it is missing, with `json_bytes` preallocated. Not for phase one, because it
 * may take blocks. -ENOSPC: it is there, without its blocks; publishing may still succeed. -EBUSY:
 * a crash left an incident in it, and store__recover() has not been asked. */
int store__prepare(struct store *store, size_t json_bytes);

struct store_published {
	uint64_t synced_ns; /* how long the disk took for its syncs */
	int window;         /* 0: it is there; -errno: why it is not */
	bool copied;        /* the window was not linked but copied, which took blocks */
	int durable;        /* 0, or -errno of the first sync that failed */
};

/*
 * Phase one: chunk `number` and `json` become incident `id`. Allocates nothing; takes no new block
 * of the disk when store__prepare() had succeeded. When the chunk's file is gone from the window
 * or cannot be linked, `chunk_fd` (readable, or -1) is copied instead; when the folder is gone, it
 * is made anew as store__revive() does. Ids that exist get "-2", "-3"...: *id is changed to what
 * was used. 0: the incident is there, with its window or at least its JSON; *result says more.
 * -errno: it is not, and the caller may try again, with this incident or another. (What lies in
 * .spare by then is published by store__recover() should the caller end before.)
 */
int store__publish(struct store *store, char id[STORE_ID_BYTES], uint64_t number, int chunk_fd,
		   const char *json, size_t json_bytes, struct store_published *result);

/* An incident whose window never reached the disk: its folder has JSON and text only. */
int store__publish_without_window(struct store *store, char id[STORE_ID_BYTES], const char *json,
				  size_t json_bytes, const char *text, size_t text_bytes,
				  struct store_published *result);

/* Path below /proc/self/fd of a file of an incident, for writer__new(); `size` >= 128. The
 * descriptor it runs through stays open until the next call. For reading there is
 * store__open_file(). */
int store__incident_path(struct store *store, const char *id, const char *name, char *path,
			 size_t size);

/* Writes a file of an incident beside it, syncs, renames: whole or not at all. */
int store__replace(struct store *store, const char *id, const char *name, const char *data,
		   size_t length);

/* Likewise the window of an incident that was copied: what the chunk holds by now. */
int store__replace_window(struct store *store, const char *id, int chunk_fd);

/* For reading: a descriptor of a regular file of an incident, or -errno. */
int store__open_file(const struct store *store, const char *id, const char *name);

/* What its files take on disk, preallocated and shared blocks included. */
int store__incident_bytes(const struct store *store, const char *id, uint64_t *bytes);

/* Names, newest first (by name, which begins with the UTC time). The caller frees *out, one block.
 */
int store__incidents(const struct store *store, char (**out)[STORE_ID_BYTES], size_t *count);

/* Removes the oldest incidents beyond `max_count` or `max_bytes`, never those named in `keep`.
 * Bytes count what only the incident holds on to and what it shares alike. One that cannot be
 * removed stops no other: the first error. */
int store__trim_incidents(struct store *store, size_t max_count, uint64_t max_bytes,
			  const char (*keep)[STORE_ID_BYTES], size_t keep_count, size_t *removed);

int store__remove_incident(struct store *store, const char *id);

/*
 * After store__open(), before anything else: puts right what a crash left. A .spare that holds a
 * window or JSON is published as `id_of(context, descriptor of .spare, id)` names it (0, or
 * -errno: it is discarded; frozen__id_of() is one), by store__prepare() when it can only then;
 * temporary files and what was being removed go; *recovered counts. The chunks of the earlier run
 * stay as they are. All of it is tried: the first error.
 */
int store__recover(struct store *store,
		   int (*id_of)(void *context, int folder_fd, char id[STORE_ID_BYTES]),
		   void *context, size_t *recovered);

void store__free(struct store *store);
