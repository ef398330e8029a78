/* SPDX-License-Identifier: GPL-2.0-only */
#include "base/gzip.h"

#include <errno.h>

#include <zlib.h>

#define GZIP_WRAPPER 16 /* added to the window's bits; see zlib.h */
#define PIECE_BYTES  (1U << 30)

int gzip__append(struct text *out, const char *data, size_t length)
{
	z_stream stream = {0};
	char piece[16384];
	int status;

	if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, MAX_WBITS + GZIP_WRAPPER, 8,
			 Z_DEFAULT_STRATEGY) != Z_OK)
		return -ENOMEM;
	stream.next_in = (Bytef *)data;
	do {
		if (stream.avail_in == 0) {
			stream.avail_in = length < PIECE_BYTES ? (uInt)length : PIECE_BYTES;
			length -= stream.avail_in;
		}
		stream.next_out = (Bytef *)piece;
		stream.avail_out = sizeof(piece);
		status = deflate(&stream, length == 0 ? Z_FINISH : Z_NO_FLUSH);
		text__append(out, piece, sizeof(piece) - stream.avail_out);
	} while (status == Z_OK);
	deflateEnd(&stream);
	return status == Z_STREAM_END && text__ok(out) ? 0 : -ENOMEM;
}
