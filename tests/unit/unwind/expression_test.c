/* SPDX-License-Identifier: GPL-2.0-only */

/* DWARF expressions: every operation, and what somebody hostile would write. */

#include "tests/unit/unwind/made_stack.h"

#include <dwarf.h>

#include "unwind/expression.h"

static bool evaluate(const uint8_t *operations, size_t bytes, const uint64_t *cfa, uint64_t *value)
{
	struct unwind_state state = state_of(EM_X86_64);
	struct unwind_stack stack = stack_of_words(false);
	struct stack_reader memory = {.stack = &stack};
	struct unwind_rule rule = {.section_bytes = (uint32_t)bytes + 1};
	/* Exactly as many bytes as there are, so that a sanitizer sees one more. */
	uint8_t *section = malloc(bytes + 1);
	bool good;

	section[0] = (uint8_t)bytes;
	memcpy(section + 1, operations, bytes);
	rule.section = section;
	good = expression__evaluate(&rule, 0, &state, &memory, cfa, value);
	free(section);
	return good;
}

#define EVALUATE(...)                                                                   \
	({                                                                              \
		const uint8_t operations_[] = {__VA_ARGS__};                            \
		const uint64_t cfa_ = 1000;                                             \
		assert_true(evaluate(operations_, sizeof(operations_), &cfa_, &value)); \
		value;                                                                  \
	})

#define REFUSED(...)                                                                    \
	do {                                                                            \
		const uint8_t operations_[] = {__VA_ARGS__};                            \
		assert_false(evaluate(operations_, sizeof(operations_), NULL, &value)); \
	} while (0)

static void test_expressions(void **state)
{
	uint64_t value;

	(void)state;
	assert_int_equal(EVALUATE(DW_OP_nop), 1000);
	assert_int_equal(EVALUATE(DW_OP_lit31), 31);
	assert_int_equal(EVALUATE(DW_OP_plus_uconst, 0x80, 1), 1128);
	assert_int_equal(EVALUATE(DW_OP_const1u, 255), 255);
	assert_int_equal(EVALUATE(DW_OP_const1s, 255), UINT64_MAX);
	assert_int_equal(EVALUATE(DW_OP_const2u, 1, 2), 0x201);
	assert_int_equal(EVALUATE(DW_OP_const2s, 0, 0x80), (uint64_t)-32768);
	assert_int_equal(EVALUATE(DW_OP_const4u, 0, 0, 0, 0x80), 0x80000000);
	assert_int_equal(EVALUATE(DW_OP_const4s, 0, 0, 0, 0x80), 0xffffffff80000000);
	assert_int_equal(EVALUATE(DW_OP_const8u, 1, 0, 0, 0, 0, 0, 0, 1), 0x100000000000001);
	assert_int_equal(EVALUATE(DW_OP_constu, 0xff, 1), 255);
	assert_int_equal(EVALUATE(DW_OP_consts, 0x7f), UINT64_MAX);
	assert_int_equal(EVALUATE(DW_OP_lit1, DW_OP_dup, DW_OP_plus), 2);
	assert_int_equal(EVALUATE(DW_OP_lit1, DW_OP_lit2, DW_OP_over), 1);
	assert_int_equal(EVALUATE(DW_OP_lit1, DW_OP_lit2, DW_OP_pick, 2), 1000);
	assert_int_equal(EVALUATE(DW_OP_lit1, DW_OP_drop), 1000);
	assert_int_equal(EVALUATE(DW_OP_lit5, DW_OP_lit3, DW_OP_minus), 2);
	assert_int_equal(EVALUATE(DW_OP_lit5, DW_OP_lit3, DW_OP_swap, DW_OP_minus), (uint64_t)-2);
	/* a b c becomes c a b. */
	assert_int_equal(EVALUATE(DW_OP_lit1, DW_OP_lit2, DW_OP_lit3, DW_OP_rot), 2);
	assert_int_equal(EVALUATE(DW_OP_lit1, DW_OP_lit2, DW_OP_lit3, DW_OP_rot, DW_OP_drop), 1);
	assert_int_equal(EVALUATE(DW_OP_lit6, DW_OP_lit3, DW_OP_and), 2);
	assert_int_equal(EVALUATE(DW_OP_lit6, DW_OP_lit3, DW_OP_or), 7);
	assert_int_equal(EVALUATE(DW_OP_lit6, DW_OP_lit3, DW_OP_xor), 5);
	assert_int_equal(EVALUATE(DW_OP_lit6, DW_OP_lit3, DW_OP_mul), 18);
	assert_int_equal(EVALUATE(DW_OP_lit6, DW_OP_lit3, DW_OP_shl), 48);
	assert_int_equal(EVALUATE(DW_OP_lit6, DW_OP_const1u, 64, DW_OP_shl), 0);
	assert_int_equal(EVALUATE(DW_OP_lit6, DW_OP_lit1, DW_OP_shr), 3);
	assert_int_equal(EVALUATE(DW_OP_const1s, 0xf0, DW_OP_const1u, 200, DW_OP_shra), UINT64_MAX);
	assert_int_equal(EVALUATE(DW_OP_lit6, DW_OP_neg), (uint64_t)-6);
	assert_int_equal(EVALUATE(DW_OP_lit6, DW_OP_not), ~6ULL);
	assert_int_equal(EVALUATE(DW_OP_const1s, 0xff, DW_OP_lit1, DW_OP_lt), 1);
	assert_int_equal(EVALUATE(DW_OP_const1s, 0xff, DW_OP_lit1, DW_OP_ge), 0);
	assert_int_equal(EVALUATE(DW_OP_lit1, DW_OP_lit1, DW_OP_le), 1);
	assert_int_equal(EVALUATE(DW_OP_lit1, DW_OP_lit1, DW_OP_gt), 0);
	assert_int_equal(EVALUATE(DW_OP_lit1, DW_OP_lit1, DW_OP_eq), 1);
	assert_int_equal(EVALUATE(DW_OP_lit1, DW_OP_lit1, DW_OP_ne), 0);
	assert_int_equal(EVALUATE(DW_OP_breg7, 8), STACK_AT + 8);
	assert_int_equal(EVALUATE(DW_OP_bregx, 7, 0x78), STACK_AT - 8);
	assert_int_equal(EVALUATE(DW_OP_breg7, 8, DW_OP_deref), words[1]);
	assert_int_equal(EVALUATE(DW_OP_breg7, 8, DW_OP_deref_size, 1), words[1] & 0xff);
	assert_int_equal(EVALUATE(DW_OP_lit1, DW_OP_skip, 1, 0, DW_OP_lit2), 1);
	assert_int_equal(EVALUATE(DW_OP_lit3, DW_OP_lit1, DW_OP_bra, 1, 0, DW_OP_lit2), 3);
	assert_int_equal(EVALUATE(DW_OP_lit3, DW_OP_lit0, DW_OP_bra, 1, 0, DW_OP_lit2), 2);
}

static void test_expressions_that_are_refused(void **state)
{
	uint8_t many[65];
	uint64_t value;

	(void)state;
	REFUSED(DW_OP_nop);                           /* no value */
	REFUSED(DW_OP_plus);                          /* of nothing */
	REFUSED(DW_OP_lit0, DW_OP_pick, 1);           /* of less */
	REFUSED(DW_OP_lit0, DW_OP_deref);             /* memory outside the copy */
	REFUSED(DW_OP_breg7, 0x7f, DW_OP_deref);      /* one byte before it */
	REFUSED(DW_OP_breg7, 0, DW_OP_deref_size, 9); /* wider than a value */
	REFUSED(DW_OP_breg16, 0);                     /* a register nobody knows */
	REFUSED(DW_OP_bregx, 0x80, 0x80, 4, 0);       /* or has */
	REFUSED(DW_OP_const8u, 1, 2, 3);              /* cut */
	REFUSED(DW_OP_lit0, DW_OP_skip, 0xfd, 0xff);  /* endless */
	REFUSED(DW_OP_lit0, DW_OP_skip, 0xf0, 0xff);  /* to before it */
	REFUSED(DW_OP_lit0, DW_OP_skip, 1, 0);        /* to behind it */
	REFUSED(DW_OP_lit1, DW_OP_lit0, DW_OP_div);   /* a division */
	REFUSED(DW_OP_addr, 0, 0, 0, 0, 0, 0, 0, 0);
	REFUSED(DW_OP_call_frame_cfa);
	memset(many, DW_OP_lit0, sizeof(many));
	assert_true(evaluate(many, 64, NULL, &value));
	assert_false(evaluate(many, 65, NULL, &value));
}

/* Counts down from a number, four steps each. */
#define COUNT_DOWN(from) \
	DW_OP_const1u, (from), DW_OP_lit1, DW_OP_minus, DW_OP_dup, DW_OP_bra, 0xfa, 0xff

static void test_steps_are_bounded(void **state)
{
	uint64_t value;

	(void)state;
	assert_int_equal(EVALUATE(COUNT_DOWN(63)), 0);
	REFUSED(COUNT_DOWN(64));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_expressions, fill),
		cmocka_unit_test_setup(test_expressions_that_are_refused, fill),
		cmocka_unit_test_setup(test_steps_are_bounded, fill),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
