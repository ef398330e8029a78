/* SPDX-License-Identifier: GPL-2.0-only */
#include "report/folded.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

struct folded_line {
	struct text stack;
	int64_t bytes;
};

struct folded_lines {
	struct folded_line *lines;
	size_t count;
};

static void folded_lines__free(struct folded_lines *folded)
{
	for (size_t i = 0; folded->lines && i < folded->count; i++)
		text__free(&folded->lines[i].stack);
	free(folded->lines);
}

/* A part of a line, which ends at the next semicolon. `part` is escaped but for that. */
static void say_part(struct text *out, const struct text *part)
{
	out->failed |= part->failed;
	if (part->length == 0)
		text__string(out, "[no name]");
	for (size_t i = 0; i < part->length; i++) {
		if (part->data[i] == ';')
			text__string(out, "\\x3b");
		else
			text__append(out, part->data + i, 1);
	}
}

static void say_line(struct text *out, const struct growth_row *row)
{
	_cleanup_(text__free) struct text comm = {0};

	if (row->process)
		text__escaped_array(&comm, row->process->comm, sizeof(row->process->comm));
	else
		text__printf(&comm, "[pid %" PRIu32 "]", row->task.pid);
	say_part(out, &comm);
	if (!row->stack) {
		text__string(out, ";[no stack]");
		return;
	}
	if (row->stack->end != STACK_END_COMPLETE)
		text__string(out, ";[callers unknown]");
	for (size_t i = row->stack->count; i-- > 0;) {
		_cleanup_(text__free) struct text label = {0};

		frame__label(&label, row->stack->frames[i]);
		text__string(out, ";");
		say_part(out, &label);
	}
}

static int compare_stacks(const void *left, const void *right)
{
	const struct folded_line *a = left, *b = right;

	return strcmp(a->stack.data, b->stack.data);
}

static int compare_bytes(const void *left, const void *right)
{
	const struct folded_line *a = left, *b = right;

	if (a->bytes != b->bytes)
		return a->bytes > b->bytes ? -1 : 1;
	return compare_stacks(left, right);
}

static int read_lines(struct folded_lines *folded, const struct growths *growths)
{
	folded->lines = calloc(growths->count, sizeof(*folded->lines));
	if (!folded->lines)
		return -ENOMEM;
	for (size_t i = 0; i < growths->count; i++) {
		struct folded_line *line = &folded->lines[folded->count++];

		say_line(&line->stack, &growths->rows[i]);
		line->bytes = growths->rows[i].bytes;
		if (!text__ok(&line->stack))
			return -ENOMEM;
	}
	return 0;
}

/* Equal lines become one. */
static void merge(struct folded_lines *folded)
{
	struct folded_line *lines = folded->lines;
	size_t count = 0;

	qsort(lines, folded->count, sizeof(*lines), compare_stacks);
	for (size_t i = 0; i < folded->count; i++) {
		if (count > 0 && compare_stacks(&lines[count - 1], &lines[i]) == 0) {
			if (__builtin_add_overflow(lines[count - 1].bytes, lines[i].bytes,
						   &lines[count - 1].bytes))
				lines[count - 1].bytes = INT64_MAX;
			text__free(&lines[i].stack);
			continue;
		}
		if (count != i) {
			lines[count] = lines[i];
			lines[i] = (struct folded_line){0};
		}
		count++;
	}
	folded->count = count;
	qsort(lines, count, sizeof(*lines), compare_bytes);
}

int report__folded(const struct model *model, const struct growth_filter *filter, struct text *out,
		   int64_t *left_out_bytes)
{
	_cleanup_(growths__free) struct growths growths = {0};
	_cleanup_(folded_lines__free) struct folded_lines folded = {0};
	int err;

	*left_out_bytes = 0;
	err = growths__read(&growths, model, filter, GROWTH_EXACT);
	if (err < 0)
		return err;
	if (growths.count == 0)
		return -ENOENT;
	err = read_lines(&folded, &growths);
	if (err < 0)
		return err;
	merge(&folded);
	for (size_t i = 0; i < folded.count; i++) {
		const struct folded_line *line = &folded.lines[i];

		if (line->bytes > 0)
			text__printf(out, "%s %" PRId64 "\n", line->stack.data, line->bytes);
		else
			*left_out_bytes += line->bytes;
	}
	return text__ok(out) ? 0 : -ENOMEM;
}
