/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "flight/recorder_internal.h"

#define CHUNKS_IN_WINDOW 8 /* of its size and of its time: what dropping the oldest one costs */
#define CHUNK_MIN_BYTES  (1 * MIB)
#define CHUNK_MIN_NS     (1 * NS_PER_S)
#define RETRY_NS         (5 * NS_PER_S)
#define KEEP_DEAD_NS     INCIDENT_WINDOW_NS /* a report looks no further back */
#define KEEP_DEAD_MAX    512

uint64_t chunk__bytes(const struct recorder *recorder)
{
	uint64_t bytes = recorder->config.max_size_bytes / CHUNKS_IN_WINDOW;

	return bytes < CHUNK_MIN_BYTES ? CHUNK_MIN_BYTES : bytes;
}

uint64_t chunk__ns(const struct recorder *recorder)
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
	char keep[FREEZES + STORMS + JOBS][STORE_ID_BYTES];
	const struct config *config = &recorder->config;
	size_t kept = 0, removed = 0;
	int error, window_error;

	for (size_t i = 0; i < recorder->freeze_count; i++)
		memcpy(keep[kept++], recorder->freezes[i].id, STORE_ID_BYTES);
	for (size_t i = 0; i < recorder->storm_count; i++)
		memcpy(keep[kept++], recorder->storms[i]->id, STORE_ID_BYTES);
	for (size_t i = 0; i < recorder->job_count; i++)
		memcpy(keep[kept++], recorder->jobs[i].id, STORE_ID_BYTES);
	window_error = store__trim_window(recorder->options.store, recorder__keep_from(recorder),
					  config->max_size_bytes, config->window_ns, &removed);
	error = store__trim_incidents(recorder->options.store, config->incidents,
				      config->incidents_bytes, (const char(*)[STORE_ID_BYTES])keep,
				      kept, &removed);
	if (!error)
		error = window_error;
	if (error && error != -ENOENT)
		recorder__tell(recorder, "removing what is old: %s", strerror(-error));
}

/* --- a file for it -------------------------------------------------------------------------- */

static int open_file(struct recorder *recorder, struct chunk *chunk)
{
	struct store *store = recorder->options.store;
	char path[64];
	int error;

	if (chunk->fresh)
		store__fresh_chunk_path(store, chunk->number, path, sizeof(path));
	else
		store__chunk_path(store, chunk->number, path, sizeof(path));
	error = writer__new(&chunk->writer, path);
	if (error)
		return error;
	error = writer__preallocate(chunk->writer, chunk__bytes(recorder));
	if (!error)
		return 0;
	writer__free(take(chunk->writer));
	if (chunk->fresh)
		store__drop_fresh_chunk(store, chunk->number);
	else
		store__remove_chunk(store, chunk->number);
	return error;
}

/* No more of the past than must be. Before the first chunk all of it is of earlier runs. */
static bool drop_oldest(struct recorder *recorder)
{
	_cleanup_(freep) struct store_chunk *chunks = NULL;
	struct store *store = recorder->options.store;
	uint64_t keep_from =
		recorder->chunk.model ? recorder__keep_from(recorder) : recorder->next_chunk;
	size_t count = 0;

	return !store__chunks(store, &chunks, &count) && count && chunks[0].number < keep_from &&
	       !store__remove_chunk(store, chunks[0].number);
}

/* Our own oldest chunks make room for the newest; somebody who removed the folder gets it back. */
static void insist_on_file(struct recorder *recorder, struct chunk *chunk)
{
	struct store *store = recorder->options.store;
	int error = open_file(recorder, chunk);

	if (error == -ENOENT && !store__revive(store)) {
		recorder->spare_missing = true;
		error = open_file(recorder, chunk);
	}
	while ((error == -ENOSPC || error == -EDQUOT) && drop_oldest(recorder))
		error = open_file(recorder, chunk);
	if (error && !recorder->chunk.broken)
		recorder__tell(recorder,
			       "the window cannot be written: %s; kills are kept in memory until "
			       "it can",
			       strerror(-error));
	chunk->broken = error != 0;
	chunk->file_error = error;
}

/* The state block is in it: now it may be found. */
static void name_file(struct recorder *recorder, struct chunk *chunk)
{
	struct store *store = recorder->options.store;
	int error;

	if (!chunk->writer)
		return;
	error = capture__write_error(chunk->capture);
	if (!error)
		error = writer__sync(chunk->writer);
	if (!error)
		error = store__name_chunk(store, chunk->number);
	if (error) {
		recorder__tell(recorder,
			       "the window cannot be written: %s; kills are kept in memory until "
			       "it can",
			       strerror(-error));
		chunk->broken = true;
		chunk->file_error = error;
		capture__detach(chunk->capture);
		writer__free(take(chunk->writer));
		store__drop_fresh_chunk(store, chunk->number);
	}
}

/* --- life ----------------------------------------------------------------------------------- */

static int begin_chunk(struct recorder *recorder, struct chunk *out, bool fresh)
{
	struct chunk chunk = {.number = recorder->next_chunk,
			      .fresh = fresh,
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
	recorder->next_chunk++;
	*out = chunk;
	return 0;
}

void chunk__free(struct chunk *chunk)
{
	capture__free(chunk->capture);
	writer__free(chunk->writer);
	model__free(chunk->model);
	*chunk = (struct chunk){0};
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
		/* 0 says the default in the stream, but never here. */
		.storm_ns = recorder->config.storm_ns ? recorder->config.storm_ns : 1,
	};
}

/* The first chunk has no state to open with, but the same bounds as all others. */
int chunk__first(struct recorder *recorder, const struct event_header *host)
{
	struct state_options options;
	struct event_state state;
	int error = begin_chunk(recorder, &recorder->chunk, false);

	if (!error)
		error = capture__admit(recorder->chunk.capture, host);
	if (error)
		return error;
	options = state_options(recorder, recorder->chunk.number);
	state = model__first_state(&options);
	/* Runs that end before their first roll must not fill the disk. */
	recorder__trim(recorder);
	return capture__admit(recorder->chunk.capture, &state.header);
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

/* The last events; nothing of the model is told behind them. */
static int end_events(struct chunk *chunk)
{
	int error = close_account(chunk);

	if (!chunk->writer)
		return error;
	if (!error)
		error = capture__digest(chunk->capture);
	if (!error)
		error = capture__write_error(chunk->capture);
	return error ? error : writer__flush(chunk->writer);
}

static void end_file(struct recorder *recorder, struct chunk *chunk, int error)
{
	if (!chunk->writer)
		return;
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

void chunk__end(struct recorder *recorder)
{
	struct chunk *chunk = &recorder->chunk;

	end_file(recorder, chunk, end_events(chunk));
}

struct telling {
	struct recorder *recorder;
	struct capture *to;
};

/* What finds no memory stays behind, and nothing else for it. */
static int tell_next(void *context, const struct event_header *event)
{
	struct telling *telling = context;
	int error = capture__admit(telling->to, event);

	if (error == -ENOMEM)
		recorder__unkept(telling->recorder);
	return error == -ENOMEM ? 0 : error;
}

/*
 * The old model is told into the new chunk, and gives up its memory as the new one takes it. The
 * old file gets its closing block last: whenever this is cut off, the newest chunk that can be
 * found either goes on or was not closed.
 */
int chunk__roll(struct recorder *recorder)
{
	struct chunk *old = &recorder->chunk, next;
	struct state_options options;
	int error, end_error;

	/* The disk may have no room for the old one's spare space and the new one's. */
	if (recorder__on_disk(recorder) && !writer__flush(old->writer))
		writer__release(old->writer);
	error = begin_chunk(recorder, &next, true);
	if (error)
		return error; /* the old one goes on */
	end_error = end_events(old);
	options = state_options(recorder, next.number);
	error = model__move_out(old->model, &options, tell_next,
				&(struct telling){recorder, next.capture});
	if (!error)
		error = capture__digest(next.capture);
	name_file(recorder, &next);
	if (old->broken && !next.broken)
		recorder__tell(recorder, "the window can be written again");
	end_file(recorder, old, end_error);
	recorder->events += capture__events(old->capture);
	chunk__free(old);
	*old = next;
	old->first_model_bytes = model__bytes(next.model);
	recorder->retry_ns = recorder->now_ns + RETRY_NS;
	if (!error)
		recorder__trim(recorder);
	return error;
}
