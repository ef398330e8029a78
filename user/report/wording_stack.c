/* SPDX-License-Identifier: GPL-2.0-only */
#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "report/growth.h"
#include "report/wording.h"

#define FRAMES_LISTED    8
#define FRAMES_INNERMOST 5 /* of those; the others are the outermost */
#define NAME_COLUMNS     72
#define LINES_SAID       2 /* source lines, of the innermost frames of whoever's program it is */

/* What is said of a frame, and how often in a row. */
struct said {
	struct text label;
	const struct frame *frame;
	size_t times;
};

static void said__free(struct said *said, size_t count)
{
	for (size_t i = 0; i < count; i++)
		text__free(&said[i].label);
	free(said);
}

/* Names of templates can be longer than a page. */
static void say_cut(struct text *out, const struct text *name)
{
	size_t at = 0, columns = 0;

	out->failed |= name->failed;
	while (at < name->length && columns < NAME_COLUMNS) {
		uint32_t code;
		const size_t size = utf8__decode(name->data + at, name->length - at, &code);

		at += size ? size : 1;
		columns++;
	}
	text__append(out, name->data, at);
	if (at < name->length)
		text__string(out, "...");
}

static void say_frame(struct text *out, const struct frame *frame)
{
	_cleanup_(text__free) struct text name = {0};

	if (frame__is_unnamed_jit(frame)) {
		text__string(out, "[JIT]");
		return;
	}
	frame__label(&name, frame);
	say_cut(out, &name);
	if (frame && frame->kind == FRAME_JIT)
		text__string(out, " [JIT]");
}

static const char *base_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

static bool is_other_module(const struct frame *frame, const struct frame *before)
{
	if (!frame || !frame->name || !frame->module)
		return false;
	return !before || !before->module || strcmp(before->module->path, frame->module->path) != 0;
}

/* " (api)", " (cache.c:118)" or " (cache.c:118 in api)": which module the function is in, where
 * that changes, and its line, where that is to be said. */
static void say_where(struct text *out, const struct frame *frame, const struct frame *before,
		      bool with_line)
{
	const bool with_module = is_other_module(frame, before);
	const char *base;

	if (!with_module && !with_line)
		return;
	text__string(out, " (");
	if (with_line) {
		base = base_of(frame->file);
		text__escaped(out, base, strlen(base));
		text__printf(out, ":%" PRIu32 "%s", frame->line, with_module ? " in " : "");
	}
	if (with_module) {
		base = module__base(frame->module);
		text__escaped(out, base, strlen(base));
	}
	text__string(out, ")");
}

/* Not in what the compiler brings along: whose source nobody here has written. */
static bool has_own_line(const struct frame *frame)
{
	static const char *const others[] = {"libc.", "libc-", "ld-", "libstdc++.", "libpthread"};
	const char *base;

	if (!frame || !frame->file || !frame->line)
		return false;
	base = frame->module ? module__base(frame->module) : "";
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		if (!strncmp(base, others[i], strlen(others[i])))
			return false;
	}
	return true;
}

/* Innermost first; a function that calls itself is one entry. */
static size_t say_frames(struct said *said, const struct stack *stack)
{
	size_t count = 0, lines = 0, next;

	for (size_t i = stack__first_said(stack); i < stack->count; i = next) {
		const struct frame *frame = stack->frames[i];
		bool with_line;

		next = stack__after(stack, i);
		say_frame(&said[count].label, frame);
		with_line = lines < LINES_SAID && has_own_line(frame);
		lines += with_line;
		say_where(&said[count].label, frame, count > 0 ? said[count - 1].frame : NULL,
			  with_line);
		said[count].frame = frame;
		said[count++].times = next - i;
	}
	return count;
}

void wording__stack(struct text *out, const struct stack *stack, size_t indent)
{
	_cleanup_(text__free) struct text body = {0};
	struct said *said;
	size_t count;

	if (!stack) {
		text__string(&body, "no stack could be kept");
		wording__paragraph(out, "", indent, &body);
		return;
	}
	said = calloc(stack->count + 1, sizeof(*said));
	count = said ? say_frames(said, stack) : 0;
	out->failed |= !said;
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			text__string(&body, " <- ");
		/* "1 more" takes no less room than its name. */
		if (i == FRAMES_INNERMOST && count > FRAMES_LISTED + 1) {
			text__printf(&body, "... %zu more ... <- ", count - FRAMES_LISTED);
			i += count - FRAMES_LISTED;
		}
		text__append(&body, said[i].label.data, said[i].label.length);
		body.failed |= said[i].label.failed;
		if (said[i].times > 1)
			text__printf(&body, " x%zu", said[i].times);
	}
	if (stack->end != STACK_END_COMPLETE)
		text__printf(&body, "%s(callers not known)", count > 0 ? " <- " : "");
	wording__paragraph(out, "", indent, &body);
	if (said)
		said__free(said, count);
}
