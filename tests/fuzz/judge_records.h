/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Whose samples come while perf's records wait: of pids from 1 on, which `proc` says something of
 * or nothing. */
struct samples {
	const char *proc;
	uint32_t pids;
	const uint64_t *addresses;
	size_t count;
};

/*
 * What perf's ring and looks into /proc make of address spaces, as in the process that names
 * stacks. Aborts where a promise is broken: mappings lie in order and not one over another, an
 * address is found in what lies around it, what is held has been counted.
 */
void judge_records(const uint8_t *records, size_t bytes, const struct samples *samples);
