/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * Puts the records of a perf ring right after a mutation, behind the two numbers that they begin
 * with: sizes, ends of paths, a few pids from 1 on, times and addresses that meet.
 */
void mend_records(uint8_t *data, size_t size, uint32_t pids, unsigned int seed);
