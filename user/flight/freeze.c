/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/locked_memory.h"
#include "base/text.h"
#include "base/units.h"
#include "flight/recorder_internal.h"
#include "report/report.h"

#define RETRY_NS   (2 * NS_PER_S)
#define PINNED_MAX 16 /* chunks behind an incident's own, before its window is given up */

/* --- which window a kill belongs to --------------------------------------------------------- */

static struct freeze *find(struct recorder *recorder, const char *fingerprint)
{
	for (size_t i = 0; i < recorder->freeze_count; i++) {
		if (!strcmp(recorder->freezes[i].fingerprint, fingerprint))
			return &recorder->freezes[i];
	}
	return NULL;
}

void freeze__on_kill(struct recorder *recorder, const struct event_oom_kill *kill)
{
	long index = model__last_oom_incident(recorder->chunk.model);
	const struct incident *incident;
	uint64_t time_ns = kill->header.time_ns;
	struct freeze *freeze;
	struct storm *storm;

	if (index < 0)
		return; /* the model has counted it as more than it keeps track of */
	incident = model__incident(recorder->chunk.model, (size_t)index);
	freeze = find(recorder, incident->fingerprint);
	if (freeze) {
		if (time_ns > freeze->last_ns)
			freeze->last_ns = time_ns;
		return;
	}
	storm = storm__find(recorder, incident->fingerprint, time_ns);
	if (storm) {
		storm__add(recorder, storm, kill);
		return;
	}
	if (recorder->freeze_count == FREEZES) {
		recorder__tell(recorder,
			       "more than %d causes at once: the kill of pid %u is in the window, "
			       "without a folder of its own",
			       FREEZES, kill->victim.task.pid);
		return;
	}
	freeze = &recorder->freezes[recorder->freeze_count++];
	*freeze = (struct freeze){.index = index, .first_ns = time_ns, .last_ns = time_ns};
	snprintf(freeze->id, sizeof(freeze->id), "%s", incident->id);
	memcpy(freeze->fingerprint, incident->fingerprint, sizeof(freeze->fingerprint));
}

bool freeze__is_open(const struct recorder *recorder)
{
	for (size_t i = 0; i < recorder->freeze_count; i++) {
		const struct freeze *freeze = &recorder->freezes[i];

		if (freeze->index >= 0 && freeze->first_ns + INCIDENT_BURST_NS > recorder->now_ns &&
		    freeze->last_ns + INCIDENT_AFTER_NS > recorder->now_ns)
			return true;
	}
	return false;
}

/* --- phase one ------------------------------------------------------------------------------ */

static int write_json(const struct recorder *recorder, const struct freeze *freeze,
		      struct text *out)
{
	if (freeze->index < 0)
		return report__json(recorder->chunk.model, out);
	return report__incident_json_at_once(recorder->chunk.model, (size_t)freeze->index, out);
}

static void tell_published(struct recorder *recorder, const struct freeze *freeze,
			   const struct store_published *result, const struct memory_use *before,
			   uint64_t written_ns)
{
	struct memory_use after = locked_memory__use();
	uint64_t major = after.major_faults - before->major_faults;
	uint64_t faults = after.minor_faults - before->minor_faults + major;
	char took[UNITS_MAX], synced[UNITS_MAX], from_disk[64] = "";

	/* The others: the kernel may move a locked page, which is not there meanwhile. */
	if (faults)
		snprintf(from_disk, sizeof(from_disk), " (%" PRIu64 " from the disk)", major);
	recorder__tell(recorder,
		       "incident %s: trail and JSON written %s after %s (%s of it the disk's own "
		       "syncs), %" PRIu64 " page faults%s, %" PRIu64 " bytes of heap taken%s%s",
		       freeze->id, units__duration(took, written_ns - freeze->first_ns),
		       freeze->index < 0 ? "the request" : "the kill",
		       units__duration(synced, result->synced_ns), faults, from_disk,
		       after.heap_from_kernel_bytes - before->heap_from_kernel_bytes,
		       result->window ? "; its window could not be kept: " : "",
		       result->window ? strerror(-result->window) : "");
	if (result->durable)
		recorder__tell(recorder, "incident %s is not safe from a power cut: %s", freeze->id,
			       strerror(-result->durable));
}

static int publish(struct recorder *recorder, struct freeze *freeze)
{
	_cleanup_(text__free) struct text json = {0};
	struct chunk *chunk = &recorder->chunk;
	struct memory_use before = locked_memory__use();
	struct store_published result = {0};
	uint64_t begun_ns, window_synced_ns;
	int error;

	freeze->tried_ns = recorder->now_ns;
	error = write_json(recorder, freeze, &json);
	if (error)
		return error;
	if (!recorder__on_disk(recorder))
		return chunk->writer ? capture__write_error(chunk->capture) : chunk->file_error;
	begun_ns = recorder->options.clock_ns();
	error = writer__sync(chunk->writer);
	if (error)
		return error;
	window_synced_ns = recorder->options.clock_ns() - begun_ns;
	error = store__publish(recorder->options.store, freeze->id, chunk->number,
			       writer__fd(chunk->writer), json.data, json.length, &result);
	recorder->spare_missing = true;
	if (error)
		return error;
	freeze->published = true;
	freeze->copied = result.copied;
	result.synced_ns += window_synced_ns;
	tell_published(recorder, freeze, &result, &before, recorder->options.clock_ns());
	return 0;
}

void freeze__settle(struct recorder *recorder)
{
	for (size_t i = 0; i < recorder->freeze_count; i++) {
		struct freeze *freeze = &recorder->freezes[i];
		bool first = !freeze->tried_ns;
		int error;

		if (freeze->published || (!first && recorder->now_ns - freeze->tried_ns < RETRY_NS))
			continue;
		error = publish(recorder, freeze);
		if (error && first)
			recorder__tell(recorder,
				       "incident %s cannot be written: %s; it is kept in memory",
				       freeze->id, strerror(-error));
	}
}

/* --- the end of a window -------------------------------------------------------------------- */

/* What the disk has not taken by now is kept as it will be written. */
static int keep(struct recorder *recorder, const struct freeze *freeze)
{
	_cleanup_(text__free) struct text json = {0}, text = {0};
	struct unpublished *one, **link = &recorder->unpublished;
	int error = recorder__unpublished(recorder) < UNPUBLISHED ? 0 : -ENOBUFS;

	if (!error)
		error = write_json(recorder, freeze, &json);
	if (!error)
		error = freeze->index < 0 ? report__text(recorder->chunk.model, &text)
					  : report__incident_text(recorder->chunk.model,
								  (size_t)freeze->index, &text);
	if (error)
		return error;
	one = calloc(1, sizeof(*one));
	if (!one)
		return -ENOMEM;
	memcpy(one->id, freeze->id, sizeof(one->id));
	one->chunk = recorder__on_disk(recorder) ? recorder->chunk.number : CHUNK_NONE;
	one->json_bytes = json.length;
	one->json = take(json.data);
	one->text_bytes = text.length;
	one->text = take(text.data);
	while (*link)
		link = &(*link)->next;
	*link = one;
	return 0;
}

void freeze__end(struct recorder *recorder)
{
	for (size_t i = 0; i < recorder->freeze_count; i++) {
		struct freeze *freeze = &recorder->freezes[i];
		int error = 0;

		if (freeze->published)
			job__add(recorder, freeze->id, recorder->now_ns);
		else
			error = keep(recorder, freeze);
		if (freeze->copied && recorder->copied_count < FREEZES)
			memcpy(recorder->copied[recorder->copied_count++], freeze->id,
			       sizeof(freeze->id));
		if (error)
			recorder__tell(recorder, "incident %s is lost but for the window: %s",
				       freeze->id, strerror(-error));
		if (error || freeze->index < 0)
			continue; /* later kills of a cause that is lost are another incident */
		error = storm__begin(recorder, freeze);
		if (error)
			recorder__tell(recorder,
				       "kills like incident %s will be incidents of their own: %s",
				       freeze->id, strerror(-error));
	}
	recorder->freeze_count = 0;
}

int freeze__on_demand(struct recorder *recorder)
{
	uint64_t time_ns = recorder->now_ns;
	struct freeze *freeze;
	char utc[UNITS_MAX];

	if (recorder->freeze_count == FREEZES)
		return -EBUSY;
	freeze = &recorder->freezes[recorder->freeze_count];
	*freeze = (struct freeze){.index = -1, .first_ns = time_ns, .last_ns = time_ns};
	snprintf(freeze->id, sizeof(freeze->id), "%s-asked",
		 units__utc_id(utc, model__realtime_ns(recorder->chunk.model, time_ns)));
	recorder->freeze_count++;
	freeze__settle(recorder);
	return 0;
}

/* --- what is kept in memory ----------------------------------------------------------------- */

static void free_unpublished(struct unpublished *one)
{
	free(one->json);
	free(one->text);
	free(one);
}

bool unpublished__find(const struct recorder *recorder, const char *id)
{
	for (const struct unpublished *one = recorder->unpublished; one; one = one->next) {
		if (!strcmp(one->id, id))
			return true;
	}
	return false;
}

/* A chunk that nobody can take over must not keep all later ones in the window. */
static void give_up_window(struct recorder *recorder, struct unpublished *one)
{
	if (one->chunk == CHUNK_NONE || one->text_is_missing ||
	    recorder->chunk.number - one->chunk <= PINNED_MAX)
		return;
	one->chunk = CHUNK_NONE;
	recorder__tell(recorder, "incident %s: its window is given up, to keep the window bounded",
		       one->id);
}

static int publish_late(struct recorder *recorder, struct unpublished *one)
{
	struct store *store = recorder->options.store;
	struct store_published result = {0};
	int error = 0;

	if (one->chunk == CHUNK_NONE)
		return store__publish_without_window(store, one->id, one->json, one->json_bytes,
						     one->text, one->text_bytes, &result);
	if (!one->text_is_missing)
		error = store__publish(store, one->id, one->chunk, -1, one->json, one->json_bytes,
				       &result);
	if (error)
		return error;
	if (!one->text_is_missing && !result.window) {
		job__add(recorder, one->id, recorder->now_ns);
		return 0;
	}
	/* It has its folder; that is not to be made a second time for want of the text. */
	one->text_is_missing = true;
	return store__replace(store, one->id, "report.txt", one->text, one->text_bytes);
}

void freeze__retry(struct recorder *recorder, bool closing)
{
	struct unpublished **link = &recorder->unpublished, *one;

	while ((one = *link)) {
		char id[STORE_ID_BYTES];

		give_up_window(recorder, one);
		if (!closing && one->tried_ns && recorder->now_ns - one->tried_ns < RETRY_NS) {
			link = &one->next;
			continue;
		}
		one->tried_ns = recorder->now_ns;
		recorder->spare_missing = true;
		memcpy(id, one->id, sizeof(id));
		if (publish_late(recorder, one)) {
			link = &one->next;
			continue;
		}
		storm__rename(recorder, id, one->id);
		recorder__tell(recorder, "incident %s: written now%s", one->id,
			       one->chunk == CHUNK_NONE ? ", without its window" : "");
		*link = one->next;
		free_unpublished(one);
	}
}

void freeze__free_all(struct recorder *recorder)
{
	while (recorder->unpublished) {
		struct unpublished *one = recorder->unpublished;

		recorder->unpublished = one->next;
		free_unpublished(one);
	}
}
