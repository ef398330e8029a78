/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stdint.h>
#include <sys/types.h>

/*
 * What a child process is left with that runs a library on a hostile file: the memory and the open
 * files that it has, and `memory_bytes` more. It opens nothing, signals nobody, has no
 * capabilities, leaves no core, ends with `parent`, and is the first that the kernel kills when
 * memory runs out. For good. Where the kernel or a sanitizer does not allow one of these, the
 * others hold.
 */
void confine(pid_t parent, uint64_t memory_bytes);
