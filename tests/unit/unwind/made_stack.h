/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/* A stack of numbers, and the registers of a thread on it. */

#include "tests/unit/unwind/made.h"

#include "unwind/unwind.h"

#define STACK_AT    0x7fff0000ULL
#define STACK_WORDS 64

static uint64_t words[STACK_WORDS];

static struct unwind_stack stack_of_words(bool cut)
{
	return (struct unwind_stack){
		.from = STACK_AT,
		.bytes = (uint8_t *)words,
		.size = sizeof(words),
		.cut = cut,
	};
}

/* sp is the start of the stack, register 2 an address of code, others are inside the stack. */
static struct unwind_state state_of(int machine)
{
	struct unwind_state state = {.machine = machine, .pc = MADE_START + 0x100};

	state.known = machine == EM_AARCH64 ? 0xffffffff : 0xffff;
	for (unsigned int i = 0; i < UNWIND_REGISTERS; i++)
		state.registers[i] = STACK_AT + 64;
	state.registers[2] = MADE_START + 0x300;
	state.registers[machine == EM_AARCH64 ? 31 : 7] = STACK_AT;
	return state;
}

/* The group's setup. */
static int fill(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < STACK_WORDS; i++)
		words[i] = MADE_START + 0x200 + i;
	return 0;
}
