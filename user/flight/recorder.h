/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/events.h"
#include "flight/config.h"
#include "flight/store.h"

/*
 * The flight recorder behind the seam: one ordered sequence of events becomes a rolling window of
 * chunks, and each OOM kill of a new cause an incident's folder.
 *
 * A chunk is a recording that opens with the state block: what the model knew, told as events into
 * the file and into a fresh model alike. So the live model is at any moment what replaying the
 * chunk yields, and what it no longer needs stays behind with the old one: rolling is how memory
 * and disk stay bounded.
 *
 * A kill, phase one (recorder__settle(), behind the batch that brought it): the chunk is synced and
 * linked into the incident's folder, incident.json written beside it from the live model. Nothing
 * is asked of the kernel's memory management, no new block of the disk. Recording goes on into the
 * same chunk until the incident is over (INCIDENT_AFTER_NS without a further kill, at the latest
 * INCIDENT_BURST_NS after the first); then a new chunk begins, and the folder's reports are a job
 * for somebody with memory to spare (recorder__next_job()).
 *
 * What the disk refuses is kept: an incident that could not be published stays in memory and is
 * tried again, and recording goes on without a file until there can be one again.
 *
 * One thread. What is due follows from the caller's now_ns, CLOCK_MONOTONIC as in the events.
 */
struct recorder;

#define RECORDER_JSON_BYTES (512U << 10) /* to be preallocated for the next incident.json */

struct recorder_options {
	struct store *store; /* stays the caller's, open and locked */
	const struct config *config;
	/* One line of news, for the log. */
	void (*tell)(void *context, const char *line);
	/* CLOCK_MONOTONIC, to say how long writing took. */
	uint64_t (*clock_ns)(void);
	void *context;
};

int recorder__new(struct recorder **out, const struct recorder_options *options);

/* One event; the first is EVENT_HOST, and only then is there an error, -ENOMEM. Later ones for
 * which even a fresh model finds no memory are in the chunk's file, told of, and passed over. */
int recorder__admit(struct recorder *recorder, const struct event_header *event);

/* Behind every batch of events, and once a second without any: what is due. Waits for the disk. */
void recorder__settle(struct recorder *recorder, uint64_t now_ns);

/* Freezes the window as an incident, whatever happens in it. 0 or -errno. */
int recorder__freeze(struct recorder *recorder, uint64_t now_ns);

/* From now on by these settings, as far as they can change (flight/config.h). */
void recorder__configure(struct recorder *recorder, const struct config *config);

/* An incident whose reports wait to be written: its id, and true. One at a time; the same one is
 * not given out again before recorder__job_done(). A job that failed comes again, later. */
bool recorder__next_job(struct recorder *recorder, uint64_t now_ns, char id[STORE_ID_BYTES]);
void recorder__job_done(struct recorder *recorder, bool done, uint64_t now_ns);
/* Of an earlier run. */
void recorder__add_job(struct recorder *recorder, const char *id);

uint64_t recorder__events(const struct recorder *recorder);
uint64_t recorder__written_bytes(const struct recorder *recorder);
size_t recorder__unpublished(const struct recorder *recorder); /* incidents kept in memory only */

/* The stream has ended: everything is written and closed. 0 or what kept the window from it. */
int recorder__close(struct recorder *recorder, uint64_t now_ns);

void recorder__free(struct recorder *recorder);
