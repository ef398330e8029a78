/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stdint.h>

/* Longer names are cut: they were written by somebody else. */
#define SYMBOL_NAME_MAX_BYTES 4096

/* A function. */
struct symbol {
	const char *name; /* as stored, not demangled; as long as what it was found in */
	uint64_t start;
	uint64_t bytes;
};
