/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * The settings of `watch`, from an ini file (section [watch], keys as the long options, '-' as
 * '_'), then the command line. X(field, key, kind, default, needs restart, help) is the one list
 * of them: parser, help text and the example file's test are made from it.
 */
#define CONFIG_SETTINGS(X)                                                                        \
	X(dir, "dir", TEXT, "/var/lib/oomtrail", 1, "where windows and incidents are kept")       \
	X(max_size_bytes, "max_size", BYTES, "256M", 0, "disk space of the rolling window")       \
	X(window_ns, "window", TIME, "1h", 0, "how long the rolling window reaches back")         \
	X(sync_ns, "sync", TIME, "10s", 0, "longest time to the disk; what a power cut may cost") \
	X(storm_ns, "storm", TIME, "10m", 0,                                                      \
	  "a kill of the same cause within this is the same incident")                            \
	X(incidents, "incidents", COUNT, "100", 0, "incidents kept, oldest go first")             \
	X(incidents_bytes, "incidents_size", BYTES, "1G", 0, "disk space of all incidents")       \
	X(step_bytes, "step", BYTES, "256K", 1, "smallest movement of memory that is told")       \
	X(sample_bytes, "sample", BYTES, "1M", 1, "one stack for so much growth; 0: no stacks")   \
	X(buffer_bytes, "buffer", BYTES, "1M", 1, "size of each of the two ring buffers")         \
	X(queue_bytes, "queue", BYTES, "2M", 1, "events that may wait for the disk")              \
	X(memory_bytes, "memory", BYTES, "8M", 1, "heap reserved and locked at start")

struct config {
	char dir[512];
	uint64_t max_size_bytes;
	uint64_t window_ns;
	uint64_t sync_ns;
	uint64_t storm_ns;
	uint64_t incidents;
	uint64_t incidents_bytes;
	uint64_t step_bytes;
	uint64_t sample_bytes;
	uint64_t buffer_bytes;
	uint64_t queue_bytes;
	uint64_t memory_bytes;
};

void config__default(struct config *config);

/* One setting by its key, as from the file or the command line. -ENOENT: no such key; -EINVAL;
 * -ERANGE; `why` says it in words. */
int config__set(struct config *config, const char *key, const char *value, char *why,
		size_t why_size);

/* Reads `path` over what *config holds; *config is unchanged on failure. -ENOENT: no file.
 * `why` names file and line. Only a regular file that root or its reader owns and nobody else may
 * write is believed. */
int config__load(struct config *config, const char *path, char *why, size_t why_size);

/* Do these belong together? Bounds that cannot work are refused in words. 0 or -EINVAL. */
int config__check(const struct config *config, char *why, size_t why_size);

/* Takes over from `next` what may change while running; `fixed` names the keys that differ but
 * need a restart, separated by ", ". */
void config__apply(struct config *config, const struct config *next, char *fixed,
		   size_t fixed_size);
