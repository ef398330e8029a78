/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "symbols/symbol.h"

/*
 * What a process says about the code it made itself: /tmp/perf-PID.map, lines of "start size name"
 * in hexadecimal. The process appends to it; where entries overlap, the last one holds. Anybody may
 * have written it.
 */
struct jit_map;

#define JIT_MAP_MAX_BYTES   (64ULL << 20) /* of the file, that are read */
#define JIT_MAP_MAX_ENTRIES (1U << 20)

int jit_map__new(struct jit_map **out); /* empty; 0 or -ENOMEM */

/*
 * Reads what was appended since the last time; everything, where it is another file by now or a
 * shorter one. `root`: the process's (safe_open__root()), `pid`: what the process itself takes for
 * its pid, `owner`: whose file it has to be, `oldest_ns`: when it was written to last
 * (CLOCK_REALTIME; 0: at any time): before that, another process had this pid. An unfinished last
 * line waits for its end. 0, or -errno of safe_open(); -ENOENT: no such file; -ESTALE: an older
 * one. Whatever was read before stays.
 */
int jit_map__update(struct jit_map *map, int root, uint32_t pid, uid_t owner, int64_t oldest_ns);

/* The same from an open regular file. */
int jit_map__read(struct jit_map *map, int fd);

bool jit_map__find(const struct jit_map *map, uint64_t address, struct symbol *out);

uint64_t jit_map__entries(const struct jit_map *map); /* taken so far */
uint64_t jit_map__skipped(const struct jit_map *map); /* lines that are no entry */
/* Was the file, or the number of functions, beyond the bounds above? What came later is missing,
 * and where it replaced something, that is out of date. */
bool jit_map__cut(const struct jit_map *map);
size_t jit_map__bytes(const struct jit_map *map); /* of heap */

void jit_map__free(struct jit_map *map);
