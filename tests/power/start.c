/* SPDX-License-Identifier: GPL-2.0-only */

/*
 * What a recorder does when it starts, before its first event, once for each time that a folder is
 * named: `oomtrail watch` does the same (user/cmd/watching.c), but takes half a second to load its
 * programs. A line for each: "<recovered> <unfinished kept> <reports written> <reports failed>".
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "cmd/report_incident.h"
#include "flight/frozen.h"
#include "flight/store.h"

#define JSON_BYTES 65536

DEFINE_FREEP(store)

static int fail(const char *dir, const char *what, int err)
{
	fprintf(stderr, "%s: %s: %s\n", dir, what, strerror(-err));
	return 1;
}

static int write_reports(struct store *store, unsigned int *written, unsigned int *failed)
{
	_cleanup_(freep) char(*ids)[STORE_ID_BYTES] = NULL;
	size_t count;
	int err = store__incidents(store, &ids, &count);

	for (size_t i = 0; err == 0 && i < count; i++) {
		_cleanup_(closep) int report = store__open_file(store, ids[i], "report.txt");

		if (report != -ENOENT)
			continue;
		if (report_incident__save(store__dir(store), ids[i]) == 0)
			++*written;
		else
			++*failed;
	}
	return err;
}

static int start(const char *dir)
{
	_cleanup_(store__freep) struct store *store = NULL;
	unsigned int written = 0, failed = 0;
	struct store_holder holder;
	char id[STORE_ID_BYTES], why[512];
	size_t recovered;
	int err, kept;

	err = store__open(&store, dir, &holder, why, sizeof(why));
	if (err < 0)
		return fail(dir, why, err);
	err = store__recover(store, frozen__id_of, NULL, &recovered);
	if (err < 0)
		return fail(dir, "recovering", err);
	err = store__prepare(store, JSON_BYTES);
	if (err < 0)
		return fail(dir, "preparing", err);
	kept = frozen__keep_unfinished(store, id);
	if (kept < 0)
		return fail(dir, "keeping the unfinished window", kept);
	err = write_reports(store, &written, &failed);
	if (err < 0)
		return fail(dir, "listing", err);
	printf("%zu %d %u %u\n", recovered, kept, written, failed);
	return 0;
}

int main(int argc, char **argv)
{
	int status = 0;

	for (int i = 1; i < argc; i++)
		status |= start(argv[i]);
	return status;
}
