/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "maps/objects.h"

/*
 * Has the files read behind what a process has mapped, as soon as it is sampled. Stacks are unwound
 * a moment later, when perf's records of the same time have come; by then the process may be gone,
 * and with it the way to a file that is deleted, or in a mount namespace of its own.
 */
struct prefetch;

/* `objects` stays the caller's and outlives it. `proc` NULL: "/proc". */
int prefetch__new(struct prefetch **out, struct objects *objects, const char *proc);
void prefetch__free(struct prefetch *prefetch);

/* Looks again after 50 ms, after twice as long the next time, and so on up to 10 s: programs load
 * their libraries at their beginning. */
void prefetch__process(struct prefetch *prefetch, uint32_t pid, uint64_t start_ns, uint64_t now_ns);

size_t prefetch__bytes(const struct prefetch *prefetch);
