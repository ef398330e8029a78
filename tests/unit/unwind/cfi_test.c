/* SPDX-License-Identifier: GPL-2.0-only */

/* Programs of frame information: every instruction, and those that somebody hostile wrote: damaged,
 * endless, of absurd sizes. They cost bounded time and memory. */

#include "tests/unit/unwind/made.h"

#include <dwarf.h>
#include <time.h>

#define PC (MADE_START + 0x100)

static const struct unwind_rule *rule_of(struct cfi *cfi)
{
	return cfi__rule(cfi, PC);
}

static const struct register_rule *rule_register(const struct unwind_rule *rule,
						 unsigned int number)
{
	for (unsigned int i = 0; i < rule->count; i++) {
		if (rule->registers[i].number == number)
			return &rule->registers[i];
	}
	return NULL;
}

static void assert_register(const struct unwind_rule *rule, unsigned int number,
			    enum rule_kind kind, int value)
{
	const struct register_rule *found = rule_register(rule, number);

	assert_non_null(found);
	assert_int_equal(found->kind, kind);
	assert_int_equal(found->value, value);
}

/* --- every instruction ------------------------------------------------------------------------ */

static void test_instructions(void **state)
{
	static const uint8_t program[] = {
		DW_CFA_advance_loc | 1,
		DW_CFA_def_cfa_offset,
		16,
		DW_CFA_offset | 6,
		2,
		DW_CFA_advance_loc1,
		3,
		DW_CFA_def_cfa_register,
		6,
		DW_CFA_advance_loc2,
		4,
		0,
		DW_CFA_remember_state,
		DW_CFA_def_cfa_sf,
		3,
		0x7e, /* -2 * -8 */
		DW_CFA_undefined,
		12,
		DW_CFA_same_value,
		13,
		DW_CFA_register,
		14,
		15,
		DW_CFA_offset_extended,
		15,
		4,
		DW_CFA_offset_extended_sf,
		3,
		0x7d, /* -3 * -8 */
		DW_CFA_val_offset,
		0,
		1,
		DW_CFA_val_offset_sf,
		1,
		0x7f,
		DW_CFA_GNU_negative_offset_extended,
		2,
		2,
		DW_CFA_GNU_args_size,
		32,
		DW_CFA_expression,
		4,
		1,
		DW_OP_lit0,
		DW_CFA_val_expression,
		5,
		1,
		DW_OP_lit0,
		DW_CFA_offset_extended,
		17,
		9, /* a vector register */
		DW_CFA_nop,
		DW_CFA_advance_loc4,
		8,
		0,
		0,
		0,
		DW_CFA_restore_state,
		DW_CFA_advance_loc | 1,
		DW_CFA_restore | 6,
		DW_CFA_restore_extended,
		16,
		DW_CFA_def_cfa,
		7,
		24,
		DW_CFA_advance_loc | 1,
		DW_CFA_def_cfa_offset_sf,
		0x7c, /* -4 * -8 */
		DW_CFA_advance_loc | 1,
		DW_CFA_def_cfa_expression,
		2,
		DW_OP_breg7,
		8,
	};
	struct cfi *cfi = made__cfi("zR", program, sizeof(program));
	const struct unwind_rule *rule = cfi__rule(cfi, MADE_START);

	(void)state;
	assert_int_equal(rule->cfa_register, 7);
	assert_int_equal(rule->cfa_value, 8);
	assert_int_equal(rule->return_register, 16);
	assert_int_equal(rule->count, 1);
	assert_register(rule, 16, RULE_AT_CFA, -8);
	rule = cfi__rule(cfi, MADE_START + 1);
	assert_int_equal(rule->cfa_value, 16);
	assert_register(rule, 6, RULE_AT_CFA, -16);
	rule = cfi__rule(cfi, MADE_START + 4);
	assert_int_equal(rule->cfa_register, 6);
	assert_int_equal(rule->cfa_value, 16);
	rule = cfi__rule(cfi, MADE_START + 8);
	assert_int_equal(rule->cfa_register, 3);
	assert_int_equal(rule->cfa_value, 16);
	assert_register(rule, 12, RULE_UNDEFINED, 0);
	assert_register(rule, 13, RULE_SAME, 0);
	assert_register(rule, 14, RULE_REGISTER, 15);
	assert_register(rule, 15, RULE_AT_CFA, -32);
	assert_register(rule, 3, RULE_AT_CFA, 24);
	assert_register(rule, 0, RULE_CFA_PLUS, -8);
	assert_register(rule, 1, RULE_CFA_PLUS, 8);
	assert_register(rule, 2, RULE_AT_CFA, 16);
	assert_int_equal(rule_register(rule, 4)->kind, RULE_AT_EXPRESSION);
	assert_int_equal(rule_register(rule, 5)->kind, RULE_EXPRESSION);
	assert_null(rule_register(rule, 17));
	rule = cfi__rule(cfi, MADE_START + 16);
	assert_int_equal(rule->cfa_register, 6);
	assert_int_equal(rule->count, 2);
	rule = cfi__rule(cfi, MADE_START + 17);
	assert_int_equal(rule->count, 1);
	assert_register(rule, 16, RULE_AT_CFA, -8);
	assert_int_equal(rule->cfa_value, 24);
	assert_int_equal(cfi__rule(cfi, MADE_START + 18)->cfa_value, 32);
	assert_true(cfi__rule(cfi, MADE_END - 1)->cfa_is_expression);
	assert_null(cfi__rule(cfi, MADE_END));
	assert_null(cfi__rule(cfi, MADE_START - 1));
	cfi__free(cfi);
}

/* --- programs that are refused ---------------------------------------------------------------- */

static void assert_no_rule(const void *program, size_t bytes)
{
	struct cfi *cfi = made__cfi("zR", program, bytes);

	assert_null(rule_of(cfi));
	/* And again, from what is remembered. */
	assert_null(rule_of(cfi));
	cfi__free(cfi);
}

#define ASSERT_NO_RULE(...)                                 \
	do {                                                \
		const uint8_t program_[] = {__VA_ARGS__};   \
		assert_no_rule(program_, sizeof(program_)); \
	} while (0)

static void test_damaged_programs_are_no_rules(void **state)
{
	(void)state;
	ASSERT_NO_RULE(DW_CFA_restore_state);
	ASSERT_NO_RULE(DW_CFA_def_cfa, 17, 8);
	ASSERT_NO_RULE(DW_CFA_def_cfa_register, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		       0xff, 1);
	ASSERT_NO_RULE(DW_CFA_def_cfa_offset, 0x80, 0x80, 0x80, 0x80, 0x10);
	ASSERT_NO_RULE(DW_CFA_offset | 6, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f);
	ASSERT_NO_RULE(DW_CFA_offset | 6);
	ASSERT_NO_RULE(DW_CFA_offset | 6, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80,
		       0x80, 0);
	ASSERT_NO_RULE(DW_CFA_expression, 6, 0x70, DW_OP_lit0);
	ASSERT_NO_RULE(DW_CFA_def_cfa_expression, 0xff, 0xff, 0xff, 0xff, 0x0f);
	ASSERT_NO_RULE(DW_CFA_def_cfa_expression, 1, DW_OP_lit0, DW_CFA_def_cfa_offset, 8);
	ASSERT_NO_RULE(DW_CFA_set_loc, 0, 0, 0, 0, 0, 0, 0, 0); /* backwards */
	ASSERT_NO_RULE(0x3f);
	ASSERT_NO_RULE(DW_CFA_AARCH64_negate_ra_state); /* on x86-64 */
}

static void test_states_are_bounded(void **state)
{
	uint8_t program[17];

	(void)state;
	memset(program, DW_CFA_remember_state, sizeof(program));
	assert_no_rule(program, 17);
	struct cfi *cfi = made__cfi("zR", program, 16);

	assert_non_null(rule_of(cfi));
	cfi__free(cfi);
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* Three million instructions that do nothing, at a thousand addresses: each stops at its bound. */
static void test_an_endless_program_ends(void **state)
{
	size_t bytes = 3 << 20;
	uint8_t *program = calloc(1, bytes);
	struct cfi *cfi = made__cfi("zR", program, bytes);
	uint64_t begin = now_ns();

	(void)state;
	for (uint64_t i = 0; i < 1000; i++)
		assert_null(cfi__rule(cfi, MADE_START + i));
	/* 65,536 each: well below a second plain; whole, it would be 3 * 10^9. */
	assert_true(now_ns() - begin < 20 * 1000000000ULL);
	cfi__free(cfi);
	free(program);
}

/* One instruction that names register 67,108,864. */
static void test_a_large_register_takes_no_memory(void **state)
{
	static const uint8_t program[] = {DW_CFA_undefined,
					  0x80,
					  0x80,
					  0x80,
					  0x20,
					  DW_CFA_offset_extended,
					  0x80,
					  0x80,
					  0x80,
					  0x20,
					  1};
	struct cfi *cfi = made__cfi("zR", program, sizeof(program));

	(void)state;
	assert_non_null(rule_of(cfi));
	assert_int_equal(rule_of(cfi)->count, 1);
	assert_true(cfi__bytes(cfi) < 64 * 1024);
	cfi__free(cfi);
}

/* Many addresses: the rules kept are bounded, and every answer stays right. */
static void test_rules_kept_are_bounded(void **state)
{
	struct cfi *cfi = made__cfi("zR", (const uint8_t[]){DW_CFA_nop}, 1);

	(void)state;
	for (unsigned int round = 0; round < 3; round++) {
		for (uint64_t pc = MADE_START - 1000; pc < MADE_END + 1000; pc++) {
			const struct unwind_rule *rule = cfi__rule(cfi, pc);

			assert_int_equal(rule != NULL, pc >= MADE_START && pc < MADE_END);
			assert_true(!rule || rule->cfa_value == 8);
		}
	}
	assert_true(cfi__bytes(cfi) > 100 * 1024);
	assert_true(cfi__bytes(cfi) < CFI_RULES_MAX * 320 + 64 * 1024);
	cfi__free(cfi);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_instructions),
		cmocka_unit_test(test_damaged_programs_are_no_rules),
		cmocka_unit_test(test_states_are_bounded),
		cmocka_unit_test(test_an_endless_program_ends),
		cmocka_unit_test(test_a_large_register_takes_no_memory),
		cmocka_unit_test(test_rules_kept_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
