/* SPDX-License-Identifier: GPL-2.0-only */
#include "symbols/prefer.h"

#include <string.h>

#include "symbols/symbol.h"

#define OWN_PREFIX "__GI_"

void preference__set_name(struct preference *preference, const char *name)
{
	size_t length = strnlen(name, SYMBOL_NAME_MAX_BYTES - 1);
	size_t underscores = 0;

	while (underscores < length && name[underscores] == '_')
		underscores++;
	/* The C library's names for itself: behind whatever else there is. */
	if (!strncmp(name, OWN_PREFIX, strlen(OWN_PREFIX)))
		underscores = SYMBOL_NAME_MAX_BYTES;
	preference->name = name;
	preference->length = (uint16_t)length;
	preference->underscores = (uint16_t)underscores;
}

int preference__compare(const struct preference *left, const struct preference *right)
{
	if (left->label != right->label)
		return left->label ? 1 : -1;
	if (left->local != right->local)
		return left->local ? 1 : -1;
	if (left->underscores != right->underscores)
		return left->underscores < right->underscores ? -1 : 1;
	if (left->weak != right->weak)
		return left->weak ? 1 : -1;
	if (left->length != right->length)
		return left->length < right->length ? -1 : 1;
	return left->name == right->name ? 0 : memcmp(left->name, right->name, left->length);
}
