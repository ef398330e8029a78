/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Where the bytes of an ELF file come from, and where a failure is told. */
struct source {
	int fd;
	const uint8_t *memory; /* NULL: from fd */
	uint64_t bytes;
	char *why;
	size_t why_size;
};

/* Writes `why` and returns `error`. */
int source__fail(const struct source *source, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Exactly `bytes` of them, -errno otherwise. */
int source__read(const struct source *source, uint64_t offset, void *data, size_t bytes);

/* Into fresh memory, a NUL behind it; -EFBIG beyond `max`. */
int source__load(const struct source *source, uint64_t offset, uint64_t bytes, size_t max,
		 uint8_t **out);
