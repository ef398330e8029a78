/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define LINE_FILE_MAX_BYTES 4096 /* longer names are not known */
#define ANSWER_END          UINT32_MAX

/* What the child sends for each address that it knows, one send(2) each; the file's name, without
 * a NUL, follows. The last one has `index` ANSWER_END and an errno in `line`. */
struct answer {
	uint32_t index;
	uint32_t line;
	uint32_t file_bytes;
};

/* The child's life: until the other end of `out_fd`, a socket, is closed, for as long as it may
 * take, and as `parent` lives. */
void lines_child__run(int out_fd, int fd, const uint64_t *vaddrs, size_t count, pid_t parent,
		      uint64_t budget_ns) __attribute__((noreturn));
