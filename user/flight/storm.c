/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "flight/recorder_internal.h"

/* Later kills of a cause whose window is kept: they go into the incident's storm.trail, and its
 * reports are written anew now and then. */

#define KILLS_MAX     10000           /* in one storm.trail; what comes later is counted */
#define REPORT_NS     (10 * NS_PER_S) /* the first report after a kill; each later one waits twice */
#define REPORT_MAX_NS (600 * NS_PER_S) /* as long, up to this */

static bool is_over(const struct recorder *recorder, const struct storm *storm, uint64_t time_ns)
{
	return time_ns > storm->last_ns && time_ns - storm->last_ns > recorder->config.storm_ns;
}

static void drop(struct recorder *recorder, size_t index)
{
	free(recorder->storms[index]);
	recorder->storms[index] = recorder->storms[--recorder->storm_count];
}

/* Its folder may have been removed, by somebody or by retention; one that is still to be written is
 * none of these. */
static bool has_folder(const struct recorder *recorder, const struct storm *storm)
{
	_cleanup_(closep) int fd =
		store__open_file(recorder->options.store, storm->id, "incident.json");

	return fd != -ENOENT || unpublished__find(recorder, storm->id);
}

struct storm *storm__find(struct recorder *recorder, const char *fingerprint, uint64_t time_ns)
{
	for (size_t i = 0; i < recorder->storm_count; i++) {
		struct storm *storm = recorder->storms[i];

		if (strcmp(storm->fingerprint, fingerprint) || is_over(recorder, storm, time_ns))
			continue;
		if (has_folder(recorder, storm))
			return storm;
		recorder__tell(recorder,
			       "incident %s was removed: this kill of its cause is another one",
			       storm->id);
		drop(recorder, i);
		return NULL;
	}
	return NULL;
}

/* Room for one more: of the one that was quiet for longest. */
static void make_room(struct recorder *recorder)
{
	size_t quiet = 0;

	for (size_t i = 1; i < recorder->storm_count; i++) {
		if (recorder->storms[i]->last_ns < recorder->storms[quiet]->last_ns)
			quiet = i;
	}
	drop(recorder, quiet);
}

int storm__begin(struct recorder *recorder, const struct freeze *freeze)
{
	struct storm *storm = calloc(1, sizeof(*storm));

	if (!storm)
		return -ENOMEM;
	if (recorder->storm_count == STORMS)
		make_room(recorder);
	memcpy(storm->id, freeze->id, sizeof(storm->id));
	memcpy(storm->fingerprint, freeze->fingerprint, sizeof(storm->fingerprint));
	storm->last_ns = freeze->last_ns;
	storm->report_ns = REPORT_NS;
	recorder->storms[recorder->storm_count++] = storm;
	return 0;
}

/* A trail of its own begins with the host, as every recording. */
static int open_trail(struct recorder *recorder, struct storm *storm, struct writer **out)
{
	const struct event_host *host = model__host(recorder->chunk.model);
	char path[128];
	int error;

	/* Until it has a folder, its name may be another one's. */
	if (unpublished__find(recorder, storm->id))
		return -ENOENT;
	error = store__incident_path(recorder->options.store, storm->id, "storm.trail", path,
				     sizeof(path));
	if (error)
		return error;
	if (storm->trail_events)
		return writer__resume(out, path, storm->trail_events);
	error = writer__new(out, path);
	return error || !host ? error : writer__append(*out, &host->header);
}

/* One that waits already, or was planned before, tells of this kill as well. */
static void plan_report(struct recorder *recorder, struct storm *storm)
{
	if (recorder->now_ns >= storm->reported_ns) {
		storm->reported_ns = recorder->now_ns + storm->report_ns;
		if (storm->report_ns < REPORT_MAX_NS)
			storm->report_ns *= 2;
	}
	job__add(recorder, storm->id, storm->reported_ns);
}

/* Kills that are known by their number only. */
static int append_count(struct writer *writer, const struct storm *storm)
{
	struct event_loss loss = {
		.header = {.size_bytes = sizeof(loss),
			   .kind = EVENT_LOSS,
			   .time_ns = storm->last_ns},
		.reason = LOSS_KILLS_COUNTED,
		.kind = EVENT_OOM_KILL,
		.count = storm->counted,
	};

	return writer__append(writer, &loss.header);
}

/* Each is in the file when it is appended; what the disk has refused is still held. */
static int append_held(struct writer *writer, struct storm *storm)
{
	size_t written = 0;
	int error = 0;

	while (written < storm->held_count && !error) {
		error = writer__append(writer, &storm->held[written].header);
		if (error)
			break;
		storm->trail_events = writer__events(writer);
		written++;
	}
	storm->held_count -= written;
	memmove(storm->held, storm->held + written, storm->held_count * sizeof(storm->held[0]));
	return error;
}

/* What is held, behind what is there; and the disk's word for all of it. */
static int write_held(struct recorder *recorder, struct storm *storm, bool sync)
{
	bool news = storm->held_count || storm->counted != storm->told;
	struct writer *writer = NULL;
	int error = open_trail(recorder, storm, &writer);

	if (!error)
		error = append_held(writer, storm);
	if (!error && storm->counted != storm->told)
		error = append_count(writer, storm);
	if (!error)
		error = writer__flush(writer);
	if (!error) {
		if (news)
			plan_report(recorder, storm);
		storm->told = storm->counted;
		storm->trail_events = writer__events(writer);
	}
	if (!error && sync)
		error = writer__sync(writer);
	if (!error && sync) {
		storm->synced_ns = recorder->now_ns;
		storm->synced_events = storm->trail_events;
	}
	writer__free(writer);
	return error;
}

/* Counted from now on, and said now and then: at 1, 10, 100... of them. */
static void count_only(struct recorder *recorder, struct storm *storm, const char *why)
{
	uint64_t said = 1;

	storm->counted++;
	while (said < storm->counted)
		said *= 10;
	if (said == storm->counted)
		recorder__tell(recorder,
			       "incident %s: %s; %" PRIu64 " of its kills are in the window only",
			       storm->id, why, storm->counted);
}

void storm__add(struct recorder *recorder, struct storm *storm, const struct event_oom_kill *kill)
{
	if (kill->header.time_ns > storm->last_ns)
		storm->last_ns = kill->header.time_ns;
	if (storm->trail_events + storm->held_count > KILLS_MAX)
		count_only(recorder, storm, "more kills than one incident lists");
	else if (storm->held_count == HELD_MAX && write_held(recorder, storm, false))
		count_only(recorder, storm, "its folder cannot be written");
	else
		memcpy(&storm->held[storm->held_count++], kill, sizeof(*kill));
}

/* True: it is over, or has nowhere to go. */
static bool settle(struct recorder *recorder, struct storm *storm, bool closing)
{
	bool sync = closing || recorder->now_ns - storm->synced_ns >= recorder->config.sync_ns;
	/* As often as a report is made of it. */
	bool count = storm->counted != storm->told &&
		     (closing || recorder->now_ns >= storm->reported_ns);
	int error = 0;

	/* Its folder may come by another name, and one of this name may be another's. */
	if (!closing && unpublished__find(recorder, storm->id))
		return false;
	if (storm->held_count || count || (sync && storm->trail_events != storm->synced_events))
		error = write_held(recorder, storm, sync);
	if (!error)
		return is_over(recorder, storm, recorder->now_ns);
	if (!closing && (error != -ENOENT || unpublished__find(recorder, storm->id)))
		return false; /* tried again */
	recorder__tell(recorder, "incident %s: %zu later kills could not be written: %s", storm->id,
		       storm->held_count, strerror(-error));
	return true;
}

void storm__settle(struct recorder *recorder, bool closing)
{
	for (size_t i = 0; i < recorder->storm_count;) {
		if (settle(recorder, recorder->storms[i], closing))
			drop(recorder, i);
		else
			i++;
	}
}

void storm__rename(struct recorder *recorder, const char *from, const char *to)
{
	for (size_t i = 0; i < recorder->storm_count; i++) {
		if (!strcmp(recorder->storms[i]->id, from))
			memcpy(recorder->storms[i]->id, to, STORE_ID_BYTES);
	}
}

void storm__free_all(struct recorder *recorder)
{
	while (recorder->storm_count)
		free(recorder->storms[--recorder->storm_count]);
}
