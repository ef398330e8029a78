/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "report/growth.h"
#include "report/reading.h"
#include "report/section.h"
#include "report/wording.h"

#define ROWS_LISTED       10 /* the JSON has more of them */
#define ROWS_LISTED_BRIEF 5
#define ROWS_AT_LEAST     3
#define ROW_PERCENT       2 /* less than that answers nobody's question */
#define FIGURES_INDENT    20

/* --- rows ------------------------------------------------------------------------------------- */

static void say_share(struct text *out, int64_t part_bytes, int64_t whole_bytes)
{
	_cleanup_(text__free) struct text cell = {0};

	if (whole_bytes > 0)
		wording__percent(&cell, part_bytes > 0 ? (uint64_t)part_bytes : 0,
				 (uint64_t)whole_bytes, 0);
	else
		text__string(&cell, "-");
	wording__cell_right(out, &cell, 6);
}

/* "  1.21 GiB   80%  " */
static void print_figures(struct text *out, int64_t part_bytes, int64_t whole_bytes)
{
	_cleanup_(text__free) struct text cell = {0};

	wording__bytes(&cell, part_bytes);
	wording__cell_right(out, &cell, FIGURES_INDENT - 8);
	say_share(out, part_bytes, whole_bytes);
	text__string(out, "  ");
}

static void say_files(struct text *out, const struct growth_row *row)
{
	wording__file(out, row->file);
	if (row->files > 1) {
		text__string(out, " and ");
		wording__counted(out, row->files - 1, "more file", "more files");
	}
}

/* "anon", or what it is made of when it is more than one. */
static void say_class(struct text *out, const struct growth_row *row)
{
	const struct memory parts = {
		.anon_bytes = row->anon_bytes,
		.file_bytes = row->file_bytes,
		.shmem_bytes = row->shmem_bytes,
	};
	const int kinds = (row->anon_bytes > 0) + (row->file_bytes > 0) + (row->shmem_bytes > 0);

	if (kinds > 1)
		wording__memory(out, &parts);
	else
		text__string(out, growth_row__class(row));
	if (row->file) {
		text__string(out, kinds > 1 ? " (" : ": ");
		say_files(out, row);
		text__string(out, kinds > 1 ? ")" : "");
	}
	if (row->in_kernel_bytes > row->bytes / 2)
		text__string(out, ", in system calls");
}

static void say_whose(struct text *out, const struct model *model, const struct growth_row *row)
{
	const struct process *process = row->process;
	struct service service;

	text__string(out, "; ");
	if (!process) {
		text__printf(out, "pid %u", row->task.pid);
	} else {
		wording__task(out, process->comm, process->task.pid);
		service = model__service(model, process);
		if (service.kind != SERVICE_NONE && service.kind != SERVICE_TREE) {
			text__string(out, " (");
			wording__service(out, &service);
			text__string(out, ")");
		}
	}
	if (row->processes > 1) {
		text__string(out, " and ");
		wording__counted(out, row->processes - 1, "more process", "more processes");
	}
}

static void print_row(struct text *out, const struct model *model, const struct growth_row *row,
		      const struct growths *growths, bool whose)
{
	_cleanup_(text__free) struct text body = {0}, figures = {0};

	print_figures(&figures, row->bytes, growths->rose_bytes);
	growth_row__say_stay(&body, row);
	say_class(&body, row);
	if (whose)
		say_whose(&body, model, row);
	out->failed |= !text__ok(&figures);
	wording__paragraph(out, figures.data ? figures.data : "", FIGURES_INDENT, &body);
	wording__stack(out, row->stack, FIGURES_INDENT);
}

/* --- how much of it is explained -------------------------------------------------------------- */

static void say_error(struct text *out, const struct growths *growths)
{
	if (growths->error_bytes == EVENT_UNKNOWN)
		return;
	text__string(out, " +-");
	wording__percent(out, (uint64_t)growths->error_bytes, (uint64_t)growths->rose_bytes, 1);
}

static void print_explained(struct text *out, const struct growths *growths)
{
	_cleanup_(text__free) struct text body = {0};

	if (growths->rose_bytes <= 0) {
		text__string(&body, "how much of the growth this explains is not known: the "
				    "kernel's counters did not tell any");
	} else {
		wording__percent(&body,
				 growths->explained_bytes > 0 ? (uint64_t)growths->explained_bytes
							      : 0,
				 (uint64_t)growths->rose_bytes, 0);
		say_error(&body, growths);
		text__string(&body, " explained: ");
		wording__bytes(&body, growths->explained_bytes);
		text__string(&body, " of the ");
		wording__bytes(&body, growths->rose_bytes);
		text__string(&body, " by which ");
		wording__counted(&body, growths->processes, "process", "processes");
		text__string(&body, " rose by the kernel's counters, falls not taken off; net ");
		wording__delta(&body, growths->net_bytes);
		text__string(&body, " with swap");
		if (growths->error_bytes != EVENT_UNKNOWN &&
		    growths->explained_bytes - 3 * growths->error_bytes > growths->rose_bytes)
			text__string(&body,
				     "; more than those told: they tell in steps, and what of a "
				     "step a program had risen by when it executed another, or "
				     "gave back at once, is missing there");
	}
	wording__paragraph(out, "  ", SECTION_INDENT, &body);
}

static void print_stay(struct text *out, const struct growths *growths)
{
	_cleanup_(text__free) struct text body = {0};

	growths__say_stay(&body, growths);
	wording__paragraph(out, "  ", SECTION_INDENT, &body);
}

static void print_reason(struct text *out, const struct growths *growths, int64_t bytes,
			 const char *why, const char *more)
{
	_cleanup_(text__free) struct text body = {0}, figures = {0};

	if (bytes == 0 || bytes == EVENT_UNKNOWN)
		return;
	print_figures(&figures, bytes, growths->rose_bytes);
	text__string(&body, why);
	text__string(&body, more);
	out->failed |= !text__ok(&figures);
	wording__paragraph(out, figures.data ? figures.data : "", FIGURES_INDENT, &body);
}

/* Not of what they rose by: they had it before. */
static void print_besides(struct text *out, const struct growths *growths)
{
	_cleanup_(text__free) struct text body = {0};

	if (growths->before_bytes > 0) {
		wording__bytes(&body, growths->before_bytes);
		text__string(&body, " was there before the recording looked");
	}
	if (growths->inherited_bytes > 0) {
		text__string(&body, growths->before_bytes > 0 ? "; " : "");
		wording__bytes(&body, growths->inherited_bytes);
		text__string(&body, " was inherited at a fork");
	}
	if (body.length > 0)
		wording__paragraph(out, "  besides: ", SECTION_INDENT, &body);
}

static bool is_within_error(const struct growths *growths, int64_t bytes)
{
	return growths->not_seen_error_bytes != EVENT_UNKNOWN &&
	       bytes <= growths->not_seen_error_bytes;
}

static void print_not_seen(struct text *out, const struct growths *growths)
{
	static const char PREFIX[] = "not seen by samples: ";
	static const char WITHIN[] = "no more than these figures may be off by";
	const int64_t bytes = growths->not_seen_bytes, lost = growths->lost_at_most_bytes;

	if (bytes == EVENT_UNKNOWN)
		return;
	if (is_within_error(growths, bytes)) {
		print_reason(out, growths, bytes, PREFIX, WITHIN);
		return;
	}
	if (lost == EVENT_UNKNOWN) {
		print_reason(out, growths, bytes, PREFIX,
			     "came without a page fault, as what is populated or locked at once "
			     "does, or was lost");
		return;
	}
	print_reason(out, growths, lost, PREFIX,
		     "at most so much by those that were lost since the recording began, of "
		     "whatever process");
	print_reason(out, growths, bytes - lost, PREFIX,
		     lost && is_within_error(growths, bytes - lost)
			     ? WITHIN
			     : "came without a page fault, as what is populated or locked at once "
			       "does");
}

static void print_rest(struct text *out, const struct growths *growths)
{
	print_reason(out, growths, growths->unnamed_bytes,
		     "not explained: one of the callers is in code that is not known", "");
	for (size_t end = 0; end < STACK_END_COUNT; end++)
		print_reason(out, growths, growths->incomplete_bytes[end],
			     "not explained: ", stack_end__words(end));
	print_reason(out, growths, growths->no_stack_bytes, "not explained: no stack could be kept",
		     "");
	print_reason(out, growths, growths->from_swap_bytes, "came back from swap: not new", "");
	print_not_seen(out, growths);
	print_besides(out, growths);
}

/* --- code made at run time -------------------------------------------------------------------- */

static bool shows_unnamed_jit(const struct growth_row *row)
{
	for (size_t i = 0; row->stack && i < row->stack->count; i++) {
		if (frame__is_unnamed_jit(row->stack->frames[i]))
			return true;
	}
	return false;
}

static void print_jit(struct text *out, const struct growths *growths, size_t listed)
{
	_cleanup_(text__free) struct text body = {0};
	bool any = false, node = false;

	for (size_t i = 0; i < listed; i++) {
		const struct process *process = growths->rows[i].process;

		if (!shows_unnamed_jit(&growths->rows[i]))
			continue;
		any = true;
		node |= process && strncmp(process->comm, "node", 4) == 0;
	}
	if (!any)
		return;
	text__string(&body, "code made at run time, without names; ");
	text__string(&body, node ? "started as 'node --perf-basic-prof "
				   "--interpreted-frames-native-stack', node gives them"
				 : "a file /tmp/perf-PID.map of its process would give them");
	wording__paragraph(out, "  [JIT]: ", SECTION_INDENT, &body);
}

/* --- sections --------------------------------------------------------------------------------- */

static bool is_listed(const struct growths *growths, size_t at, size_t most)
{
	if (at >= growths->count || at >= most || growths->rows[at].bytes <= 0)
		return false;
	return at < ROWS_AT_LEAST ||
	       growths->rows[at].bytes >= growths->sampled_bytes / 100 * ROW_PERCENT;
}

static void print_growths(struct text *out, const struct model *model,
			  const struct growths *growths, size_t most, bool whose)
{
	size_t listed = 0;
	int64_t left_bytes = 0;

	while (is_listed(growths, listed, most)) {
		print_row(out, model, &growths->rows[listed], growths, whose);
		left_bytes += growths->rows[listed++].bytes;
	}
	left_bytes = growths->sampled_bytes - left_bytes;
	if (listed < growths->count) {
		text__string(out, "  and ");
		wording__counted(out, growths->count - listed, "more stack", "more stacks");
		text__string(out, ", together ");
		wording__bytes(out, left_bytes);
		text__string(out, "\n");
	}
	print_explained(out, growths);
	print_stay(out, growths);
	print_rest(out, growths);
	print_jit(out, growths, listed);
}

/* Of one alone its stack has said it. */
static void print_files(struct text *out, const struct growths *growths, size_t most)
{
	size_t listed = 0;

	if (growths->file_count < 2)
		return;
	text__string(out, "  of files and shared memory, whatever the stack\n");
	for (; listed < growths->file_count && listed < most; listed++) {
		const struct growth_file *file = &growths->files[listed];
		_cleanup_(text__free) struct text body = {0}, figures = {0};

		print_figures(&figures, file->bytes, growths->rose_bytes);
		wording__file(&body, file->file);
		out->failed |= !text__ok(&figures);
		wording__paragraph(out, figures.data ? figures.data : "", FIGURES_INDENT, &body);
	}
	if (listed < growths->file_count) {
		text__string(out, "  and ");
		wording__counted(out, growths->file_count - listed, "more file", "more files");
		text__string(out, "\n");
	}
}

int section__growth(struct text *out, const struct model *model, bool brief)
{
	_cleanup_(growths__free) struct growths growths = {0};

	if (growths__read(&growths, model, NULL, GROWTH_BY_FUNCTION) < 0)
		return -ENOMEM;
	if (growths.count == 0)
		return 0;
	section__heading(out, "WHERE IT GREW");
	print_growths(out, model, &growths, brief ? ROWS_LISTED_BRIEF : ROWS_LISTED, true);
	print_files(out, &growths, brief ? ROWS_LISTED_BRIEF : ROWS_LISTED);
	return 0;
}

static void print_party(struct text *out, const struct model *model, const struct party *party,
			const char *role)
{
	const struct growth_filter filter = {.tasks = &party->task, .task_count = 1};
	_cleanup_(growths__free) struct growths growths = {0};
	_cleanup_(text__free) struct text title = {0};

	if (growths__read(&growths, model, &filter, GROWTH_BY_FUNCTION) < 0) {
		out->failed = true;
		return;
	}
	text__printf(&title, "WHERE %s GREW: ", role);
	wording__task(&title, party->comm, party->task.pid);
	out->failed |= !text__ok(&title);
	section__heading(out, title.data ? title.data : "");
	if (growths.count > 0)
		print_growths(out, model, &growths, ROWS_LISTED_BRIEF, false);
	else
		text__string(out, "  not known: it has no samples\n");
}

void section__party_growth(struct text *out, const struct model *model,
			   const struct incident *incident)
{
	const struct party *victim = &incident->victim, *culprit = &incident->culprit;

	if (model__growth_count(model) == 0)
		return;
	if (culprit->task.pid == 0 || task_ref__same(&culprit->task, &victim->task)) {
		print_party(out, model, victim, "THE VICTIM");
		return;
	}
	print_party(out, model, culprit, "THE CULPRIT");
	print_party(out, model, victim, "THE VICTIM");
}
