/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "unwind/unwind.h"

/* What call frame information says at one address, compact: how to get the canonical frame address
 * (the stack pointer before the call) and from there the registers of the caller. */

#define X86_64_RBP            6
#define X86_64_RSP            7
#define X86_64_RETURN_ADDRESS 16
#define X86_64_REGISTERS      17
#define AARCH64_X29           29
#define AARCH64_X30           30
#define AARCH64_SP            31
#define AARCH64_PC            32
#define AARCH64_REGISTERS     33

enum rule_kind {
	RULE_UNSPECIFIED, /* what the calling convention preserves is the same, the rest is lost */
	RULE_UNDEFINED,
	RULE_SAME,
	RULE_AT_CFA,        /* stored at CFA + value */
	RULE_CFA_PLUS,      /* is CFA + value */
	RULE_REGISTER,      /* in register `value` */
	RULE_AT_EXPRESSION, /* stored where the expression at `value` says */
	RULE_EXPRESSION,    /* is what the expression at `value` says */
};

struct register_rule {
	uint8_t number;
	uint8_t kind;
	int32_t value;
};

struct unwind_rule {
	/* The section that expressions lie in; their offsets are those of their length. */
	const uint8_t *section;
	uint32_t section_bytes;
	bool signal;            /* the caller was interrupted here, it did not call */
	bool cfa_is_expression; /* at cfa_value */
	uint8_t cfa_register;
	uint8_t return_register;
	int32_t cfa_value; /* CFA = cfa_register + cfa_value */
	uint8_t count;     /* of what is not RULE_UNSPECIFIED */
	struct register_rule registers[UNWIND_REGISTERS];
};

/* How many registers count, by machine. */
static inline unsigned int machine__registers(bool aarch64)
{
	return aarch64 ? AARCH64_REGISTERS : X86_64_REGISTERS;
}
