/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stdint.h>

/* Where `chain` stands. */
struct chain_place {
	uint32_t tid; /* as it sees it itself */
	uint32_t reserved;
	uint64_t code; /* made at run time; 0: none */
};
