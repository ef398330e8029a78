/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "maps/mapping.h"

/* What a process has mapped executable at this moment, from /proc/PID/maps. The paths in there are
 * chosen by the process. */

#define PROC_MAPS_MAX_BYTES (16ULL << 20) /* that are read: some 150,000 lines */

/* One line, NUL in place of its newline; it is written to. The path is as the reader sees it,
 * newlines restored; a backslash is told as it is, so that "\012" in a name is taken for a newline.
 * false: not what the kernel writes. */
bool proc_maps__parse(char *line, struct told_mapping *out, bool *executable);

/* Negative ends the reading and is passed on. */
typedef int (*proc_maps_sink)(void *context, const struct told_mapping *mapping);

/* All, or executable ones only. `pid`: of a process or of any of its threads: of a process whose
 * first thread has ended only the others know. `skipped` is raised by lines that make no sense and
 * by one when there is more than is read. 0; -ESRCH: it is gone (or has no memory any more);
 * -errno. */
int proc_maps__read(const char *proc, uint32_t pid, bool all, proc_maps_sink sink, void *context,
		    uint64_t *skipped);
