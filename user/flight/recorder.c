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
#include "recording/format.h"

#define LOOK_NS           (5 * NS_PER_S) /* between two looks whether the folder is still there */
#define RETRY_NS          (5 * NS_PER_S)
#define CHUNK_SPARE_BYTES (2 * TRAIL_BLOCK_RAW_BYTES)

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

/* --- when to begin a chunk ------------------------------------------------------------------- */

/* A folder that was removed or replaced takes what is written along: it is made anew, and the
 * window begins again there. */
static bool is_lost(struct recorder *recorder)
{
	struct store *store = recorder->options.store;
	int error;

	if (recorder->now_ns < recorder->look_ns)
		return false;
	recorder->look_ns = recorder->now_ns + LOOK_NS;
	if (store__is_there(store))
		return false;
	error = store__revive(store);
	if (error && !recorder->gone_told)
		recorder__tell(recorder, "%s was removed or replaced and cannot be made anew: %s",
			       store__dir(store), strerror(-error));
	recorder->gone_told = error != 0;
	if (error)
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

/* No chunk shall need more than was preallocated, which a full disk would refuse: there is room for
 * what comes until somebody looks, and for the end. */
static bool is_full(const struct recorder *recorder)
{
	const struct chunk *chunk = &recorder->chunk;
	uint64_t bytes = chunk__bytes(recorder), spare = bytes / 4;

	if (spare < CHUNK_SPARE_BYTES)
		spare = CHUNK_SPARE_BYTES;
	return is_large(recorder) ||
	       (chunk->writer && writer__bytes(chunk->writer) > bytes - spare);
}

static bool is_due(struct recorder *recorder)
{
	const struct chunk *chunk = &recorder->chunk;

	if (is_lost(recorder))
		return true;
	if (recorder->now_ns - chunk->begun_ns >= chunk__ns(recorder) || is_full(recorder))
		return true;
	return !recorder__on_disk(recorder) && recorder->now_ns >= recorder->retry_ns;
}

/* --- events --------------------------------------------------------------------------------- */

/* It is in the file, if there is one; ending here would lose what is in memory. */
void recorder__unkept(struct recorder *recorder)
{
	if (!recorder->unkept++)
		recorder__tell(recorder, "no memory to keep events: %s; recording goes on",
			       strerror(ENOMEM));
}

int recorder__admit(struct recorder *recorder, const struct event_header *event)
{
	struct chunk *chunk = &recorder->chunk;
	int error;

	if (event->time_ns > recorder->now_ns)
		recorder->now_ns = event->time_ns;
	if (!chunk->model)
		return chunk__first(recorder, event);
	error = capture__admit(chunk->capture, event);
	if (error == -ENOMEM && !freeze__is_open(recorder)) {
		/* Less is kept of the past, and this event is among what is kept. Windows that are
		 * over end with the model they tell of. */
		freeze__end(recorder);
		error = chunk__roll(recorder);
		if (!error)
			error = capture__admit(chunk->capture, event);
	}
	if (error) {
		recorder__unkept(recorder);
		return 0;
	}
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
		error = chunk__roll(recorder);
	}
	if (error)
		recorder__tell(recorder, "beginning a chunk: %s", strerror(-error));
	storm__settle(recorder, false);
	freeze__retry(recorder, false);
	prepare(recorder);
}

int recorder__freeze(struct recorder *recorder, uint64_t now_ns)
{
	if (now_ns > recorder->now_ns)
		recorder->now_ns = now_ns;
	return recorder->chunk.model ? freeze__on_demand(recorder) : -EAGAIN;
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
	chunk__end(recorder);
	freeze__retry(recorder, true);
	storm__settle(recorder, true);
	job__hurry(recorder);
	return recorder->chunk.broken ? -EIO : 0;
}

void recorder__free(struct recorder *recorder)
{
	if (!recorder)
		return;
	chunk__free(&recorder->chunk);
	freeze__free_all(recorder);
	storm__free_all(recorder);
	free(recorder);
}
