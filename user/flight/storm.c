/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "flight/recorder_internal.h"
#include "report/report.h"

/* Later kills of a cause whose window is kept: they go into the incident's storm.trail, and its
 * reports are written anew now and then. */

#define REPORT_NS (10 * NS_PER_S)

struct storm *storm__find(struct recorder *recorder, const char *fingerprint, uint64_t time_ns)
{
	for (size_t i = 0; i < recorder->storm_count; i++) {
		struct storm *storm = recorder->storms[i];

		if (!strcmp(storm->fingerprint, fingerprint) &&
		    (time_ns < storm->last_ns ||
		     time_ns - storm->last_ns <= recorder->config.storm_ns))
			return storm;
	}
	return NULL;
}

/* Room for one more: of those that are over, or else of the one that was quiet for longest. */
static struct storm *reuse(struct recorder *recorder)
{
	struct storm *quiet = recorder->storms[0];

	for (size_t i = 1; i < recorder->storm_count; i++) {
		if (recorder->storms[i]->last_ns < quiet->last_ns)
			quiet = recorder->storms[i];
	}
	return quiet;
}

int storm__begin(struct recorder *recorder, const struct freeze *freeze)
{
	struct storm *storm = recorder->storm_count ? reuse(recorder) : NULL;

	if (!storm || (recorder->storm_count < STORMS &&
		       recorder->now_ns - storm->last_ns <= recorder->config.storm_ns)) {
		storm = malloc(sizeof(*storm));
		if (!storm)
			return -ENOMEM;
		recorder->storms[recorder->storm_count++] = storm;
	}
	memset(storm, 0, sizeof(*storm));
	memcpy(storm->id, freeze->id, sizeof(storm->id));
	memcpy(storm->fingerprint, freeze->fingerprint, sizeof(storm->fingerprint));
	storm->last_ns = freeze->last_ns;
	return 0;
}

/* A trail of its own begins with the host, as every recording. */
static int open_trail(struct recorder *recorder, struct storm *storm, struct writer **out)
{
	const struct event_host *host = model__host(recorder->chunk.model);
	char path[128];
	int error = store__incident_path(recorder->options.store, storm->id, "storm.trail", path,
					 sizeof(path));

	if (error)
		return error;
	if (storm->trail_events)
		return writer__resume(out, path, storm->trail_events);
	error = writer__new(out, path);
	return error || !host ? error : writer__append(*out, &host->header);
}

/* What is held, behind what is there; and the disk's word for all of it. */
static int write_held(struct recorder *recorder, struct storm *storm, bool sync)
{
	struct writer *writer = NULL;
	int error = open_trail(recorder, storm, &writer);

	for (size_t i = 0; i < storm->held_count && !error; i++)
		error = writer__append(writer, &storm->held[i].header);
	if (!error)
		error = sync ? writer__sync(writer) : writer__flush(writer);
	if (!error) {
		if (storm->held_count)
			job__add(recorder, storm->id, recorder->now_ns + REPORT_NS);
		storm->trail_events = writer__events(writer);
		storm->held_count = 0;
	}
	if (!error && sync) {
		storm->synced_ns = recorder->now_ns;
		storm->synced_events = storm->trail_events;
	}
	writer__free(writer);
	return error;
}

void storm__add(struct recorder *recorder, struct storm *storm, const struct event_oom_kill *kill)
{
	if (kill->header.time_ns > storm->last_ns)
		storm->last_ns = kill->header.time_ns;
	if (storm->held_count == HELD_MAX && write_held(recorder, storm, false)) {
		if (!storm->lost++)
			recorder__tell(recorder,
				       "kills of incident %s are in the window only: its folder "
				       "cannot be written",
				       storm->id);
		return;
	}
	memcpy(&storm->held[storm->held_count++], kill, sizeof(*kill));
}

void storm__settle(struct recorder *recorder, bool closing)
{
	for (size_t i = 0; i < recorder->storm_count; i++) {
		struct storm *storm = recorder->storms[i];
		bool sync =
			closing || recorder->now_ns - storm->synced_ns >= recorder->config.sync_ns;

		if (storm->held_count || (sync && storm->trail_events != storm->synced_events))
			write_held(recorder, storm, sync);
	}
}

void storm__free_all(struct recorder *recorder)
{
	while (recorder->storm_count)
		free(recorder->storms[--recorder->storm_count]);
}
