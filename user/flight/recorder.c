/* SPDX-License-Identifier: GPL-2.0-only */
#include "flight/recorder.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "flight/recorder_internal.h"

#define CHUNKS_IN_WINDOW 8 /* of its size and of its time: what dropping the oldest one costs */
#define CHUNK_MIN_BYTES  (1 * MIB)
#define CHUNK_MIN_NS     (1 * NS_PER_S)
#define LOOK_NS          (5 * NS_PER_S) /* between two looks whether the folder is still there */
#define RETRY_NS         (5 * NS_PER_S)
#define KEEP_DEAD_NS     INCIDENT_WINDOW_NS /* a report looks no further back */
#define KEEP_DEAD_MAX    512

void recorder__tell(struct recorder *recorder, const char *format, ...)
{
	char line[512];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	recorder->options.tell(recorder->options.context, line);
}

int recorder__new(struct recorder **out, const struct recorder_options *options)
{
	struct recorder *recorder = calloc(1, sizeof(*recorder));
	int error;

	if (!recorder)
		return -ENOMEM;
	recorder->options = *options;
	recorder->config = *options->config;
	recorder->spare_missing = true;
	error = store__next_chunk(options->store, &recorder->next_chunk);
	if (error) {
		free(recorder);
		return error;
	}
	*out = recorder;
	return 0;
}

void recorder__configure(struct recorder *recorder, const struct config *config)
{
	recorder->config = *config;
	recorder__trim(recorder);
}

/* --- chunks --------------------------------------------------------------------------------- */

static uint64_t chunk_bytes(const struct recorder *recorder)
{
	uint64_t bytes = recorder->config.max_size_bytes / CHUNKS_IN_WINDOW;

	return bytes < CHUNK_MIN_BYTES ? CHUNK_MIN_BYTES : bytes;
}

static uint64_t chunk_ns(const struct recorder *recorder)
{
	uint64_t ns = recorder->config.window_ns / CHUNKS_IN_WINDOW;

	return ns < CHUNK_MIN_NS ? CHUNK_MIN_NS : ns;
}

bool recorder__on_disk(const struct recorder *recorder)
{
	const struct chunk *chunk = &recorder->chunk;

	return chunk->writer && !capture__write_error(chunk->capture);
}

uint64_t recorder__keep_from(const struct recorder *recorder)
{
	uint64_t from = recorder->chunk.number;

	for (const struct unpublished *one = recorder->unpublished; one; one = one->next) {
		if (one->chunk < from)
			from = one->chunk;
	}
	return from;
}

void recorder__trim(struct recorder *recorder)
{
	char keep[FREEZES + STORMS][STORE_ID_BYTES];
	const struct config *config = &recorder->config;
	size_t kept = 0, removed = 0;
	int error;

	for (size_t i = 0; i < recorder->freeze_count; i++)
		memcpy(keep[kept++], recorder->freezes[i].id, STORE_ID_BYTES);
	for (size_t i = 0; i < recorder->storm_count; i++)
		memcpy(keep[kept++], recorder->storms[i]->id, STORE_ID_BYTES);
	error = store__trim_window(recorder->options.store, recorder__keep_from(recorder),
				   config->max_size_bytes, config->window_ns, &removed);
	if (!error)
		error = store__trim_incidents(recorder->options.store, config->incidents,
					      config->incidents_bytes,
					      (const char(*)[STORE_ID_BYTES])keep, kept, &removed);
	if (error && error != -ENOENT)
		recorder__tell(recorder, "removing what is old: %s", strerror(-error));
}

static int open_file(struct recorder *recorder, struct chunk *chunk)
{
	char path[64];
	int error;

	store__chunk_path(recorder->options.store, chunk->number, path, sizeof(path));
	error = writer__new(&chunk->writer, path);
	if (error)
		return error;
	error = writer__preallocate(chunk->writer, chunk_bytes(recorder));
	if (!error)
		return 0;
	writer__free(take(chunk->writer));
	store__remove_chunk(recorder->options.store, chunk->number);
	return error;
}

/* Our own oldest chunks make room for the newest; somebody who removed the folder gets it back. */
static void insist_on_file(struct recorder *recorder, struct chunk *chunk)
{
	struct store *store = recorder->options.store;
	size_t removed = 1;
	int error = open_file(recorder, chunk);

	if (error == -ENOENT && !store__revive(store)) {
		recorder->spare_missing = true;
		error = open_file(recorder, chunk);
	}
	while ((error == -ENOSPC || error == -EDQUOT) && removed) {
		removed = 0;
		store__trim_window(store, recorder__keep_from(recorder), chunk_bytes(recorder), 0,
				   &removed);
		error = open_file(recorder, chunk);
	}
	if (error && !recorder->chunk.broken)
		recorder__tell(recorder,
			       "the window cannot be written: %s; kills are kept in memory until "
			       "it can",
			       strerror(-error));
	if (!error && recorder->chunk.broken)
		recorder__tell(recorder, "the window can be written again");
	chunk->broken = error != 0;
}

static int begin_chunk(struct recorder *recorder, struct chunk *out)
{
	struct chunk chunk = {.number = recorder->next_chunk++,
			      .begun_ns = recorder->now_ns,
			      .synced_ns = recorder->now_ns};
	int error = model__new(&chunk.model);

	if (error)
		return error;
	insist_on_file(recorder, &chunk);
	error = capture__new(&chunk.capture, chunk.writer, chunk.model);
	if (error) {
		writer__free(chunk.writer);
		model__free(chunk.model);
		return error;
	}
	*out = chunk;
	return 0;
}

static void free_chunk(struct chunk *chunk)
{
	capture__free(chunk->capture);
	writer__free(chunk->writer);
	model__free(chunk->model);
	*chunk = (struct chunk){0};
}

/* The latest account, told again, says that the chunk was not cut off. */
static int close_account(struct chunk *chunk)
{
	const struct event_recorder *latest = model__recorder(chunk->model);
	struct event_recorder closing;

	if (!latest || model__is_closed(chunk->model))
		return 0;
	closing = *latest;
	closing.header.flags |= EVENT_CLOSING;
	return capture__admit(chunk->capture, &closing.header);
}

/* Windows that could not be linked end where the chunk ends, too. */
static void copy_again(struct recorder *recorder, const struct chunk *chunk)
{
	for (size_t i = 0; i < recorder->copied_count; i++) {
		const char *id = recorder->copied[i];
		int error = store__replace_window(recorder->options.store, id,
						  writer__fd(chunk->writer));

		if (error)
			recorder__tell(recorder, "incident %s: its window ends at the kill: %s", id,
				       strerror(-error));
	}
	recorder->copied_count = 0;
}

static void finish_file(struct recorder *recorder, struct chunk *chunk)
{
	int error = close_account(chunk);

	recorder->events += capture__events(chunk->capture);
	if (!chunk->writer)
		return;
	if (!error)
		error = capture__digest(chunk->capture);
	if (!error)
		error = capture__write_error(chunk->capture);
	if (!error)
		error = writer__close(chunk->writer);
	if (error && !chunk->broken)
		recorder__tell(recorder, "closing a chunk of the window: %s", strerror(-error));
	if (!error)
		copy_again(recorder, chunk);
	recorder->copied_count = 0;
	recorder->written_bytes += writer__bytes(chunk->writer);
	writer__free(take(chunk->writer));
}

static struct state_options state_options(const struct recorder *recorder, uint64_t number)
{
	uint64_t bytes = recorder->config.memory_bytes;

	return (struct state_options){
		.now_ns = recorder->now_ns,
		.chunk = number,
		.keep_dead_ns = KEEP_DEAD_NS,
		.dead_max = KEEP_DEAD_MAX,
		.series_max_bytes = bytes / 2,
		.argv_max_bytes = bytes / 2,
	};
}

/*
 * The next chunk. The old file is closed before the new one opens, so that there is never more
 * than one writer's memory; the old model gives up its own as the new one takes it.
 */
static int roll(struct recorder *recorder)
{
	struct chunk *old = &recorder->chunk, next;
	struct state_options options;
	int error;

	finish_file(recorder, old);
	error = begin_chunk(recorder, &next);
	if (error)
		return error;
	options = state_options(recorder, next.number);
	error = model__move_out(old->model, &options, capture__admit, next.capture);
	free_chunk(old);
	*old = next;
	if (!error)
		error = capture__digest(next.capture);
	old->first_model_bytes = model__bytes(next.model);
	recorder->retry_ns = recorder->now_ns + RETRY_NS;
	if (!error)
		recorder__trim(recorder);
	return error;
}

/* A folder that was removed or replaced takes what is written along: it is made anew, and the
 * window begins again there. */
static bool is_lost(struct recorder *recorder)
{
	struct store *store = recorder->options.store;

	if (recorder->now_ns < recorder->look_ns)
		return false;
	recorder->look_ns = recorder->now_ns + LOOK_NS;
	if (store__is_there(store) || store__revive(store))
		return false;
	recorder__tell(recorder, "%s was removed or replaced: made anew", store__dir(store));
	recorder->spare_missing = true;
	return true;
}

/* What one model may grow to: its bound, or half as much again as it began with. */
static bool is_large(const struct recorder *recorder)
{
	const struct chunk *chunk = &recorder->chunk;
	size_t bound = recorder->config.memory_bytes;

	if (chunk->first_model_bytes + chunk->first_model_bytes / 2 > bound)
		bound = chunk->first_model_bytes + chunk->first_model_bytes / 2;
	return model__bytes(chunk->model) > bound;
}

static bool is_full(const struct recorder *recorder)
{
	const struct chunk *chunk = &recorder->chunk;

	return is_large(recorder) ||
	       (chunk->writer && writer__bytes(chunk->writer) > chunk_bytes(recorder));
}

static bool is_due(struct recorder *recorder)
{
	const struct chunk *chunk = &recorder->chunk;

	if (is_lost(recorder))
		return true;
	if (recorder->now_ns - chunk->begun_ns >= chunk_ns(recorder) || is_full(recorder))
		return true;
	return !recorder__on_disk(recorder) && recorder->now_ns >= recorder->retry_ns;
}

/* --- events --------------------------------------------------------------------------------- */

/* The first chunk has no state to open with, but the same bounds as all others. */
static int begin(struct recorder *recorder, const struct event_header *host)
{
	struct state_options options;
	struct event_state state;
	int error = begin_chunk(recorder, &recorder->chunk);

	if (!error)
		error = capture__admit(recorder->chunk.capture, host);
	if (error)
		return error;
	options = state_options(recorder, recorder->chunk.number);
	state = model__first_state(&options);
	return capture__admit(recorder->chunk.capture, &state.header);
}

int recorder__admit(struct recorder *recorder, const struct event_header *event)
{
	struct chunk *chunk = &recorder->chunk;
	int error;

	if (event->time_ns > recorder->now_ns)
		recorder->now_ns = event->time_ns;
	if (!chunk->model)
		return begin(recorder, event);
	error = capture__admit(chunk->capture, event);
	if (error == -ENOMEM && !freeze__is_open(recorder)) {
		/* Less is kept of the past, and this event is among what is kept. */
		error = roll(recorder);
		if (!error)
			error = capture__admit(chunk->capture, event);
	}
	if (error) {
		/* It is in the file, if there is one; ending here would lose what is in memory. */
		if (!recorder->unkept++)
			recorder__tell(recorder, "no memory to keep events: %s; recording goes on",
				       strerror(-error));
		return 0;
	}
	if (event->kind == EVENT_OPENED)
		recorder->opened = true;
	if (event->kind == EVENT_OOM_KILL)
		freeze__on_kill(recorder, (const struct event_oom_kill *)event);
	return 0;
}

static void sync_window(struct recorder *recorder)
{
	struct chunk *chunk = &recorder->chunk;

	if (!recorder__on_disk(recorder))
		return;
	if (recorder->now_ns - chunk->synced_ns >= recorder->config.sync_ns &&
	    writer__events(chunk->writer) != chunk->synced_events) {
		writer__sync(chunk->writer);
		chunk->synced_ns = recorder->now_ns;
		chunk->synced_events = writer__events(chunk->writer);
	} else {
		writer__tick(chunk->writer, recorder->now_ns);
	}
}

static void tell_broken(struct recorder *recorder)
{
	struct chunk *chunk = &recorder->chunk;
	int error = chunk->capture ? capture__write_error(chunk->capture) : 0;

	if (!error || chunk->broken)
		return;
	chunk->broken = true;
	recorder->retry_ns = recorder->now_ns + RETRY_NS;
	recorder__tell(recorder, "writing the window: %s; kills are kept in memory until it can be",
		       strerror(-error));
}

static void prepare(struct recorder *recorder)
{
	int error;

	if (!recorder->spare_missing)
		return;
	error = store__prepare(recorder->options.store, RECORDER_JSON_BYTES);
	recorder->spare_missing = error != 0;
}

void recorder__settle(struct recorder *recorder, uint64_t now_ns)
{
	int error = 0;

	if (now_ns > recorder->now_ns)
		recorder->now_ns = now_ns;
	if (!recorder->chunk.model)
		return;
	freeze__settle(recorder);
	sync_window(recorder);
	tell_broken(recorder);
	if (freeze__is_open(recorder) && is_full(recorder))
		freeze__end(recorder);
	if (!freeze__is_open(recorder) && (recorder->freeze_count || is_due(recorder))) {
		freeze__end(recorder);
		error = roll(recorder);
	}
	if (error)
		recorder__tell(recorder, "beginning a chunk: %s", strerror(-error));
	storm__settle(recorder, false);
	freeze__retry(recorder);
	prepare(recorder);
}

int recorder__freeze(struct recorder *recorder, uint64_t now_ns)
{
	if (now_ns > recorder->now_ns)
		recorder->now_ns = now_ns;
	return recorder->chunk.model ? freeze__on_demand(recorder) : -EAGAIN;
}

bool recorder__has_opened(const struct recorder *recorder)
{
	return recorder->opened;
}

uint64_t recorder__events(const struct recorder *recorder)
{
	return recorder->events +
	       (recorder->chunk.capture ? capture__events(recorder->chunk.capture) : 0);
}

uint64_t recorder__written_bytes(const struct recorder *recorder)
{
	return recorder->written_bytes +
	       (recorder->chunk.writer ? writer__bytes(recorder->chunk.writer) : 0);
}

size_t recorder__unpublished(const struct recorder *recorder)
{
	size_t count = 0;

	for (const struct unpublished *one = recorder->unpublished; one; one = one->next)
		count++;
	return count;
}

int recorder__close(struct recorder *recorder, uint64_t now_ns)
{
	recorder__settle(recorder, now_ns);
	if (!recorder->chunk.model)
		return 0;
	freeze__end(recorder);
	finish_file(recorder, &recorder->chunk);
	freeze__retry(recorder);
	storm__settle(recorder, true);
	return recorder->chunk.broken ? -EIO : 0;
}

void recorder__free(struct recorder *recorder)
{
	if (!recorder)
		return;
	free_chunk(&recorder->chunk);
	freeze__free_all(recorder);
	storm__free_all(recorder);
	free(recorder);
}
