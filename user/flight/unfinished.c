/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zlib.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "flight/frozen_internal.h"
#include "flight/store_internal.h"
#include "flight/stored_json.h"
#include "recording/format.h"

DEFINE_FREEP(frozen)
DEFINE_FREEP(reader)

bool frozen__is_called(const char *id, const char *what)
{
	const char *dash = strchr(id, '-');
	const size_t length = strlen(what);

	if (!dash || strncmp(dash + 1, what, length) != 0)
		return false;
	dash += 1 + length;
	return !*dash ||
	       (*dash == '-' && dash[1] && strspn(dash + 1, "0123456789") == strlen(dash + 1));
}

static void set_id(char id[STORE_ID_BYTES], int64_t realtime_ns, const char *what)
{
	char utc[UNITS_MAX];

	snprintf(id, STORE_ID_BYTES, "%s-%s", units__utc_id(utc, realtime_ns), what);
}

/* --- how far a chunk reaches ------------------------------------------------------------------ */

/* Its last block closes it. Nothing may follow one, so looking there is enough. */
static bool ends_closed(int fd)
{
	struct trail_block_header header;
	struct stat status;
	uint32_t told;

	if (fstat(fd, &status) < 0 || status.st_size < (off_t)sizeof(header) ||
	    pread(fd, &header, sizeof(header), status.st_size - (off_t)sizeof(header)) !=
		    sizeof(header))
		return false;
	told = header.crc32;
	header.crc32 = 0;
	return header.magic == TRAIL_BLOCK_MAGIC && header.kind == TRAIL_BLOCK_CLOSE &&
	       header.stored_bytes == 0 &&
	       told == (uint32_t)crc32(0, (const Bytef *)&header, sizeof(header));
}

static bool tells_clock(const struct event_header *event, int64_t *offset_ns)
{
	if (event->kind == EVENT_HOST)
		*offset_ns = ((const struct event_host *)event)->realtime_offset_ns;
	else if (event->kind == EVENT_CLOCK)
		*offset_ns = ((const struct event_clock *)event)->realtime_offset_ns;
	else
		return false;
	return true;
}

struct tail {
	bool closed;         /* properly ended; then nothing else was looked at */
	uint64_t events;     /* that can be read */
	int64_t realtime_ns; /* of the last one; EVENT_UNKNOWN */
};

/* Without replaying it: takes the memory of one block. */
static int tail__read(struct tail *tail, int fd)
{
	_cleanup_(reader__freep) struct reader *reader = NULL;
	const struct event_header *event;
	uint64_t last_ns = 0;
	int64_t offset_ns = 0;
	bool known = false;
	int err;

	*tail = (struct tail){.realtime_ns = EVENT_UNKNOWN, .closed = ends_closed(fd)};
	if (tail->closed)
		return 0;
	err = reader__new_of(&reader, fd);
	/* Not even its header reached the disk. */
	if (err < 0)
		return err == -EINVAL ? 0 : err;
	while ((event = reader__next(reader))) {
		tail->events++;
		if (event->time_ns > last_ns)
			last_ns = event->time_ns;
		known |= tells_clock(event, &offset_ns);
	}
	if (!known || last_ns > INT64_MAX ||
	    __builtin_add_overflow((int64_t)last_ns, offset_ns, &tail->realtime_ns) ||
	    tail->realtime_ns < 0)
		tail->realtime_ns = EVENT_UNKNOWN;
	return 0;
}

/* --- after a crash ---------------------------------------------------------------------------- */

/* -ENOENT: the JSON does not say. */
static int id_from_json(int folder_fd, char id[STORE_ID_BYTES], bool *is_session)
{
	_cleanup_(closep) int fd = file__open(folder_fd, STORE_JSON);
	_cleanup_(json_decrefp) json_t *json = NULL;
	char why[80];
	int err = fd < 0 ? fd : stored_json__load(&json, fd, why, sizeof(why));

	if (err < 0)
		return err;
	*is_session = strcmp(stored_json__string(json, "schema"), "oomtrail.session/1") == 0;
	if (*is_session || !store__is_id(stored_json__string(json, "id")))
		return -ENOENT;
	strcpy(id, stored_json__string(json, "id"));
	return 0;
}

/* Of the window's incidents the first that has no folder yet: they come about in this order. NULL:
 * all have. */
static const char *first_without_folder(const struct model *model, int folder_fd)
{
	char path[STORE_ID_BYTES + 8];
	struct stat status;

	for (size_t i = 0; i < model__incident_count(model); i++) {
		const char *id = model__incident(model, i)->id;

		snprintf(path, sizeof(path), "../%s", id);
		if (fstatat(folder_fd, path, &status, AT_SYMLINK_NOFOLLOW) < 0)
			return id;
	}
	return NULL;
}

int frozen__id_of(void *context, int folder_fd, char id[STORE_ID_BYTES])
{
	_cleanup_(frozen__freep) struct frozen *frozen = NULL;
	_cleanup_(closep) int window = -1;
	bool is_session = false;
	const struct model *model;
	const char *killed;
	char why[160];
	int err;

	(void)context;
	if (id_from_json(folder_fd, id, &is_session) == 0)
		return 0;
	window = file__open(folder_fd, STORE_TRAIL);
	err = window < 0 ? window : frozen__new(&frozen, window, "it", why, sizeof(why));
	if (err < 0)
		return err;
	model = frozen__model(frozen);
	killed = is_session ? NULL : first_without_folder(model, folder_fd);
	if (killed)
		strcpy(id, killed);
	else
		set_id(id, model__realtime_ns(model, model__span(model).last_ns), "asked");
	return 0;
}

static int is_kept(const struct store *store, int chunk)
{
	_cleanup_(freep) char(*ids)[STORE_ID_BYTES] = NULL;
	size_t count;
	int err = store__incidents(store, &ids, &count);

	if (err < 0)
		return err;
	for (size_t i = 0; i < count; i++) {
		_cleanup_(closep) int window = -1;

		if (!frozen__is_called(ids[i], "unfinished"))
			continue;
		window = store__open_file(store, ids[i], STORE_TRAIL);
		if (window >= 0 && fd__is_same(window, chunk))
			return 1;
	}
	return 0;
}

/* As unfinished__find(), of one chunk. *empty: killed before its first block, there is nothing in
 * it to keep. */
static int look(struct unfinished *out, const struct store *store, const struct store_chunk *chunk,
		bool *empty)
{
	_cleanup_(closep) int fd = store__open_chunk(store, chunk->number);
	struct tail tail;
	int err = fd < 0 ? fd : tail__read(&tail, fd);

	if (err < 0)
		return err;
	*empty = !tail.closed && tail.events == 0;
	if (tail.closed || *empty)
		return 0;
	err = is_kept(store, fd);
	if (err != 0)
		return err < 0 ? err : 0;
	out->chunk = *chunk;
	/* Without a clock inside there is still that of the file. */
	out->realtime_ns = tail.realtime_ns >= 0 ? tail.realtime_ns : chunk->modified_ns;
	return 1;
}

int unfinished__find(struct unfinished *out, const struct store *store)
{
	_cleanup_(freep) struct store_chunk *chunks = NULL;
	bool empty = true;
	size_t count;
	int found = store__chunks(store, &chunks, &count);

	if (found < 0)
		return found;
	for (size_t i = count; empty && found == 0 && i-- > 0;)
		found = look(out, store, &chunks[i], &empty);
	return found;
}

int frozen__window(const struct store *store, uint64_t *number)
{
	_cleanup_(freep) struct store_chunk *chunks = NULL;
	struct store_holder holder;
	struct unfinished left;
	size_t count;
	int err = store__chunks(store, &chunks, &count);

	if (err < 0 || count == 0)
		return err < 0 ? err : -ENOENT;
	*number = chunks[count - 1].number;
	if (!store__is_watched(store, &holder) && unfinished__find(&left, store) == 1)
		*number = left.chunk.number;
	return 0;
}

/* Gives back what its writer had preallocated, and asks its last blocks onto the disk. */
static int settle(const struct store *store, uint64_t number)
{
	_cleanup_(closep) int fd = -1;
	struct stat status;
	char path[64];

	store__chunk_path(store, number, path, sizeof(path));
	fd = open(path, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &status) < 0 || ftruncate(fd, status.st_size) < 0)
		return -errno;
	return store__sync(fd);
}

int frozen__keep_unfinished(struct store *store, char id[STORE_ID_BYTES])
{
	static const char json[] = "{\n  \"schema\": \"oomtrail.session/1\"\n}\n";
	_cleanup_(closep) int fd = -1;
	struct store_published result;
	struct unfinished last;
	int err = unfinished__find(&last, store);

	if (err <= 0)
		return err;
	fd = store__open_chunk(store, last.chunk.number);
	err = fd < 0 ? fd : settle(store, last.chunk.number);
	/* On a full or read-only disk it is still to be kept, if that can be. */
	if (err == -ENOENT)
		return err;
	set_id(id, last.realtime_ns, "unfinished");
	err = store__publish(store, id, last.chunk.number, fd, json, strlen(json), &result);
	return err < 0 ? err : 1;
}
