/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stdbool.h>

/* One of several names of one address. */
struct preference {
	bool label; /* no function: a place in hand-written code */
	bool local;
	bool weak;
	const char *name;
};

/* < 0: the left one is to be shown. The name that programs use comes before the ones that a
 * library uses inside: global before local, then fewer leading underscores (malloc before
 * __libc_malloc, write before __write), strong before weak, shorter before longer. 0 only for equal
 * names. */
int preference__compare(const struct preference *left, const struct preference *right);
