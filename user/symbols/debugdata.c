/* SPDX-License-Identifier: GPL-2.0-only */
#include "symbols/debugdata.h"

#include <errno.h>
#include <stdlib.h>

#include <lzma.h>

#include "base/cleanup.h"

#define UNPACKER_MAX_BYTES (80U << 20) /* xz -9 asks for 65 MiB */
#define FIRST_BYTES        (256U << 10)

/* Doubles the room for what is unpacked. */
static int grow(lzma_stream *stream, uint8_t **data, size_t *capacity)
{
	size_t larger = *capacity ? 2 * *capacity : FIRST_BYTES;
	uint8_t *moved;

	if (larger > DEBUGDATA_MAX_BYTES)
		return -EFBIG;
	moved = realloc(*data, larger);
	if (!moved)
		return -ENOMEM;
	*data = moved;
	stream->next_out = moved + stream->total_out;
	stream->avail_out = larger - stream->total_out;
	*capacity = larger;
	return 0;
}

static int unpack(lzma_stream *stream, uint8_t **data)
{
	size_t capacity = 0;

	for (;;) {
		lzma_ret result;
		int error = 0;

		if (stream->avail_out == 0)
			error = grow(stream, data, &capacity);
		if (error)
			return error;
		result = lzma_code(stream, LZMA_FINISH);
		if (result == LZMA_STREAM_END)
			return 0;
		if (result == LZMA_MEM_ERROR)
			return -ENOMEM;
		if (result != LZMA_OK)
			return -EINVAL;
	}
}

int debugdata__object(struct object **out, const struct object *object)
{
	struct object_section packed = object__section(object, ".gnu_debugdata");
	_cleanup_(freep) uint8_t *data = NULL;
	lzma_stream stream = LZMA_STREAM_INIT;
	char why[160];
	int error;

	*out = NULL;
	if (!packed.data)
		return -ENOENT;
	if (lzma_stream_decoder(&stream, UNPACKER_MAX_BYTES, 0) != LZMA_OK)
		return -ENOMEM;
	stream.next_in = packed.data;
	stream.avail_in = packed.bytes;
	error = unpack(&stream, &data);
	if (!error)
		error = object__read_memory(out, data, stream.total_out, why, sizeof(why));
	lzma_end(&stream);
	return error;
}
