/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is mapped executable, and from which file, as the kernel tells it. */

enum mapping_kind {
	MAPPING_FILE,
	MAPPING_ANONYMOUS, /* code made at run time */
	MAPPING_VDSO,
	MAPPING_OTHER /* [vsyscall], [uprobes] and the like: no file that anybody could read */
};

#define MAPPING_BUILD_ID_MAX_BYTES 20 /* longer ones the kernel does not tell */
#define MAPPING_PATH_MAX_BYTES     4096

/* perf tells a build-id, or else device and inode; /proc/PID/maps the latter. What is not told is
 * zero. The device is the file system's own and not always the one stat(2) shows (btrfs). */
struct file_id {
	uint64_t inode;
	uint64_t generation;
	uint32_t major;
	uint32_t minor;
	uint8_t deleted; /* no path led to it any more */
	uint8_t build_id_bytes;
	uint8_t build_id[MAPPING_BUILD_ID_MAX_BYTES];
	uint8_t padding[2];
};

/* A file that something is mapped from: one copy for all that map it. */
struct mapped_file;
struct mapped_files;

int mapped_files__new(struct mapped_files **out);
/* Only when nobody holds a file any more. */
void mapped_files__free(struct mapped_files *files);
size_t mapped_files__bytes(const struct mapped_files *files); /* of heap */

/* Another reference, or a new file; NULL: out of memory. `path` as its process sees it. */
struct mapped_file *mapped_files__take(struct mapped_files *files, const struct file_id *id,
				       const char *path);
struct mapped_file *mapped_file__ref(struct mapped_file *file);
void mapped_file__unref(struct mapped_file *file);

const struct file_id *mapped_file__id(const struct mapped_file *file);
const char *mapped_file__path(const struct mapped_file *file);

/* As the kernel tells it. */
struct told_mapping {
	uint64_t start;
	uint64_t end;
	uint64_t offset; /* in the file, of `start` */
	enum mapping_kind kind;
	struct file_id file;
	const char *path; /* as long as what it came in */
};

struct mapping {
	uint64_t start;
	uint64_t end;
	uint64_t offset;  /* in the file, of `start` */
	uint64_t from_ns; /* CLOCK_MONOTONIC; 0: since before anybody looked */
	enum mapping_kind kind;
	struct mapped_file *file; /* of MAPPING_FILE, else NULL */
};

/* What a mapping's name in perf's records or in /proc/PID/maps stands for. */
enum mapping_kind mapping__kind(const char *name, uint64_t inode, bool has_build_id);

/* Takes " (deleted)" off the end. */
bool mapping__cut_deleted(char *path);
