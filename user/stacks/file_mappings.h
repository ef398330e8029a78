/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/events.h"

/*
 * Which file or shared memory a page of a process is of, from /proc/PID/maps and mountinfo. Each
 * process's maps are read when they were last read before the page came and say nothing of it, or
 * that is FILE_MAPPINGS_AGAIN_NS ago. Behind readings that did not help it waits longer and longer,
 * up to as long, and behind one of many mappings, too. What was read is there when the process is
 * gone.
 *
 * A process that runs another program since the page came is not told apart at once: it may be
 * asked only soon after the page came.
 */
struct file_mappings;

#define FILE_MAPPINGS_AGAIN_NS  1000000000ULL
#define FILE_MAPPINGS_VAIN_NS   1000000ULL    /* behind the first reading that did not help */
#define FILE_MAPPINGS_LINE_NS   20000ULL      /* to wait after a reading, for each of its lines */
#define FILE_MAPPINGS_PROCESSES 64            /* the least recently asked for go */
#define FILE_MAPPINGS_SPANS     8192          /* of a process */
#define FILE_MAPPINGS_PATHS     (16ULL << 20) /* bytes of all paths */
#define FILE_MAPPINGS_MOUNTS    256           /* of a process */
#define FILE_MAPPINGS_MOUNTINFO (1U << 20)    /* bytes that are read of it */

struct file_process {
	uint64_t pid;
	uint64_t start_ns;
	uint64_t mm_id; /* another program has another one */
};

struct file_mapping {
	uint32_t flags;    /* enum file_flag */
	const char *path;  /* any bytes */
	const char *mount; /* where its tmpfs is mounted; NULL: in none, or not known */
};

/* `proc` NULL: "/proc". */
int file_mappings__new(struct file_mappings **out, const char *proc);
void file_mappings__free(struct file_mappings *mappings);

/* What is mapped at `address`, of a page that came at `came_ns`; false: not known. Valid until the
 * next call. */
bool file_mappings__find(struct file_mappings *mappings, const struct file_process *process,
			 uint64_t address, uint64_t came_ns, uint64_t now_ns,
			 struct file_mapping *out);

uint64_t file_mappings__reads(const struct file_mappings *mappings); /* of maps, or tried to */
size_t file_mappings__bytes(const struct file_mappings *mappings);   /* of heap */
