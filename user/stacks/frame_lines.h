/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include "stacks/modules.h"
#include "stacks/sink.h"

/*
 * Source lines of frames whose stacks have grown much: looked for while there is nothing else to
 * do, because the program may be gone later; where they are in files of the host's own, not before
 * FRAME_LINES_LATER_NS, because a program's beginning is dear enough. A child reads a file's debug
 * information (symbols/lines.h) for the heaviest frames of one module at a time, nobody waits for
 * it, and it runs at most FRAME_LINES_SHARE of the time. What has no debug information, or could
 * not be read in time, is not looked at again.
 */
struct frame_lines;

#define FRAME_LINES_MAX       32768
#define FRAME_LINES_MIN_BYTES (1ULL << 20)  /* of growth through a frame, before the end */
#define FRAME_LINES_SHARE     10            /* one part in so many */
#define FRAME_LINES_BURST_NS  2000000000ULL /* of it, when nothing was looked for before */
#define FRAME_LINES_CHILD_NS  5000000000ULL
#define FRAME_LINES_LATER_NS  10000000000ULL

/* `modules` stays the caller's and outlives it. */
int frame_lines__new(struct frame_lines **out, struct modules *modules,
		     const struct stack_sink *sink);
void frame_lines__free(struct frame_lines *lines);

/* Growth of a process by a stack that the frame, told as `id`, is on. Tells its line, if that is
 * known and was not told under this number. 0, or what the sink said. */
int frame_lines__grew(struct frame_lines *lines, const struct module *module, uint64_t address,
		      uint32_t id, uint32_t pid, uint64_t bytes);

/* What this process grew by is looked for before all else, at once: its incident does not wait. */
void frame_lines__hurry(struct frame_lines *lines, uint32_t pid);

int frame_lines__fd(const struct frame_lines *lines); /* readable: a turn has work; -1: none */

/* 0, or what the sink said. */
int frame_lines__turn(struct frame_lines *lines, uint64_t now_ns);

/* All frames that are left, the heaviest first, for at most so long. */
int frame_lines__finish(struct frame_lines *lines, uint64_t budget_ns);

size_t frame_lines__bytes(const struct frame_lines *lines); /* of heap */
