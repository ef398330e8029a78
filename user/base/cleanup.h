/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/*
 * Scope-bound ownership: `_cleanup_(foo__freep) struct foo *foo = NULL;` frees on every way out.
 * DEFINE_FREEP(foo) makes foo__freep from foo__free. take(p) hands ownership on.
 */

#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(function) __attribute__((__cleanup__(function)))

#define DEFINE_FREEP(type)                                     \
	static inline void type##__freep(struct type **object) \
	{                                                      \
		type##__free(*object);                         \
	}

#define take(pointer)                                   \
	({                                              \
		__typeof__(pointer) taken_ = (pointer); \
		(pointer) = NULL;                       \
		taken_;                                 \
	})

static inline void freep(void *pointer)
{
	free(*(void **)pointer);
}

static inline void closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}
