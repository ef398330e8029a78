/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * How long one process may keep all others waiting with its files. A stack of it can lead through
 * hundreds that nobody has read yet, made to be slow: once one sample has taken PATIENCE_CPU_NS of
 * work, or PATIENCE_WALL_NS of waiting (for a disk, or for the CPU, which is nobody's fault), no
 * further one is begun; and nothing new of its process is read for three times as long as that
 * took. What is known already is not touched by this. (Honest programs take over a second of work
 * on an emulated processor.)
 */
#define PATIENCE_CPU_NS    10000000000ULL
#define PATIENCE_WALL_NS   20000000000ULL
#define PATIENCE_REST      3
#define PATIENCE_PROCESSES 64 /* that rest; a power of two */

struct patience_time {
	uint64_t cpu_ns; /* of this thread */
	uint64_t wall_ns;
};

struct patience {
	struct patience_time (*clock)(void); /* NULL: the host's */
	bool working;                        /* else nothing is refused */
	bool resting;                        /* it has used up all that there was */
	bool refused;                        /* in this sample */
	struct patience_time begin;
	struct patience_rest {
		uint32_t pid;
		uint64_t start_ns;
		uint64_t until_ns;
	} rests[PATIENCE_PROCESSES]; /* by pid; the later one takes the place */
	uint64_t samples;            /* in which a file was not read */
};

void patience__begin(struct patience *patience, uint32_t pid, uint64_t start_ns);
/* May a file be read that has not been? */
bool patience__allows(struct patience *patience);
void patience__end(struct patience *patience, uint32_t pid, uint64_t start_ns);
