/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "flight/frozen.h"
#include "flight/frozen_internal.h"
#include "flight/store_internal.h"
#include "recording/reader.h"
#include "report/report.h"
#include "source/replay.h"

DEFINE_FREEP(frozen)
DEFINE_FREEP(reader)

struct frozen {
	char id[STORE_ID_BYTES]; /* "": a chunk */
	struct model *model;     /* finished */
	struct replay replay;    /* of the window */
	bool whole;
	bool growing;
	char why_not[224];
};

/* The reader opens by path; this one leads to the very file that was opened without links. */
int reader__new_of(struct reader **out, int fd)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return reader__new(out, path);
}

/* --- feeding the model ------------------------------------------------------------------------ */

static int frozen__feed_window(struct frozen *frozen, int fd, const char *what, char *why,
			       size_t why_size)
{
	_cleanup_(reader__freep) struct reader *reader = NULL;
	int err = reader__new_of(&reader, fd);

	if (err < 0)
		return explain_why(why, why_size, err, "%s %s", what,
				   reader ? reader__why(reader) : strerror(-err));
	err = replay__feed(&frozen->replay, reader, frozen->model);
	if (err < 0)
		return explain_why(why, why_size, err, "%s cannot be replayed: %s", what,
				   strerror(-err));
	frozen->whole = reader__end(reader) == READER_COMPLETE;
	if (!frozen->whole)
		snprintf(frozen->why_not, sizeof(frozen->why_not), "%s %s", what,
			 reader__why(reader));
	return 0;
}

/* Told behind the window. Its host is the window's own, and its digests, should there be any, know
 * nothing of the window. All its kills are of the folder's incident: the recorder knew by names
 * that are not told again here. */
static int frozen__feed_storm(struct frozen *frozen, int fd)
{
	_cleanup_(reader__freep) struct reader *reader = NULL;
	const long index = frozen__index(frozen);
	const struct event_header *event;
	int err = reader__new_of(&reader, fd);

	if (index >= 0)
		model__expect_storm(frozen->model, (size_t)index);
	if (err == -ENOMEM)
		return err;
	while (err == 0 && (event = reader__next(reader))) {
		if (event->kind != EVENT_HOST && event->kind != EVENT_DIGEST)
			err = model__apply(frozen->model, event);
	}
	if (err == -ENOMEM)
		return err;
	/* Not closed is what it is for as long as the storm goes on. */
	if (frozen->whole && reader__end(reader) == READER_TORN) {
		frozen->whole = false;
		snprintf(frozen->why_not, sizeof(frozen->why_not), "storm.trail %s",
			 reader__why(reader));
	}
	return 0;
}

/* id "": of no incident. storm_fd -1: none. */
static int frozen__load(struct frozen **out, const char *id, int window_fd, int storm_fd,
			const char *what, char *why, size_t why_size)
{
	_cleanup_(frozen__freep) struct frozen *frozen = calloc(1, sizeof(*frozen));
	int err = frozen ? model__new(&frozen->model) : -ENOMEM;

	if (err < 0)
		return explain_why(why, why_size, err, "%s cannot be replayed: %s", what,
				   strerror(-err));
	snprintf(frozen->id, sizeof(frozen->id), "%s", id);
	err = frozen__feed_window(frozen, window_fd, what, why, why_size);
	if (err < 0)
		return err;
	if (storm_fd >= 0)
		err = frozen__feed_storm(frozen, storm_fd);
	if (err == 0)
		err = model__finish(frozen->model);
	if (err < 0)
		return explain_why(why, why_size, err, "%s cannot be replayed: %s", what,
				   strerror(-err));
	*out = take(frozen);
	return 0;
}

int frozen__new(struct frozen **out, int window_fd, const char *what, char *why, size_t why_size)
{
	return frozen__load(out, "", window_fd, -1, what, why, why_size);
}

/* The newest chunk belongs to the recorder for as long as it runs. Asked before it is read: closed
 * meanwhile, it is whole. */
static bool is_being_written(const struct store *store, int window_fd)
{
	_cleanup_(freep) struct store_chunk *chunks = NULL;
	_cleanup_(closep) int newest = -1;
	struct store_holder holder;
	size_t count;

	if (!store__is_watched(store, &holder) || store__chunks(store, &chunks, &count) < 0 ||
	    count == 0)
		return false;
	newest = store__open_chunk(store, chunks[count - 1].number);
	return newest >= 0 && fd__is_same(newest, window_fd);
}

int frozen__open(struct frozen **out, struct store *store, const char *id, char *why,
		 size_t why_size)
{
	_cleanup_(closep) int window = store__open_file(store, id, "window.trail");
	_cleanup_(closep) int storm = store__open_file(store, id, "storm.trail");
	char what[STORE_ID_BYTES + 32];
	bool growing;
	int err;

	if (window == -ENOENT)
		return explain_why(why, why_size, window, "incident %.80s has no window", id);
	if (window < 0)
		return explain_why(why, why_size, window,
				   "the window of incident %.80s cannot be opened: %s", id,
				   strerror(-window));
	snprintf(what, sizeof(what), "the window of incident %s", id);
	growing = is_being_written(store, window);
	err = frozen__load(out, id, window, storm, what, why, why_size);
	if (err == 0)
		(*out)->growing = growing;
	return err;
}

int frozen__open_chunk(struct frozen **out, struct store *store, uint64_t number, char *why,
		       size_t why_size)
{
	_cleanup_(closep) int window = store__open_chunk(store, number);
	char what[64];
	bool growing;
	int err;

	if (window < 0)
		return explain_why(why, why_size, window, "the window cannot be opened: %s",
				   strerror(-window));
	snprintf(what, sizeof(what), "the window %016" PRIx64 ".trail", number);
	growing = is_being_written(store, window);
	err = frozen__new(out, window, what, why, why_size);
	if (err == 0)
		(*out)->growing = growing;
	return err;
}

void frozen__free(struct frozen *frozen)
{
	if (!frozen)
		return;
	model__free(frozen->model);
	free(frozen);
}

/* --- what it holds ---------------------------------------------------------------------------- */

const struct model *frozen__model(const struct frozen *frozen)
{
	return frozen->model;
}

/* The id itself, or the id and a number that made it unique. */
static bool is_id_of(const char *id, const char *plain)
{
	const size_t length = strlen(plain);
	const char *rest = id + length;

	if (strncmp(id, plain, length) != 0)
		return false;
	return !*rest ||
	       (*rest == '-' && rest[1] && strspn(rest + 1, "0123456789") == strlen(rest + 1));
}

long frozen__index(const struct frozen *frozen)
{
	const size_t count = model__incident_count(frozen->model);
	long numbered = -1;

	for (size_t i = 0; i < count; i++) {
		const char *id = model__incident(frozen->model, i)->id;

		if (strcmp(frozen->id, id) == 0)
			return (long)i;
		if (numbered < 0 && is_id_of(frozen->id, id))
			numbered = (long)i;
	}
	return numbered;
}

bool frozen__is_whole(const struct frozen *frozen)
{
	return frozen->whole;
}

bool frozen__is_growing(const struct frozen *frozen)
{
	return frozen->growing && !frozen->whole;
}

const char *frozen__why_not(const struct frozen *frozen)
{
	return frozen->why_not;
}

bool frozen__differs(const struct frozen *frozen)
{
	return frozen->replay.differs;
}

int frozen__text(const struct frozen *frozen, struct text *out)
{
	const long index = frozen__index(frozen);

	return index < 0 ? report__text(frozen->model, out)
			 : report__incident_text(frozen->model, (size_t)index, out);
}

int frozen__json(const struct frozen *frozen, struct text *out)
{
	const long index = frozen__index(frozen);

	return index < 0 ? report__json(frozen->model, out)
			 : report__incident_json(frozen->model, (size_t)index, out);
}

int frozen__save(const struct frozen *frozen, struct store *store, const char *id)
{
	_cleanup_(text__free) struct text json = {0};
	_cleanup_(text__free) struct text text = {0};
	int err = frozen__json(frozen, &json);

	if (err == 0)
		err = frozen__text(frozen, &text);
	if (err == 0)
		err = store__replace(store, id, "incident.json", json.data, json.length);
	/* Last: it says that the incident is finished. */
	return err ? err : store__replace(store, id, "report.txt", text.data, text.length);
}
