/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "bpf/events.h"
#include "flight/catalogue.h"
#include "flight/frozen_internal.h"
#include "flight/stored_json.h"

#define SCHEMA_INCIDENT "oomtrail.incident/1"
#define SCHEMA_SESSION  "oomtrail.session/1"
#define RFC3339         "%Y-%m-%dT%H:%M:%SZ"

/* --- times ------------------------------------------------------------------------------------ */

/* EVENT_UNKNOWN when it is nothing of ours. */
static int64_t time_ns(const char *time, const char *format)
{
	struct tm tm = {0};
	const char *end = strptime(time, format, &tm);
	time_t seconds;

	if (!end || (*end && *end != '-'))
		return EVENT_UNKNOWN;
	seconds = timegm(&tm);
	/* With a century on top it still fits into nanoseconds. */
	if (seconds < 0 || seconds > 5000000000)
		return EVENT_UNKNOWN;
	return (int64_t)seconds * (int64_t)NS_PER_S;
}

static void set_time(char out[40], int64_t realtime_ns)
{
	char utc[UNITS_MAX];

	out[0] = '\0';
	if (realtime_ns >= 0 && units__utc(utc, realtime_ns)[0] != '?')
		snprintf(out, 40, "%s", utc);
}

static bool read_ms(int64_t *ns, const json_t *ms)
{
	const double value = json_number_value(ms);

	/* A century. */
	if (!json_is_number(ms) || !(value > -3.2e12 && value < 3.2e12))
		return false;
	*ns = (int64_t)(value * 1e6);
	return true;
}

/* --- one incident from its JSON --------------------------------------------------------------- */

/* What does not fit is cut between characters. */
static void copy_string(char *out, size_t size, const char *string)
{
	size_t length = strnlen(string, size - 1);

	while (string[length] && length > 0 && (string[length] & 0xc0) == 0x80)
		length--;
	memcpy(out, string, length);
	out[length] = '\0';
}

static void read_kill(struct catalogue_kill *kill, const json_t *row, int64_t zero_ns)
{
	int64_t kill_ns = time_ns(stored_json__string(row, "time"), RFC3339), after_ns;

	if (kill_ns < 0 && zero_ns >= 0 && read_ms(&after_ns, json_object_get(row, "t_ms")))
		kill_ns = zero_ns + after_ns;
	set_time(kill->time, kill_ns);
	kill->pid = (uint32_t)stored_json__count(row, "pid");
	copy_string(kill->comm, sizeof(kill->comm), stored_json__string(row, "comm"));
	copy_string(kill->class, sizeof(kill->class), stored_json__string(row, "class"));
}

static int read_kills(struct catalogue_entry *entry, const json_t *json, int64_t zero_ns)
{
	const json_t *killed = json_object_get(json, "killed");
	const size_t count = json_array_size(killed);

	entry->kills = calloc(count ? count : 1, sizeof(*entry->kills));
	if (!entry->kills)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		read_kill(&entry->kills[i], json_array_get(killed, i), zero_ns);
	entry->kills_listed = count;
	entry->kill_count = count + (uint64_t)stored_json__count(json, "killed_omitted");
	memcpy(entry->last, count ? entry->kills[count - 1].time : entry->time,
	       sizeof(entry->last));
	return 0;
}

static int set_domain(struct catalogue_entry *entry, const char *domain)
{
	char *copy = strdup(domain);

	if (!copy)
		return -ENOMEM;
	free(entry->domain);
	entry->domain = copy;
	return 0;
}

static int read_incident(struct catalogue_entry *entry, const json_t *json)
{
	const json_t *victim = json_object_get(json, "victim");
	const json_t *domain = json_object_get(json, "domain");
	const char *cgroup = stored_json__string(domain, "cgroup");
	const int64_t zero_ns = time_ns(stored_json__string(json, "time"), RFC3339);
	int err;

	entry->kind = CATALOGUE_OOM;
	if (zero_ns >= 0)
		set_time(entry->time, zero_ns);
	copy_string(entry->fingerprint, sizeof(entry->fingerprint),
		    stored_json__string(json, "fingerprint"));
	copy_string(entry->victim, sizeof(entry->victim), stored_json__string(victim, "comm"));
	entry->victim_pid = (uint32_t)stored_json__count(victim, "pid");
	copy_string(entry->culprit, sizeof(entry->culprit),
		    stored_json__string(json_object_get(json, "culprit"), "comm"));
	/* The whole host has no cgroup; a domain that was not determined is not there at all. */
	err = set_domain(entry, *cgroup || !json_is_object(domain) ? cgroup : "the host");
	return err ? err : read_kills(entry, json, zero_ns);
}

static int read_json(struct catalogue_entry *entry, int fd)
{
	json_auto_t *json = NULL;
	char why[100], name[48];
	const char *schema;
	int err = stored_json__load(&json, fd, why, sizeof(why));

	if (err == -ENOMEM)
		return err;
	/* A session can be of any size, and what is listed of it stands in its name. */
	if (err == -EFBIG &&
	    (frozen__is_called(entry->id, "unfinished") || frozen__is_called(entry->id, "asked")))
		schema = SCHEMA_SESSION;
	else if (err == 0)
		schema = stored_json__string(json, "schema");
	else {
		snprintf(entry->note, sizeof(entry->note), "incident.json %s", why);
		return 0;
	}
	if (strcmp(schema, SCHEMA_INCIDENT) == 0)
		return read_incident(entry, json);
	if (strcmp(schema, SCHEMA_SESSION) == 0) {
		entry->kind = frozen__is_called(entry->id, "unfinished") ? CATALOGUE_UNFINISHED
									 : CATALOGUE_ASKED;
		return 0;
	}
	copy_string(name, sizeof(name), schema);
	snprintf(entry->note, sizeof(entry->note),
		 "incident.json is of a kind this version does not know ('%s')", name);
	return 0;
}

static bool has_file(const struct store *store, const char *id, const char *name)
{
	_cleanup_(closep) int fd = store__open_file(store, id, name);

	return fd >= 0;
}

/* -ENOENT: it was removed meanwhile. */
static int entry__read(struct catalogue_entry *entry, const struct store *store, const char *id)
{
	_cleanup_(closep) int fd = store__open_file(store, id, "incident.json");
	int err;

	snprintf(entry->id, sizeof(entry->id), "%s", id);
	entry->kind = CATALOGUE_DAMAGED;
	set_time(entry->time, time_ns(id, "%Y%m%dT%H%M%SZ"));
	err = set_domain(entry, "");
	if (err == 0)
		err = store__incident_bytes(store, id, &entry->bytes);
	if (err < 0)
		return err;
	entry->finished = has_file(store, id, "report.txt");
	if (fd >= 0)
		err = read_json(entry, fd);
	else
		snprintf(entry->note, sizeof(entry->note), "incident.json: %s", strerror(-fd));
	return err;
}

static void entry__free_contents(struct catalogue_entry *entry)
{
	free(entry->domain);
	free(entry->kills);
	*entry = (struct catalogue_entry){0};
}

/* --- the window ------------------------------------------------------------------------------- */

static int entry__read_window(struct catalogue_entry *entry, const struct unfinished *window)
{
	snprintf(entry->id, sizeof(entry->id), "%s", CATALOGUE_WINDOW);
	entry->kind = CATALOGUE_UNFINISHED;
	set_time(entry->time, window->realtime_ns);
	entry->bytes = window->chunk.bytes;
	return set_domain(entry, "");
}

/* 1 when there is one. */
static int read_window(struct catalogue_entry *entry, const struct store *store)
{
	struct store_holder holder;
	struct unfinished window;
	int found;

	if (store__is_watched(store, &holder))
		return 0;
	found = unfinished__find(&window, store);
	if (found <= 0)
		/* It is only one more line; what is wrong with the folder shows elsewhere. */
		return found == -ENOMEM ? found : 0;
	found = entry__read_window(entry, &window);
	return found < 0 ? found : 1;
}

/* --- all of them ------------------------------------------------------------------------------ */

static int entry__compare(const void *a, const void *b)
{
	const struct catalogue_entry *first = a, *second = b;
	const int order = strcmp(second->time, first->time);

	return order ? order : strcmp(second->id, first->id);
}

void catalogue__free(struct catalogue *catalogue)
{
	for (size_t i = 0; i < catalogue->count; i++)
		entry__free_contents(&catalogue->entries[i]);
	free(catalogue->entries);
	*catalogue = (struct catalogue){0};
}

int catalogue__read(struct catalogue *out, struct store *store)
{
	_cleanup_(catalogue__free) struct catalogue catalogue = {0};
	_cleanup_(freep) char(*ids)[STORE_ID_BYTES] = NULL;
	size_t count;
	int err = store__incidents(store, &ids, &count);

	if (err < 0)
		return err;
	catalogue.entries = calloc(count + 1, sizeof(*catalogue.entries));
	if (!catalogue.entries)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		struct catalogue_entry *entry = &catalogue.entries[catalogue.count];

		err = entry__read(entry, store, ids[i]);
		if (err == -ENOENT) {
			entry__free_contents(entry);
			continue;
		}
		catalogue.count++;
		if (err < 0)
			return err;
	}
	err = read_window(&catalogue.entries[catalogue.count], store);
	if (err < 0)
		return err;
	catalogue.count += (size_t)err;
	qsort(catalogue.entries, catalogue.count, sizeof(*catalogue.entries), entry__compare);
	*out = catalogue;
	catalogue = (struct catalogue){0};
	return 0;
}

int catalogue__read_one(struct catalogue *out, struct store *store, const char *id)
{
	_cleanup_(catalogue__free) struct catalogue catalogue = {0};
	int err;

	catalogue.entries = calloc(1, sizeof(*catalogue.entries));
	if (!catalogue.entries)
		return -ENOMEM;
	catalogue.count = 1;
	err = entry__read(&catalogue.entries[0], store, id);
	if (err < 0)
		return err;
	*out = catalogue;
	catalogue = (struct catalogue){0};
	return 0;
}

const struct catalogue_entry *catalogue__find(const struct catalogue *catalogue, const char *prefix,
					      size_t *matches)
{
	const size_t length = strlen(prefix);
	const struct catalogue_entry *found = NULL;

	*matches = 0;
	for (size_t i = 0; i < catalogue->count; i++) {
		const struct catalogue_entry *entry = &catalogue->entries[i];

		if (strcmp(entry->id, prefix) == 0 ||
		    (length == 0 && strcmp(entry->id, CATALOGUE_WINDOW) != 0)) {
			*matches = 1;
			return entry;
		}
		if (strncmp(entry->id, prefix, length) == 0) {
			++*matches;
			found = entry;
		}
	}
	return *matches == 1 ? found : NULL;
}
