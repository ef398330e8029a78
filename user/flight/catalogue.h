/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "flight/store.h"

/*
 * What was captured: a list of the incidents in a store, read from their incident.json, newest
 * first, and the window that a crashed recorder or host left unfinished. JSON of other versions
 * and damaged files are listed as what they are; nothing is assumed about their contents.
 *
 * Strings are as programs called themselves, in UTF-8: escape before showing.
 */

enum catalogue_kind {
	CATALOGUE_OOM,        /* the kernel's OOM killer */
	CATALOGUE_ASKED,      /* frozen on demand */
	CATALOGUE_UNFINISHED, /* the recorder or the host ended without closing it */
	CATALOGUE_DAMAGED     /* no readable incident.json */
};

/* The id of what no incident holds yet: the newest chunk of the window that has
 * an event in it. */
#define CATALOGUE_WINDOW "window"

struct catalogue_kill {
	char time[40]; /* RFC 3339, UTC; "" not known */
	uint32_t pid;
	char comm[64];
	char class[24];
};

struct catalogue_entry {
	char id[STORE_ID_BYTES];
	enum catalogue_kind kind;
	char time[40];        /* RFC 3339, UTC; "" not known */
	char fingerprint[32]; /* of the cause; "" when there is none */
	char *domain;         /* cgroup path or "the host"; "" not known */
	char victim[64];
	uint32_t victim_pid;
	char culprit[64];
	uint64_t kill_count;          /* those that are not listed included */
	char last[40];                /* of the last kill */
	struct catalogue_kill *kills; /* by time */
	size_t kills_listed;
	uint64_t bytes; /* on disk */
	bool finished;  /* report.txt is there */
	char note[160]; /* what is wrong with it, "" nothing */
};

struct catalogue {
	struct catalogue_entry *entries; /* newest first */
	size_t count;
};

/* 0 or -errno. */
int catalogue__read(struct catalogue *out, struct store *store);
/* Only the incident with this very id; -ENOENT: there is none. */
int catalogue__read_one(struct catalogue *out, struct store *store, const char *id);
void catalogue__free(struct catalogue *catalogue);

/* Grouped by cause (fingerprint), the group with the newest incident first; with `kills`, every
 * kill instead, newest first. Nothing when there is nothing. 0 or -ENOMEM. */
int catalogue__text(const struct catalogue *catalogue, bool kills, struct text *out);

/* "oomtrail.incidents/1": {schema, dir, incidents [{id, kind, time, fingerprint, domain, victim
 * {comm, pid}, culprit, kill_count, last, kills [{time, pid, comm, class}], bytes, finished,
 * note}]}; what is not known is absent. */
int catalogue__json(const struct catalogue *catalogue, const char *dir, struct text *out);

/* The one entry whose id is `prefix`, or begins with it (for "" the newest incident, or else the
 * unfinished window); NULL: none, or several (*matches says how many). */
const struct catalogue_entry *catalogue__find(const struct catalogue *catalogue, const char *prefix,
					      size_t *matches);
