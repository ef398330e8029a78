/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/events.h"

/* Readers of /proc and /sys. `root` is prefixed to every path ("" on a live host), so that tests
 * can bring a host of their own. All return 0 or -errno.
 */

/* A whole small file into `buffer`, NUL-terminated; longer files are cut. Bytes read or -errno. */
long sysfs__read(const char *root, const char *path, char *buffer, size_t size);

/* The same, its first line only, without the newline. */
int sysfs__read_line(const char *root, const char *path, char *buffer, size_t size);

/* "Key:   123 kB" of /proc/meminfo in bytes; rows that are missing stay EVENT_UNKNOWN. */
int procfs__meminfo(const char *root, struct meminfo *out);

/* oom_kill of /proc/vmstat: OOM kills since boot. -ENOENT: this kernel does not count them. */
int procfs__oom_kills(const char *root, int64_t *out);

/* Command line of a process, NUL-separated, at most `size` bytes. Bytes read or -errno; 0 for a
 * zombie or a kernel thread. */
long procfs__argv(const char *root, uint32_t pid, char *argv, size_t size);

/* Start of a process in clock ticks since boot (field 22 of stat). */
int procfs__start_ticks(const char *root, uint32_t pid, uint64_t *ticks);

/* The process that a thread belongs to: for a process, its own pid. */
int procfs__thread_group(const char *root, uint32_t pid, uint32_t *leader);

/* Are pids here those of the whole host? */
bool procfs__in_initial_pid_namespace(const char *root);

/* The effective capabilities of this process. */
int procfs__capabilities(const char *root, uint64_t *effective);
