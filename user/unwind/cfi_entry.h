/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "elf/object.h"
#include "unwind/cursor.h"

/* The records of .eh_frame and .debug_frame. */

struct frame_section {
	struct object_section section; /* without data: no bytes either */
	bool debug;                    /* .debug_frame, which is a little different */
};

/* A function's entry (FDE) with what it takes from the common one (CIE). Programs are offsets in
 * the section. */
struct frame_entry {
	uint64_t start;
	uint64_t end;
	uint64_t code_factor;
	int64_t data_factor;
	uint64_t return_register;
	bool signal;
	uint8_t encoding; /* of addresses: DW_EH_PE_* */
	uint32_t initial, initial_end;
	uint32_t program, program_end;
};

enum entry_kind {
	ENTRY_FUNCTION,
	ENTRY_COMMON,
	ENTRY_DAMAGED, /* or of a form unknown here */
};

/* The record at that offset; *next is the following one's, 0 when that cannot be said. */
enum entry_kind frame_entry__read(const struct frame_section *from, size_t at, size_t *next,
				  struct frame_entry *out);

/* Reads an address in the encoding given; its place in the section makes relative ones absolute. */
bool frame_entry__address(const struct frame_section *from, struct cursor *cursor, uint8_t encoding,
			  uint64_t *out);
