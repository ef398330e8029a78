/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* One of several names of one address. */
struct preference {
	bool label; /* no function: a place in hand-written code */
	bool local;
	bool weak;
	uint16_t underscores; /* that it begins with; the more, the more it is somebody's own */
	uint16_t length;
	const char *name; /* ends with a NUL, or has more than is looked at */
};

/* Sets name, its length and its underscores: measured once, since names are hostile and there are
 * millions of comparisons. Not more than SYMBOL_NAME_MAX_BYTES of it are looked at. */
void preference__set_name(struct preference *preference, const char *name);

/* < 0: the left one is to be shown. The name that programs use comes before the ones that a
 * library uses inside: global before local, then fewer leading underscores (malloc before
 * __libc_malloc, write before __write), strong before weak, shorter before longer. 0 only for equal
 * ones. */
int preference__compare(const struct preference *left, const struct preference *right);
