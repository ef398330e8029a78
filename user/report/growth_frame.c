/* SPDX-License-Identifier: GPL-2.0-only */
#include <inttypes.h>
#include <string.h>

#include "report/growth.h"

const char *module__base(const struct module *module)
{
	const char *slash = strrchr(module->path, '/');

	return slash && slash[1] != '\0' ? slash + 1 : module->path;
}

void frame__label(struct text *out, const struct frame *frame)
{
	if (!frame) {
		text__string(out, "[unknown]");
	} else if (frame->name) {
		text__escaped(out, frame->name, strlen(frame->name));
	} else if (frame->module) {
		const char *base = module__base(frame->module);

		text__escaped(out, base, strlen(base));
		text__printf(out, "+0x%" PRIx64, frame->address);
	} else {
		text__printf(out, "0x%" PRIx64, frame->address);
	}
}

bool frame__is_unnamed_jit(const struct frame *frame)
{
	return frame && frame->kind == FRAME_JIT && !frame->name;
}

/* Functions that get memory for their caller, who is meant when one asks who grew. Those that
 * write to it first (memset) are not: they say what it was for. */
static bool is_allocator(const struct frame *frame)
{
	static const char *const whole[] = {
		"malloc",
		"calloc",
		"realloc",
		"reallocarray",
		"memalign",
		"aligned_alloc",
		"posix_memalign",
		"valloc",
		"pvalloc",
		"cfree",
		"free",
		"mmap",
		"mmap64",
		"mremap",
		"brk",
		"sbrk",
		"sysmalloc",
		"sysmalloc_mmap",
		"systrim",
		"malloc_consolidate",
		"unlink_chunk",
		"new_heap",
		"grow_heap",
		"arena_get2",
		"tcache_init",
		"__rust_alloc",
		"__rust_alloc_zeroed",
		"__rust_realloc",
		"__rdl_alloc",
		"__rdl_alloc_zeroed",
		"__rdl_realloc",
	};
	static const char *const beginnings[] = {
		"operator new",
		"__libc_malloc",
		"__libc_calloc",
		"__libc_realloc",
		"__libc_memalign",
		"__GI___libc_",
		"_int_malloc",
		"_int_realloc",
		"_int_memalign",
		"_int_free",
		"__glibc_morecore",
		"__mmap",
		"__sbrk",
		"__brk",
		"je_",
		"tc_",
		"tcmalloc::",
		"mi_",
		"_mi_",
		"runtime.",
	};

	if (!frame || !frame->name)
		return false;
	for (size_t i = 0; i < sizeof(whole) / sizeof(whole[0]); i++) {
		if (strcmp(frame->name, whole[i]) == 0)
			return true;
	}
	for (size_t i = 0; i < sizeof(beginnings) / sizeof(beginnings[0]); i++) {
		if (strncmp(frame->name, beginnings[i], strlen(beginnings[i])) == 0)
			return true;
	}
	return false;
}

size_t stack__first_said(const struct stack *stack)
{
	size_t run = 0;

	while (run < stack->count && stack->frames[run] && stack->frames[run]->kind == FRAME_KERNEL)
		run++;
	if (run > 0)
		return run - 1;
	while (run < stack->count && is_allocator(stack->frames[run]))
		run++;
	return run == 0 || run == stack->count ? 0 : run - 1;
}

/* Would they be said in the same words? */
static bool reads_same(const struct frame *a, const struct frame *b)
{
	if (frame__is_unnamed_jit(a) || frame__is_unnamed_jit(b))
		return frame__is_unnamed_jit(a) && frame__is_unnamed_jit(b);
	if (!a || !b)
		return a == b;
	if (!a->name || !b->name || strcmp(a->name, b->name) != 0 || !a->module != !b->module)
		return false;
	return !a->module || strcmp(a->module->path, b->module->path) == 0;
}

size_t stack__after(const struct stack *stack, size_t at)
{
	size_t next = at + 1;

	while (next < stack->count && reads_same(stack->frames[at], stack->frames[next]))
		next++;
	return next;
}
