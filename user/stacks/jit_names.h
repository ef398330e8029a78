/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "symbols/symbol.h"

/*
 * Names of code that processes made at run time, out of what they say themselves
 * (symbols/jit_map.h). Each one's file is read when a name is asked for the first time, and again
 * when there is none for an address, at most once in JIT_NAMES_AGAIN_NS, and in ten times as long
 * as the last reading took. What was read is there when the process is gone.
 *
 * The least recently used processes go where there are too many, or too many bytes.
 */
struct jit_names;

#define JIT_NAMES_AGAIN_NS  1000000000ULL
#define JIT_NAMES_PROCESSES 64
#define JIT_NAMES_MAX_BYTES (64ULL << 20) /* one process alone may have more (jit_map.h) */

struct jit_process {
	uint32_t pid;
	uint64_t start_ns; /* its first thread's, CLOCK_MONOTONIC; 0: not known */
	uint64_t mm_id;    /* another program has another one */
	bool is_there;     /* what /proc says of this pid is about this process */
};

int jit_names__new(struct jit_names **out, const char *proc);
void jit_names__free(struct jit_names *names);

/* Valid until the next call. */
bool jit_names__find(struct jit_names *names, const struct jit_process *process, uint64_t address,
		     uint64_t now_ns, struct symbol *out);

uint64_t jit_names__reads(const struct jit_names *names); /* files opened, or tried to */
size_t jit_names__bytes(const struct jit_names *names);   /* of heap */
