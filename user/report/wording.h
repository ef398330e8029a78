/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/* Words and figures as all text reports say them. Everything a traced program controls is escaped
 * here. EVENT_UNKNOWN reads "unknown".
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"
#include "model/model.h"

#define REPORT_COLUMNS 100

void wording__bytes(struct text *out, int64_t bytes);
void wording__limit(struct text *out, int64_t bytes); /* EVENT_NO_LIMIT: "no limit" */
void wording__delta(struct text *out, int64_t bytes);
void wording__count(struct text *out, uint64_t count);
/* "1 process", "1,204 processes" */
void wording__counted(struct text *out, uint64_t count, const char *one, const char *many);
void wording__duration(struct text *out, uint64_t ns);
void wording__utc(struct text *out, int64_t realtime_ns);

/* "97%", rounded half up; with decimals 0 to 2. whole 0: "unknown". */
void wording__percent(struct text *out, uint64_t part, uint64_t whole, unsigned int decimals);

/* The mean of so many: "71.3 ns", "2,689 ns"; count is not 0. */
void wording__ns(struct text *out, uint64_t sum_ns, uint64_t count);

/* "1,402" of that many in that time; below 10 with one decimal. ns is not 0. */
void wording__per_second(struct text *out, uint64_t count, uint64_t ns);

/* "17.7 MiB/s" */
void wording__rate(struct text *out, int64_t bytes, uint64_t ns);

/* "web-1, Linux 6.12.0 x86_64, 4 CPUs, 16.0 GiB of memory, 0 of swap" */
void wording__host(struct text *out, const struct event_host *host);

/* "python3, pid 4711" */
void wording__task(struct text *out, const char *comm, uint32_t pid);

/* The command line, or why there is none. */
void wording__argv(struct text *out, const char *argv, uint32_t bytes, uint32_t flags,
		   size_t max_columns);

/* "nginx.service", "docker container 3f1c0a2b", "PM2 application api", "process tree bash". */
void wording__service(struct text *out, const struct service *service);

/* "exit status 0", "killed by SIGKILL" */
void wording__exit_status(struct text *out, uint32_t code);

/* "1.91 GiB anon, 12 MiB file": the kinds that are there; "unknown" or "0" when none is. */
void wording__memory(struct text *out, const struct memory *memory);

/* "/srv/index", "/dev/shm/x (deleted) in the tmpfs /dev/shm". */
void wording__file(struct text *out, const struct file *file);

/* `label`, then `body` broken at blanks into lines of REPORT_COLUMNS that begin at `indent`. */
void wording__paragraph(struct text *out, const char *label, size_t indent,
			const struct text *body);

/* "decode (worker) <- run x3 <- main": a paragraph of the functions of a stack, innermost first.
 * What is an allocator's own is left out, and the middle of a long one. NULL: there is none. */
void wording__stack(struct text *out, const struct stack *stack, size_t indent);

/* `cell` in a table: padded to `width` columns, on the left (numbers) or on the right. A number
 * longer than that pushes the rest of its line; after a name the rest goes on below, in place. */
void wording__cell_right(struct text *out, const struct text *cell, size_t width);
void wording__cell_left(struct text *out, const struct text *cell, size_t width);

/* Entries side by side, three blanks apart, as many as fit below `limit` columns; lines begin at
 * `indent`. *column is 0 before the first one. The caller ends the last line. */
void wording__flow(struct text *out, size_t *column, size_t indent, size_t limit,
		   const struct text *entry);
