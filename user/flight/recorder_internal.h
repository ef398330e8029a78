/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include "flight/recorder.h"
#include "model/model.h"
#include "recording/writer.h"
#include "source/capture.h"

/* What recorder.c (what is due), chunk.c (the window), freeze.c (kills become folders), storm.c and
 * jobs.c share. */

#define FREEZES     64 /* causes at once; a further one is in the window and has no folder */
#define STORMS      64 /* causes remembered; the one quiet for longest is forgotten first */
#define JOBS        128
#define UNPUBLISHED 32 /* incidents kept in memory at once */
#define HELD_MAX    64 /* kills of a storm that gather before they are written */

/* The window of one incident, while its chunk goes on. */
struct freeze {
	char id[STORE_ID_BYTES];
	char fingerprint[17]; /* "": frozen on demand */
	long index;           /* in the chunk's model; -1: on demand */
	uint64_t first_ns;    /* kills; of the demand */
	uint64_t last_ns;
	uint64_t tried_ns; /* to publish it; 0: not yet */
	bool published;
	bool copied; /* its window is no link: what the chunk gains is to be copied at its end */
};

/* An incident the disk has not taken. */
struct unpublished {
	char id[STORE_ID_BYTES];
	uint64_t chunk; /* its window; CHUNK_NONE: that never reached the disk either */
	uint64_t tried_ns;
	bool text_is_missing; /* all else is written */
	char *json;
	size_t json_bytes;
	char *text;
	size_t text_bytes;
	struct unpublished *next;
};

#define CHUNK_NONE UINT64_MAX

/* A cause whose first window is kept. */
struct storm {
	char id[STORE_ID_BYTES];
	char fingerprint[17];
	uint64_t last_ns;
	uint64_t trail_events; /* in storm.trail; 0: there is none yet */
	uint64_t synced_ns;
	uint64_t synced_events; /* of those */
	uint64_t counted;       /* kills that are not there */
	uint64_t told;          /* of these, in the trail */
	uint64_t report_ns;     /* how long the next report waits */
	uint64_t reported_ns;   /* no other one is planned before */
	size_t held_count;
	struct event_oom_kill held[HELD_MAX];
};

struct job {
	char id[STORE_ID_BYTES];
	uint64_t due_ns;
	unsigned int failures;
};

struct chunk {
	uint64_t number;
	struct model *model;
	struct capture *capture;
	struct writer *writer; /* NULL: there is no file */
	uint64_t begun_ns;
	uint64_t synced_ns;
	uint64_t synced_events;   /* gathered ones count, too: they are as old as they are */
	size_t first_model_bytes; /* what the state block alone takes */
	bool fresh;               /* written under another name until its state block is in it */
	int file_error;           /* why there is no file, or none any more */
	bool broken;              /* the file has ended before its time, and that was told */
};

struct recorder {
	struct recorder_options options;
	struct config config;
	struct chunk chunk;
	struct freeze freezes[FREEZES];
	size_t freeze_count;
	char copied[FREEZES][STORE_ID_BYTES]; /* until the chunk is closed */
	size_t copied_count;
	struct storm *storms[STORMS];
	size_t storm_count;
	struct unpublished *unpublished; /* oldest first */
	struct job jobs[JOBS];
	size_t job_count;
	bool job_out;   /* the first one is being done */
	bool gone_told; /* that the folder is gone and cannot be made anew */
	bool spare_missing;
	uint64_t next_chunk;
	uint64_t now_ns;
	uint64_t look_ns;  /* whether the folder is still there: not before */
	uint64_t retry_ns; /* a chunk without a file is tried again from then on */
	uint64_t events;   /* of the chunks before */
	uint64_t written_bytes;
	uint64_t unkept; /* events the model found no memory for */
};

void recorder__tell(struct recorder *recorder, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* The model has found no memory for an event. */
void recorder__unkept(struct recorder *recorder);
/* Is the chunk's file whole up to here? */
bool recorder__on_disk(const struct recorder *recorder);
/* The first chunk that must stay in the window. */
uint64_t recorder__keep_from(const struct recorder *recorder);
void recorder__trim(struct recorder *recorder);

/* --- chunk.c -------------------------------------------------------------------------------- */

/* What a chunk may take of the disk and of time. */
uint64_t chunk__bytes(const struct recorder *recorder);
uint64_t chunk__ns(const struct recorder *recorder);
/* The first one, opened by the host's event. 0 or -ENOMEM. */
int chunk__first(struct recorder *recorder, const struct event_header *host);
/* The next one. -ENOMEM: the old one goes on, or, should memory have run out later, less is known.
 */
int chunk__roll(struct recorder *recorder);
void chunk__end(struct recorder *recorder);
void chunk__free(struct chunk *chunk);

/* --- freeze.c ------------------------------------------------------------------------------- */

void freeze__on_kill(struct recorder *recorder, const struct event_oom_kill *kill);
void freeze__settle(struct recorder *recorder);
/* Is any window still to go on? */
bool freeze__is_open(const struct recorder *recorder);
/* All windows end here: what could not be published is kept in memory, the rest become storms. */
void freeze__end(struct recorder *recorder);
int freeze__on_demand(struct recorder *recorder);
void freeze__retry(struct recorder *recorder, bool closing);
/* Is it kept in memory, to be written later? */
bool unpublished__find(const struct recorder *recorder, const char *id);
void freeze__free_all(struct recorder *recorder);

/* --- storm.c -------------------------------------------------------------------------------- */

/* Of this cause, not quiet for longer than config.storm_ns before time_ns; NULL. */
struct storm *storm__find(struct recorder *recorder, const char *fingerprint, uint64_t time_ns);
int storm__begin(struct recorder *recorder, const struct freeze *freeze);
void storm__add(struct recorder *recorder, struct storm *storm, const struct event_oom_kill *kill);
/* What is held is written, and synced when that is due or when nothing comes after. */
void storm__settle(struct recorder *recorder, bool closing);
/* The incident has got another name after all. */
void storm__rename(struct recorder *recorder, const char *from, const char *to);
void storm__free_all(struct recorder *recorder);

/* --- jobs.c --------------------------------------------------------------------------------- */

/* The reports of `id` are due at due_ns; one that is waiting already keeps its own time. */
void job__add(struct recorder *recorder, const char *id, uint64_t due_ns);
/* Nothing comes after: whatever waits for its time is due. */
void job__hurry(struct recorder *recorder);
