/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/* Walks along this process's own functions, which keep no frame pointer here: leaf() takes a
 * moment, walk() its callers, ASSERT_FRAMES() their names. */

#include "tests/unit/unwind/own.h"

#pragma GCC optimize("omit-frame-pointer")

#define KEEP() __asm__ volatile("" ::: "memory") /* what follows a call: no tail call */

static struct own own;
static struct own_moment moment;
static uint64_t stack_end;

static struct unwind_frame frames[OWN_FRAMES_MAX];
static size_t frame_count;

static enum unwind_end walk(void)
{
	struct unwind_state state = moment.state;

	return unwind__walk(&state, &moment.stack, own__find, &own, frames, OWN_FRAMES_MAX,
			    &frame_count);
}

/* `names` in this order with nothing between, except of "*": any frames. Compilers append to names
 * (".isra.0"), and newer C libraries have more of them. */
static bool matches(const char *const *names, size_t at)
{
	for (; *names; names++, at++) {
		const char *name;

		if (!strcmp(*names, "*")) {
			for (; at <= frame_count; at++) {
				if (matches(names + 1, at))
					return true;
			}
			return false;
		}
		if (at >= frame_count)
			return false;
		name = own__name(&own, &frames[at]);
		if (strncmp(name, *names, strlen(*names)) ||
		    (name[strlen(*names)] && name[strlen(*names)] != '.'))
			return false;
	}
	return at == frame_count;
}

static void assert_frames(const char *const *names)
{
	if (matches(names, 0))
		return;
	for (size_t i = 0; i < frame_count; i++)
		print_message("%zu: %#llx %s\n", i, (unsigned long long)frames[i].pc,
			      own__name(&own, &frames[i]));
	fail_msg("other frames were expected");
}

#define ASSERT_FRAMES(...) assert_frames((const char *const[]){__VA_ARGS__, NULL})

static void assert_end(enum unwind_end is, enum unwind_end expected)
{
	assert_string_equal(unwind__end_name(is), unwind__end_name(expected));
}

static int setup(void **state)
{
	(void)state;
	stack_end = own__stack_end();
	own__load(&own);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	own__forget(&moment);
	own__release(&own);
	return 0;
}

static __attribute__((noinline, noclone)) void leaf(void)
{
	own__forget(&moment);
	OWN_CAPTURE(&moment, stack_end);
	KEEP();
}
