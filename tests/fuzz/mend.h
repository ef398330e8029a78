/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * Mutations rarely keep lengths and references intact, and an event of impossible size ends the
 * stream: puts the events at `data` right, so that what lies behind them is looked at, too. Some
 * promises stay broken, by `seed`. Returns how many bytes are events.
 */
size_t mend_events(uint8_t *data, size_t size, unsigned int seed);
