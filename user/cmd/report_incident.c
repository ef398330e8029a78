/* SPDX-License-Identifier: GPL-2.0-only */
#include "cmd/report_incident.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "cmd/cmd.h"
#include "flight/catalogue.h"
#include "flight/frozen.h"
#include "flight/store.h"

#define STORED_MAX_BYTES (64 * MIB)

DEFINE_FREEP(store)
DEFINE_FREEP(frozen)

/* --- which one -------------------------------------------------------------------------------- */

static void tell_several(const struct catalogue *catalogue, const char *prefix)
{
	_cleanup_(text__free) struct text ids = {0};

	for (size_t i = 0; i < catalogue->count; i++) {
		if (strncmp(catalogue->entries[i].id, prefix, strlen(prefix)) == 0)
			text__printf(&ids, "%s%s", ids.length ? ", " : "",
				     catalogue->entries[i].id);
	}
	cmd__error("'%s' is the beginning of several incidents: %s", prefix,
		   text__ok(&ids) ? ids.data : "too many to say");
}

/* NULL when that has been said. */
static const struct catalogue_entry *choose(const struct catalogue *catalogue, const char *what,
					    const struct store *store)
{
	const struct catalogue_entry *entry;
	size_t matches;

	entry = catalogue__find(catalogue, what ? what : "", &matches);
	if (entry)
		return entry;
	if (!what)
		cmd__error("there are no incidents in '%s'", store__dir(store));
	else if (matches > 1)
		tell_several(catalogue, what);
	else
		cmd__error("'%s' is neither a file nor an incident in '%s'", what,
			   store__dir(store));
	return NULL;
}

static int open_store(struct store **out, const char *dir, const char *what)
{
	char why[512];

	if (store__open_to_read(out, dir, why, sizeof(why)) == 0)
		return CMD_DONE;
	if (what)
		cmd__error("'%s' is not a file here, and %s", what, why);
	else
		cmd__error("%s", why);
	return CMD_FAILED;
}

/* --- from its window -------------------------------------------------------------------------- */

static void warn(const struct frozen *frozen)
{
	if (frozen__is_growing(frozen))
		cmd__error("the window is still being written: this is what it holds by now");
	else if (!frozen__is_whole(frozen))
		cmd__error("%s; the report covers what comes before", frozen__why_not(frozen));
	if (frozen__differs(frozen))
		cmd__error("the window does not replay to the state it was recorded in: the report "
			   "may differ from the one made at the kill");
}

static int write_frozen(const struct frozen *frozen, const struct report_request *request,
			struct text *report)
{
	int err;

	if (report_format__is_growth(request->format))
		return report_format__growth(request, frozen__model(frozen), report);
	err = request->format == REPORT_JSON ? frozen__json(frozen, report)
					     : frozen__text(frozen, report);
	if (err < 0)
		cmd__error("cannot write the report: %s", strerror(-err));
	return err < 0 ? CMD_FAILED : CMD_DONE;
}

static int write_window(struct store *store, const struct report_request *request,
			struct text *report)
{
	_cleanup_(frozen__freep) struct frozen *frozen = NULL;
	char why[256];
	uint64_t number;
	int err = frozen__window(store, &number);

	if (err < 0) {
		cmd__error("there is no window in '%s'%s%s", store__dir(store),
			   err == -ENOENT ? "" : ": ", err == -ENOENT ? "" : strerror(-err));
		return CMD_FAILED;
	}
	if (frozen__open_chunk(&frozen, store, number, why, sizeof(why)) < 0) {
		cmd__error("%s", why);
		return CMD_FAILED;
	}
	warn(frozen);
	return write_frozen(frozen, request, report);
}

/* Of an incident of the OOM killer whose window ends before the kill: what was written at the kill
 * says more than what can be made now. */
static bool lacks_its_kill(const struct frozen *frozen, const struct catalogue_entry *entry)
{
	return entry->kind == CATALOGUE_OOM && frozen__index(frozen) < 0;
}

/* --- as it was written ------------------------------------------------------------------------ */

static int read_stored(int fd, struct text *out)
{
	char bytes[16384];
	ssize_t got;

	while ((got = read(fd, bytes, sizeof(bytes))) != 0) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		text__append(out, bytes, (size_t)got);
		if (!text__ok(out))
			return -ENOMEM;
		if (out->length > STORED_MAX_BYTES)
			return -EFBIG;
	}
	return 0;
}

static int write_stored(const struct store *store, const struct catalogue_entry *entry,
			const char *why, const struct report_request *request, struct text *report)
{
	const char *name = request->format == REPORT_JSON ? "incident.json" : "report.txt";
	_cleanup_(closep) int fd = -1;
	int err;

	if (report_format__is_growth(request->format)) {
		cmd__error("%s: which code grew is not known", why);
		return CMD_FAILED;
	}
	fd = store__open_file(store, entry->id, name);
	err = fd < 0 ? fd : read_stored(fd, report);
	if (err < 0) {
		cmd__error("%s, and its %s cannot be read: %s", why, name, strerror(-err));
		return CMD_FAILED;
	}
	cmd__error("%s: this is its %s as it was written", why, name);
	return CMD_DONE;
}

static int write_incident(struct store *store, const struct catalogue_entry *entry,
			  const struct report_request *request, struct text *report)
{
	_cleanup_(frozen__freep) struct frozen *frozen = NULL;
	char why[256];

	if (frozen__open(&frozen, store, entry->id, why, sizeof(why)) < 0)
		return write_stored(store, entry, why, request, report);
	if (lacks_its_kill(frozen, entry))
		return write_stored(store, entry, "the incident's window ends before the kill",
				    request, report);
	warn(frozen);
	return write_frozen(frozen, request, report);
}

/* --- what report.c calls ---------------------------------------------------------------------- */

int report_incident__write(const char *dir, const char *what, const struct report_request *request,
			   struct text *report)
{
	_cleanup_(catalogue__free) struct catalogue catalogue = {0};
	_cleanup_(store__freep) struct store *store = NULL;
	const struct catalogue_entry *entry;
	int err;

	if (open_store(&store, dir, what) != CMD_DONE)
		return CMD_FAILED;
	if (what && strcmp(what, CATALOGUE_WINDOW) == 0)
		return write_window(store, request, report);
	err = catalogue__read(&catalogue, store);
	if (err < 0) {
		cmd__error("cannot list the incidents in '%s': %s", dir, strerror(-err));
		return CMD_FAILED;
	}
	entry = choose(&catalogue, what, store);
	if (!entry)
		return CMD_FAILED;
	if (!what && entry != &catalogue.entries[0])
		cmd__error("newer than this is the window of a recorder that ended without closing "
			   "it: 'oomtrail report window'");
	if (strcmp(entry->id, CATALOGUE_WINDOW) == 0)
		return write_window(store, request, report);
	return write_incident(store, entry, request, report);
}

int report_incident__save(const char *dir, const char *id)
{
	_cleanup_(catalogue__free) struct catalogue catalogue = {0};
	_cleanup_(frozen__freep) struct frozen *frozen = NULL;
	_cleanup_(store__freep) struct store *store = NULL;
	const struct catalogue_entry *entry;
	char why[512];
	int err;

	if (store__open_to_read(&store, dir, why, sizeof(why)) < 0) {
		cmd__error("%s", why);
		return CMD_FAILED;
	}
	err = catalogue__read_one(&catalogue, store, id);
	if (err < 0) {
		cmd__error("there is no incident '%s' in '%s'", id, store__dir(store));
		return CMD_FAILED;
	}
	entry = &catalogue.entries[0];
	if (frozen__open(&frozen, store, entry->id, why, sizeof(why)) < 0) {
		cmd__error("%s; its report stays as it is", why);
		return CMD_FAILED;
	}
	if (lacks_its_kill(frozen, entry)) {
		cmd__error("the window of '%s' ends before the kill; its report stays as it is",
			   entry->id);
		return CMD_FAILED;
	}
	err = frozen__save(frozen, store, entry->id);
	if (err < 0)
		cmd__error("cannot write the report of '%s': %s", entry->id, strerror(-err));
	return err < 0 ? CMD_FAILED : CMD_DONE;
}
