/* SPDX-License-Identifier: GPL-2.0-only */

/* Walks that never reach anything, and expressions: rules made by somebody hostile. */

#include "tests/unit/unwind/made.h"

#include <dwarf.h>

#include "unwind/expression.h"
#include "unwind/unwind.h"

#define STACK_AT    0x7fff0000ULL
#define STACK_WORDS 64
#define FRAMES_MAX  50

static uint64_t words[STACK_WORDS];
static struct unwind_frame frames[FRAMES_MAX];
static size_t frame_count;

/* unwind_find: addresses are link-time addresses, all of them mapped. */
static bool find(void *context, uint64_t pc, struct unwind_place *out)
{
	*out = (struct unwind_place){.cfi = context, .vaddr = pc};
	return true;
}

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

static enum unwind_end walk_with(const char *letters, const void *program, size_t bytes)
{
	struct cfi *cfi = made__cfi(letters, program, bytes);
	struct unwind_state state = state_of(EM_X86_64);
	struct unwind_stack stack = stack_of_words(false);
	enum unwind_end end;

	end = unwind__walk(&state, &stack, find, cfi, frames, FRAMES_MAX, &frame_count);
	cfi__free(cfi);
	return end;
}

#define WALK(letters, ...)                                      \
	({                                                      \
		const uint8_t program_[] = {__VA_ARGS__};       \
		walk_with(letters, program_, sizeof(program_)); \
	})

static int fill(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < STACK_WORDS; i++)
		words[i] = MADE_START + 0x200 + i;
	return 0;
}

/* --- walks ------------------------------------------------------------------------------------ */

static void test_a_walk_up_the_stack_ends_with_it(void **state)
{
	struct cfi *cfi = made__cfi("zR", (const uint8_t[]){DW_CFA_nop}, 1);
	struct unwind_state registers = state_of(EM_X86_64);
	struct unwind_stack stack = stack_of_words(true);

	(void)state;
	/* One word a frame. */
	assert_int_equal(WALK("zR", DW_CFA_nop), UNWIND_TOO_DEEP);
	assert_int_equal(frame_count, FRAMES_MAX);
	assert_int_equal(WALK("zR", DW_CFA_def_cfa_offset, 16), UNWIND_NO_MEMORY);
	assert_int_equal(frame_count, 1 + STACK_WORDS / 2);
	stack.size /= 2;
	assert_int_equal(
		unwind__walk(&registers, &stack, find, cfi, frames, FRAMES_MAX, &frame_count),
		UNWIND_CUT);
	assert_int_equal(frame_count, 1 + STACK_WORDS / 2);
	cfi__free(cfi);
}

static void test_a_stack_pointer_that_stays_is_a_cycle(void **state)
{
	(void)state;
	/* CFA = rsp; the return address is found above it. */
	assert_int_equal(WALK("zR", DW_CFA_def_cfa_offset, 0, DW_CFA_offset_extended_sf, 16, 0x7f),
			 UNWIND_CYCLE);
	assert_int_equal(frame_count, 1);
	/* rsp comes back as what it was, however large the frame. */
	assert_int_equal(WALK("zR", DW_CFA_def_cfa_offset, 64, DW_CFA_same_value, 7), UNWIND_CYCLE);
	assert_int_equal(frame_count, 1);
	/* And as rax, which is above once. */
	assert_int_equal(WALK("zR", DW_CFA_register, 7, 0, DW_CFA_same_value, 0), UNWIND_CYCLE);
	assert_int_equal(frame_count, 2);
}

/* Signals may interrupt on another stack, so its height says nothing: the bound of frames does. */
static void test_signals_without_end(void **state)
{
	(void)state;
	assert_int_equal(WALK("zRS", DW_CFA_same_value, 7), UNWIND_TOO_DEEP);
	assert_int_equal(frame_count, FRAMES_MAX);
	assert_true(frames[FRAMES_MAX - 1].exact);
}

static void test_ends(void **state)
{
	(void)state;
	assert_int_equal(WALK("zR", DW_CFA_undefined, 16), UNWIND_COMPLETE);
	assert_int_equal(frame_count, 1);
	/* rcx is lost after the first call. */
	assert_int_equal(WALK("zR", DW_CFA_register, 16, 2), UNWIND_NO_RULE);
	assert_int_equal(frame_count, 2);
	assert_int_equal(WALK("zR", DW_CFA_def_cfa, 16, 0), UNWIND_NO_RULE);
	words[0] = 0;
	assert_int_equal(WALK("zR", DW_CFA_nop), UNWIND_COMPLETE);
	assert_int_equal(frame_count, 1);
	/* Below the copy. */
	assert_int_equal(WALK("zR", DW_CFA_def_cfa_offset_sf, 2), UNWIND_NO_MEMORY);
}

static enum unwind_end walk_frame_pointers(int machine)
{
	struct unwind_state state = state_of(machine);
	struct unwind_stack stack = stack_of_words(true);

	return unwind__walk(&state, &stack, find, NULL, frames, FRAMES_MAX, &frame_count);
}

static void chain_frame_pointers(void)
{
	/* The first pair lies at word 8, the second at 12, the last at 16. */
	words[8] = STACK_AT + 12 * 8;
	words[12] = STACK_AT + 16 * 8;
	words[16] = 0;
}

static void test_frame_pointers(void **state)
{
	static const int machines[] = {EM_X86_64, EM_AARCH64};

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		fill(NULL);
		chain_frame_pointers();
		assert_int_equal(walk_frame_pointers(machines[i]), UNWIND_COMPLETE);
		assert_int_equal(frame_count, 4);
		assert_int_equal(frames[1].pc, words[9]);
		assert_int_equal(frames[3].pc, words[17]);
		assert_false(frames[1].exact);
		words[12] = STACK_AT + 12 * 8;
		assert_int_equal(walk_frame_pointers(machines[i]), UNWIND_NO_RULE);
		assert_int_equal(frame_count, 3);
		words[12] = STACK_AT + 8 * 8;
		assert_int_equal(walk_frame_pointers(machines[i]), UNWIND_NO_RULE);
		words[12] = STACK_AT + 16 * 8 + 1;
		assert_int_equal(walk_frame_pointers(machines[i]), UNWIND_NO_RULE);
		words[12] = STACK_AT + sizeof(words) - 8;
		assert_int_equal(walk_frame_pointers(machines[i]), UNWIND_CUT);
		words[12] = UINT64_MAX - 7;
		assert_int_equal(walk_frame_pointers(machines[i]), UNWIND_CUT);
		assert_int_equal(frame_count, 3);
	}
}

/* Return addresses are signed there: what is above 48 bits is no address. */
static void test_signatures_of_pointers_are_no_address(void **state)
{
	(void)state;
	chain_frame_pointers();
	words[9] = 0xab5c000000000000ULL | 0x123456789abcULL;
	assert_int_equal(walk_frame_pointers(EM_AARCH64), UNWIND_COMPLETE);
	assert_int_equal(frames[1].pc, 0x123456789abcULL);
}

/* aarch64: x29 leads out of code without rules, and the next rule counts from sp, which nobody
 * knows; but where x29 is stored is where it points to. */
static struct cfi *aarch64_cfi(void)
{
	static const uint8_t begin[] = {DW_CFA_def_cfa, 31, 0};
	static const uint8_t program[] = {DW_CFA_def_cfa_offset, 48, DW_CFA_offset | 29, 6,
					  DW_CFA_offset | 30,    5};
	struct made made = {0};
	struct object *object;
	struct cfi *cfi;

	made__common(&made, "zR", 30, begin, sizeof(begin));
	made__function(&made, 0, true, program, sizeof(program));
	object = made__object(&made, EM_AARCH64, ".eh_frame");
	assert_int_equal(cfi__new(&cfi, object), 0);
	object__unref(object);
	return cfi;
}

/* unwind_find: rules begin with the second frame. */
static bool find_behind_first(void *context, uint64_t pc, struct unwind_place *out)
{
	*out = (struct unwind_place){.cfi = pc == MADE_START + 0x100 ? NULL : context, .vaddr = pc};
	return true;
}

static void test_rules_behind_a_frame_pointer(void **state)
{
	struct unwind_state registers = state_of(EM_AARCH64);
	struct unwind_stack stack = stack_of_words(false);
	struct cfi *cfi = aarch64_cfi();

	(void)state;
	chain_frame_pointers();
	/* The third frame counts from sp again, which the second one's rule told. */
	words[12 + 6 + 1] = 0;
	assert_int_equal(unwind__walk(&registers, &stack, find_behind_first, cfi, frames,
				      FRAMES_MAX, &frame_count),
			 UNWIND_COMPLETE);
	assert_int_equal(frame_count, 3);
	assert_int_equal(frames[2].pc, words[13]);
	cfi__free(cfi);
}

/* --- expressions ------------------------------------------------------------------------------ */

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_a_walk_up_the_stack_ends_with_it, fill),
		cmocka_unit_test_setup(test_a_stack_pointer_that_stays_is_a_cycle, fill),
		cmocka_unit_test_setup(test_signals_without_end, fill),
		cmocka_unit_test_setup(test_ends, fill),
		cmocka_unit_test_setup(test_frame_pointers, fill),
		cmocka_unit_test_setup(test_signatures_of_pointers_are_no_address, fill),
		cmocka_unit_test_setup(test_rules_behind_a_frame_pointer, fill),
		cmocka_unit_test_setup(test_expressions, fill),
		cmocka_unit_test_setup(test_expressions_that_are_refused, fill),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
