/* SPDX-License-Identifier: GPL-2.0-only */
#include "elf/source.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

int source__fail(const struct source *source, int error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(source->why, source->why_size, format, arguments);
	va_end(arguments);
	return error;
}

int source__read(const struct source *source, uint64_t offset, void *data, size_t bytes)
{
	size_t done = 0;

	if (offset > source->bytes || bytes > source->bytes - offset)
		return source__fail(source, -EINVAL, "the file ends before what its headers name");
	if (source->memory) {
		memcpy(data, source->memory + offset, bytes);
		return 0;
	}
	while (done < bytes) {
		ssize_t count = pread(source->fd, (char *)data + done, bytes - done,
				      (off_t)(offset + done));

		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0)
			return source__fail(source, -EINVAL, "cannot read the file: %s",
					    strerror(errno));
		if (count == 0)
			return source__fail(source, -EINVAL,
					    "the file became shorter while it was read");
		done += (size_t)count;
	}
	return 0;
}

int source__load(const struct source *source, uint64_t offset, uint64_t bytes, size_t max,
		 uint8_t **out)
{
	_cleanup_(freep) uint8_t *data = NULL;
	int error;

	if (bytes > max)
		return source__fail(source, -EFBIG,
				    "a part of %llu bytes is larger than the %zu allowed",
				    (unsigned long long)bytes, max);
	if (offset > source->bytes || bytes > source->bytes - offset)
		return source__fail(source, -EINVAL, "the file ends before what its headers name");
	data = malloc(bytes + 1);
	if (!data)
		return source__fail(source, -ENOMEM, "out of memory");
	error = source__read(source, offset, data, bytes);
	if (error)
		return error;
	data[bytes] = 0;
	*out = take(data);
	return 0;
}
