/* SPDX-License-Identifier: GPL-2.0-only */
#include "report/numbers.h"

#include <stdlib.h>
#include <string.h>

/* Without it uthash ends the program when memory is short. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

struct numbers {
	UT_hash_handle hh;
	uint64_t number;
	char key[];
};

uint64_t numbers__of(struct numbers **numbers, const char *key, size_t length, bool *is_new)
{
	struct numbers *found;

	*is_new = false;
	HASH_FIND(hh, *numbers, key ? key : "", length, found);
	if (found)
		return found->number;
	found = calloc(1, sizeof(*found) + length);
	if (!found)
		return 0;
	if (length > 0)
		memcpy(found->key, key, length);
	found->number = HASH_COUNT(*numbers) + 1ULL;
	HASH_ADD_KEYPTR(hh, *numbers, found->key, length, found);
	if (!found->hh.tbl) {
		free(found);
		return 0;
	}
	*is_new = true;
	return found->number;
}

void numbers__free(struct numbers *numbers)
{
	struct numbers *each, *next;

	HASH_ITER (hh, numbers, each, next) {
		HASH_DEL(numbers, each);
		free(each);
	}
}
