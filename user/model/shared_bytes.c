/* SPDX-License-Identifier: GPL-2.0-only */
#include <stdlib.h>
#include <string.h>

#include "model/shared_bytes.h"

struct shared_bytes {
	size_t length;
	uint32_t owners;
	uint32_t mark;
	char bytes[];
};

static struct shared_bytes *shared_bytes__of(const char *bytes)
{
	return (struct shared_bytes *)(bytes - offsetof(struct shared_bytes, bytes));
}

char *shared_bytes__new(const char *bytes, size_t length)
{
	struct shared_bytes *shared = malloc(sizeof(*shared) + length + 1);

	if (!shared)
		return NULL;
	shared->owners = 1;
	shared->mark = 0;
	shared->length = length;
	if (length)
		memcpy(shared->bytes, bytes, length);
	shared->bytes[length] = '\0';
	return shared->bytes;
}

char *shared_bytes__get(char *bytes)
{
	if (bytes)
		shared_bytes__of(bytes)->owners++;
	return bytes;
}

size_t shared_bytes__size(const char *bytes)
{
	return bytes ? sizeof(struct shared_bytes) + shared_bytes__of(bytes)->length + 1 : 0;
}

size_t shared_bytes__put(char *bytes)
{
	size_t size = shared_bytes__size(bytes);

	if (!bytes || --shared_bytes__of(bytes)->owners)
		return 0;
	free(shared_bytes__of(bytes));
	return size;
}

void shared_bytes__mark(char *bytes, uint32_t mark)
{
	shared_bytes__of(bytes)->mark = mark;
}

uint32_t shared_bytes__marked(const char *bytes)
{
	return shared_bytes__of(bytes)->mark;
}
