/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stdint.h>

/*
 * The log of everything that changed below one folder: the first page holds the lock that orders
 * it, the records follow. disk.py is the reader.
 *
 * One record is one operation that succeeded, logged in the order in which they took effect, over
 * all threads and processes. Files and folders are named by inode number; CREATE and MKDIR begin
 * a new life of one. A sync counts from its end, for what had happened at its beginning.
 */

#define WRITE_LOG_PAGE 4096

/* X(NAME, what the fields hold). */
#define WRITE_LOG_OPS(X)                                       \
	X(BEGIN, "inode: the folder itself")                   \
	X(CREATE, "folder, name, inode")                       \
	X(MKDIR, "folder, name, inode")                        \
	X(LINK, "folder, name, inode")                         \
	X(UNLINK, "folder, name")                              \
	X(RMDIR, "folder, name")                               \
	X(RENAME, "folder, name, to_folder, to_name")          \
	X(WRITE, "inode, offset, data")                        \
	X(TRUNCATE, "inode, offset: the size")                 \
	X(EXTEND, "inode, offset: at least this size")         \
	X(SYNC_BEGIN, "inode; 0: everything; offset: a token") \
	X(SYNC_END, "the same")                                \
	X(STRANGE, "name: what the replay has no model of")

enum write_log_op {
#define X(name, fields) WRITE_LOG_##name,
	WRITE_LOG_OPS(X)
#undef X
};

struct write_log_record {
	uint32_t record_bytes; /* with the names and the data behind it */
	uint16_t op;           /* enum write_log_op */
	uint16_t name_bytes;
	uint32_t to_name_bytes;
	uint32_t pid;
	uint64_t time_ns;         /* CLOCK_MONOTONIC, before the operation */
	uint64_t announced_bytes; /* in the file of announcements, before the operation */
	uint64_t folder;
	uint64_t inode;
	uint64_t to_folder;
	uint64_t offset;
};

_Static_assert(sizeof(struct write_log_record) == 64, "write_log_record");
