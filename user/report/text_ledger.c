/* SPDX-License-Identifier: GPL-2.0-only */
#include "base/cleanup.h"
#include "report/section.h"
#include "report/wording.h"

#define BYTES_WIDTH 14
#define SHARE_WIDTH 6

/* --- in a line -------------------------------------------------------------------------------- */

static int64_t known(int64_t bytes)
{
	return bytes > 0 ? bytes : 0;
}

static void say_kind(struct text *out, const char *before, int64_t bytes, int64_t of_bytes,
		     const char *kind)
{
	text__string(out, before);
	wording__percent(out, (uint64_t)known(bytes), (uint64_t)of_bytes, 0);
	text__printf(out, " %s", kind);
}

void section__held_by_kind(struct text *out, const struct ledger_division *ledger)
{
	const int64_t *rows = ledger->rows, usage_bytes = ledger->usage_bytes;
	const int64_t leaving =
		known(rows[LEDGER_ROW_LEAVING]) + known(rows[LEDGER_ROW_SWAP_CACHE]);
	const int64_t kernel = known(ledger->kernel_bytes) + known(rows[LEDGER_ROW_SOCKETS]);
	_cleanup_(text__free) struct text body = {0};

	if (!ledger->known || usage_bytes <= 0)
		return;
	say_kind(&body, "", rows[LEDGER_ROW_ANON], usage_bytes, "anonymous (heaps, stacks), ");
	say_kind(&body, "", rows[LEDGER_ROW_CACHE], usage_bytes, "page cache, ");
	say_kind(&body, "", rows[LEDGER_ROW_SHMEM], usage_bytes, "tmpfs or shared memory, ");
	say_kind(&body, "", kernel, usage_bytes, "kernel");
	if (leaving * 100 >= usage_bytes)
		say_kind(&body, ", ", leaving, usage_bytes, "on its way out");
	if (ledger->unexplained_bytes * 100 >= usage_bytes)
		say_kind(&body, ", ", ledger->unexplained_bytes, usage_bytes, "not explained");
	if (ledger->error_bytes == EVENT_UNKNOWN)
		text__string(&body, " (not all could be added up: as of some seconds before)");
	wording__paragraph(out, "HELD", ANSWER_INDENT, &body);
}

/* --- row by row ------------------------------------------------------------------------------- */

static void print_row(struct text *out, int64_t bytes, int64_t usage_bytes, const char *words)
{
	_cleanup_(text__free) struct text cell = {0}, share = {0};

	if (bytes < 0)
		wording__delta(&cell, bytes);
	else
		wording__bytes(&cell, bytes);
	wording__cell_right(out, &cell, BYTES_WIDTH);
	wording__percent(&share, (uint64_t)known(bytes), (uint64_t)usage_bytes, 0);
	wording__cell_right(out, &share, SHARE_WIDTH);
	text__printf(out, "  %s\n", words);
}

/* Those rows whose bytes are these. */
static void print_rows_of(struct text *out, const struct ledger_division *ledger, int64_t bytes,
			  const char *label, const char *behind)
{
	_cleanup_(text__free) struct text body = {0};

	for (int row = 0; row < LEDGER_ROW_COUNT; row++) {
		if (ledger->rows[row] != bytes)
			continue;
		text__printf(&body, "%s%s", body.length ? "; " : "", ledger_row__words(row));
	}
	if (!body.length)
		return;
	text__string(&body, behind);
	wording__paragraph(out, label, BYTES_WIDTH + SHARE_WIDTH + 2, &body);
}

static void say_error(struct text *out, const struct ledger_division *ledger)
{
	text__string(out, "not explained");
	if (ledger->rows[LEDGER_ROW_OTHER_KERNEL] == EVENT_UNKNOWN) {
		text__string(out, ", or of a kind that this kernel does not count");
	} else if (ledger->error_bytes == EVENT_UNKNOWN) {
		text__string(out,
			     ": not all statistics could be added up, they may be seconds old");
	} else {
		text__string(out, "; it may be off by about ");
		wording__bytes(out, ledger->error_bytes);
	}
	if (ledger->cut)
		text__string(out, "; it has more cgroups below it than were gone through");
}

static void print_unexplained(struct text *out, const struct ledger_division *ledger)
{
	_cleanup_(text__free) struct text words = {0};

	say_error(&words, ledger);
	if (text__ok(&words))
		print_row(out, ledger->unexplained_bytes, ledger->usage_bytes, words.data);
}

static void say_part(struct text *out, const char *what, int64_t bytes)
{
	if (bytes <= 0)
		return;
	text__string(out, out->length ? ", " : "");
	wording__bytes(out, bytes);
	text__printf(out, " %s", what);
}

/* Parts of rows, or of none. */
static void print_parts(struct text *out, const struct ledger_division *ledger)
{
	_cleanup_(text__free) struct text body = {0};

	say_part(&body, "of files and tmpfs are mapped", ledger->file_mapped_bytes);
	say_part(&body, "are of cgroups below it that were removed already", ledger->dying_bytes);
	say_part(&body, "more are in swap", ledger->swap_bytes);
	if (body.length)
		wording__paragraph(out, "  not added", BYTES_WIDTH + SHARE_WIDTH + 2, &body);
}

void section__ledger(struct text *out, const struct incident *incident,
		     const struct ledger_division *ledger)
{
	_cleanup_(text__free) struct text title = {0};

	if (!ledger->known)
		return;
	text__string(&title, "LEDGER OF THE ");
	wording__bytes(&title, ledger->usage_bytes);
	text__printf(&title, " IN USE BY %s (at the kill, before anything was given back)",
		     incident->domain_id ? "THE CGROUP" : "THE HOST");
	if (!text__ok(&title))
		return;
	section__heading(out, title.data);
	for (int row = 0; row < LEDGER_ROW_COUNT; row++) {
		if (ledger->rows[row] > 0)
			print_row(out, ledger->rows[row], ledger->usage_bytes,
				  ledger_row__words(row));
	}
	print_unexplained(out, ledger);
	print_rows_of(out, ledger, 0, "  nothing", "");
	print_rows_of(out, ledger, EVENT_UNKNOWN, "  not told",
		      "; not counted by this kernel, or nobody knows where");
	print_parts(out, ledger);
}
