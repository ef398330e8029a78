/* SPDX-License-Identifier: GPL-2.0-only */
#include "unwind/expression.h"

#include <dwarf.h>

#include "unwind/cursor.h"

#define STEPS_MAX  256
#define VALUES_MAX 64

struct evaluation {
	const struct unwind_state *state;
	struct stack_reader *memory;
	struct cursor cursor;
	size_t begin; /* of the expression; branches stay behind it */
	bool bad;
	unsigned int count;
	uint64_t values[VALUES_MAX];
};

static void push(struct evaluation *evaluation, uint64_t value)
{
	if (evaluation->count == VALUES_MAX)
		evaluation->bad = true;
	else
		evaluation->values[evaluation->count++] = value;
}

static uint64_t pop(struct evaluation *evaluation)
{
	if (evaluation->count > 0)
		return evaluation->values[--evaluation->count];
	evaluation->bad = true;
	return 0;
}

/* The value `depth` below the top. */
static void pick(struct evaluation *evaluation, uint64_t depth)
{
	if (depth >= evaluation->count)
		evaluation->bad = true;
	else
		push(evaluation, evaluation->values[evaluation->count - 1 - depth]);
}

static void push_register(struct evaluation *evaluation, uint64_t number, int64_t offset)
{
	const struct unwind_state *state = evaluation->state;

	if (number >= UNWIND_REGISTERS || !(state->known >> number & 1))
		evaluation->bad = true;
	else
		push(evaluation, state->registers[number] + (uint64_t)offset);
}

static void dereference(struct evaluation *evaluation, uint64_t bytes)
{
	uint64_t address = pop(evaluation), value = 0;

	if (bytes == 0 || bytes > sizeof(value) ||
	    !stack_reader__read(evaluation->memory, address, (unsigned int)bytes, &value))
		evaluation->bad = true;
	else
		push(evaluation, value);
}

static void branch(struct evaluation *evaluation, bool taken)
{
	struct cursor *cursor = &evaluation->cursor;
	int64_t to = cursor__signed(cursor, 2);

	to += (int64_t)cursor->at;
	if (!taken)
		return;
	if (to < (int64_t)evaluation->begin || to > (int64_t)cursor->end)
		evaluation->bad = true;
	else
		cursor->at = (size_t)to;
}

static bool push_constant(struct evaluation *evaluation, uint8_t code)
{
	struct cursor *cursor = &evaluation->cursor;

	switch (code) {
	case DW_OP_lit0 ... DW_OP_lit31:
		push(evaluation, code - DW_OP_lit0);
		return true;
	case DW_OP_const1u:
		push(evaluation, cursor__unsigned(cursor, 1));
		return true;
	case DW_OP_const1s:
		push(evaluation, (uint64_t)cursor__signed(cursor, 1));
		return true;
	case DW_OP_const2u:
		push(evaluation, cursor__unsigned(cursor, 2));
		return true;
	case DW_OP_const2s:
		push(evaluation, (uint64_t)cursor__signed(cursor, 2));
		return true;
	case DW_OP_const4u:
		push(evaluation, cursor__unsigned(cursor, 4));
		return true;
	case DW_OP_const4s:
		push(evaluation, (uint64_t)cursor__signed(cursor, 4));
		return true;
	case DW_OP_const8u:
	case DW_OP_const8s:
		push(evaluation, cursor__unsigned(cursor, 8));
		return true;
	case DW_OP_constu:
		push(evaluation, cursor__uleb(cursor));
		return true;
	case DW_OP_consts:
		push(evaluation, (uint64_t)cursor__sleb(cursor));
		return true;
	default:
		return false;
	}
}

static bool compute_two(struct evaluation *evaluation, uint8_t code)
{
	uint64_t b, a, result;

	if (code < DW_OP_and || code > DW_OP_ne || code == DW_OP_neg || code == DW_OP_not ||
	    code == DW_OP_plus_uconst || code == DW_OP_bra)
		return false;
	b = pop(evaluation);
	a = pop(evaluation);
	switch (code) {
	case DW_OP_and:
		result = a & b;
		break;
	case DW_OP_or:
		result = a | b;
		break;
	case DW_OP_xor:
		result = a ^ b;
		break;
	case DW_OP_plus:
		result = a + b;
		break;
	case DW_OP_minus:
		result = a - b;
		break;
	case DW_OP_mul:
		result = a * b;
		break;
	case DW_OP_shl:
		result = b < 64 ? a << b : 0;
		break;
	case DW_OP_shr:
		result = b < 64 ? a >> b : 0;
		break;
	case DW_OP_shra:
		result = (uint64_t)((int64_t)a >> (b < 64 ? b : 63));
		break;
	case DW_OP_eq:
		result = a == b;
		break;
	case DW_OP_ne:
		result = a != b;
		break;
	case DW_OP_ge:
		result = (int64_t)a >= (int64_t)b;
		break;
	case DW_OP_gt:
		result = (int64_t)a > (int64_t)b;
		break;
	case DW_OP_le:
		result = (int64_t)a <= (int64_t)b;
		break;
	case DW_OP_lt:
		result = (int64_t)a < (int64_t)b;
		break;
	default: /* divisions: nobody writes them into frame information */
		evaluation->bad = true;
		return true;
	}
	push(evaluation, result);
	return true;
}

static bool rearrange(struct evaluation *evaluation, uint8_t code)
{
	uint64_t a, b, c;

	switch (code) {
	case DW_OP_dup:
		pick(evaluation, 0);
		return true;
	case DW_OP_over:
		pick(evaluation, 1);
		return true;
	case DW_OP_pick:
		pick(evaluation, cursor__unsigned(&evaluation->cursor, 1));
		return true;
	case DW_OP_drop:
		pop(evaluation);
		return true;
	case DW_OP_swap:
		a = pop(evaluation);
		b = pop(evaluation);
		push(evaluation, a);
		push(evaluation, b);
		return true;
	case DW_OP_rot:
		a = pop(evaluation);
		b = pop(evaluation);
		c = pop(evaluation);
		push(evaluation, a);
		push(evaluation, c);
		push(evaluation, b);
		return true;
	default:
		return false;
	}
}

static void step(struct evaluation *evaluation)
{
	struct cursor *cursor = &evaluation->cursor;
	uint8_t code = (uint8_t)cursor__unsigned(cursor, 1);
	uint64_t number;

	if (push_constant(evaluation, code) || compute_two(evaluation, code) ||
	    rearrange(evaluation, code))
		return;
	switch (code) {
	case DW_OP_breg0 ... DW_OP_breg31:
		push_register(evaluation, code - DW_OP_breg0, cursor__sleb(cursor));
		break;
	case DW_OP_bregx:
		number = cursor__uleb(cursor);
		push_register(evaluation, number, cursor__sleb(cursor));
		break;
	case DW_OP_deref:
		dereference(evaluation, 8);
		break;
	case DW_OP_deref_size:
		dereference(evaluation, cursor__unsigned(cursor, 1));
		break;
	case DW_OP_plus_uconst:
		push(evaluation, pop(evaluation) + cursor__uleb(cursor));
		break;
	case DW_OP_neg:
		push(evaluation, -pop(evaluation));
		break;
	case DW_OP_not:
		push(evaluation, ~pop(evaluation));
		break;
	case DW_OP_skip:
		branch(evaluation, true);
		break;
	case DW_OP_bra:
		branch(evaluation, pop(evaluation) != 0);
		break;
	case DW_OP_nop:
		break;
	default:
		evaluation->bad = true;
	}
}

bool expression__evaluate(const struct unwind_rule *rule, int32_t place,
			  const struct unwind_state *state, struct stack_reader *memory,
			  const uint64_t *cfa, uint64_t *value)
{
	struct evaluation evaluation = {
		.state = state,
		.memory = memory,
		.cursor =
			{
				.data = rule->section,
				.at = (size_t)place,
				.end = rule->section_bytes,
			},
	};
	struct cursor *cursor = &evaluation.cursor;
	uint64_t bytes;

	if (place < 0 || (uint32_t)place >= rule->section_bytes)
		return false;
	bytes = cursor__uleb(cursor);
	if (!cursor__has(cursor, bytes))
		return false;
	evaluation.begin = cursor->at;
	cursor->end = cursor->at + bytes;
	if (cfa)
		push(&evaluation, *cfa);
	for (unsigned int steps = 0; cursor__left(cursor) > 0; steps++) {
		if (steps == STEPS_MAX || evaluation.bad)
			return false;
		step(&evaluation);
	}
	*value = pop(&evaluation);
	return !evaluation.bad && !cursor->bad;
}
