/* SPDX-License-Identifier: GPL-2.0-only */
#include "symbols/prefer.h"

#include <string.h>

int preference__compare(const struct preference *left, const struct preference *right)
{
	size_t underscores[2] = {strspn(left->name, "_"), strspn(right->name, "_")};
	size_t lengths[2];

	if (left->label != right->label)
		return left->label ? 1 : -1;
	if (left->local != right->local)
		return left->local ? 1 : -1;
	if (underscores[0] != underscores[1])
		return underscores[0] < underscores[1] ? -1 : 1;
	if (left->weak != right->weak)
		return left->weak ? 1 : -1;
	lengths[0] = strlen(left->name);
	lengths[1] = strlen(right->name);
	if (lengths[0] != lengths[1])
		return lengths[0] < lengths[1] ? -1 : 1;
	return strcmp(left->name, right->name);
}
