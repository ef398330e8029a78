/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "maps/perf_record.h"

/* Puts what the rings of all processors tell in the order of its times. Within one ring it nearly
 * is. */
struct map_order;

#define MAP_ORDER_MAX 65536 /* events; what comes beyond is refused */

typedef int (*map_sink)(void *context, const struct map_event *event);

int map_order__new(struct map_order **out);
void map_order__free(struct map_order *order);

/* Copies the event. -ENOSPC, -ENOMEM. */
int map_order__push(struct map_order *order, const struct map_event *event);

/* Passes on everything up to and including `until_ns`. A negative return of the sink ends it. */
int map_order__release(struct map_order *order, uint64_t until_ns, map_sink sink, void *context);

/* Goes through what waits, oldest first; negative likewise. */
int map_order__peek(struct map_order *order, map_sink sink, void *context);

uint64_t map_order__late(const struct map_order *order); /* came after a younger one was gone */
size_t map_order__waiting(const struct map_order *order);
