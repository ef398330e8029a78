/* SPDX-License-Identifier: GPL-2.0-only */
#include "symbols/demangle.h"

#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <libiberty/demangle.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "symbols/symbol.h"

#define READABLE_MAX_BYTES 16384
#define SCOPES_MAX_BYTES   (256U << 10) /* of stack, for libiberty's copies of templates */

/* A name of a hundred bytes may stand for gigabytes: names can refer to parts of themselves, and
 * those again. Nothing but a jump ends the demangler early. */
struct output {
	struct text text;
	jmp_buf enough;
};

static bool is_ascii(const char *part, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if ((unsigned char)part[i] >= 0x80)
			return false;
	}
	return true;
}

static void output__add(const char *part, size_t length, void *context)
{
	struct output *output = context;

	if (output->text.length + length <= READABLE_MAX_BYTES)
		text__append(&output->text, part, length);
	else
		output->text.failed = true;
	/* While it writes an identifier that is not ASCII, Rust's demangler holds memory. */
	if (output->text.failed && is_ascii(part, length))
		longjmp(output->enough, 1);
}

/* libiberty puts (templates x references to template parameters) x 16 bytes on the stack, with both
 * counted at most twice. */
static bool fits_stack(const char *name)
{
	size_t templates = 0, references = 0;

	for (const char *c = name; *c; c++) {
		if (*c == 'I')
			templates++;
		else if ((*c == 'R' || *c == 'O') && (c[1] == 'T' || c[1] == 'S'))
			references++;
	}
	return 4 * templates * references * 16 <= SCOPES_MAX_BYTES;
}

static bool run(const char *name, struct output *output)
{
	if (setjmp(output->enough))
		return false;
	if (rust_demangle_callback(name, DMGL_NO_OPTS, output__add, output))
		return true;
	/* What it wrote before it gave up. */
	output->text.length = 0;
	return fits_stack(name) &&
	       cplus_demangle_v3_callback(name, DMGL_NO_OPTS, output__add, output);
}

char *demangle(const char *name)
{
	struct output output = {0};

	if (name[0] != '_' || (name[1] != 'Z' && name[1] != 'R' && strncmp(name, "_GLOBAL_", 8)))
		return NULL;
	if (strnlen(name, SYMBOL_NAME_MAX_BYTES) == SYMBOL_NAME_MAX_BYTES)
		return NULL;
	if (run(name, &output) && output.text.length > 0 && text__ok(&output.text))
		return output.text.data;
	text__free(&output.text);
	return NULL;
}
