/* SPDX-License-Identifier: GPL-2.0-only */

/* Walks by rules made up, by somebody hostile too: those that never reach anything end. */

#include "tests/unit/unwind/made_stack.h"

#include <dwarf.h>

#define FRAMES_MAX 50

static struct unwind_frame frames[FRAMES_MAX];
static size_t frame_count;

/* unwind_find: addresses are link-time addresses, all of them mapped. */
static bool find(void *context, uint64_t pc, struct unwind_place *out)
{
	*out = (struct unwind_place){.cfi = context, .vaddr = pc};
	return true;
}

static bool cut; /* was there more of the stack? */

static enum unwind_end walk_with(const char *letters, const void *program, size_t bytes)
{
	struct cfi *cfi = made__cfi(letters, program, bytes);
	struct unwind_state state = state_of(EM_X86_64);
	struct unwind_stack stack = stack_of_words(cut);
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
	/* Below the copy, which ends elsewhere. */
	assert_int_equal(WALK("zR", DW_CFA_def_cfa_offset_sf, 2), UNWIND_NO_MEMORY);
	cut = true;
	assert_int_equal(WALK("zR", DW_CFA_def_cfa_offset_sf, 2), UNWIND_NO_MEMORY);
	cut = false;
}

/* Of what never returns: the return address is the next function's. */
static void test_a_call_that_ends_its_function(void **state)
{
	(void)state;
	words[0] = MADE_END;
	words[1] = 0;
	assert_int_equal(WALK("zR", DW_CFA_nop), UNWIND_COMPLETE);
	assert_int_equal(frame_count, 2);
	assert_int_equal(frames[1].pc, MADE_END);
}

/* What was interrupted is looked up where it is, not before. */
static void test_a_signal_at_the_start_of_a_function(void **state)
{
	(void)state;
	words[0] = MADE_START;
	words[1] = 0;
	assert_int_equal(WALK("zRS", DW_CFA_nop), UNWIND_COMPLETE);
	assert_int_equal(frame_count, 2);
	assert_true(frames[1].exact);
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

/* unwind_find: a function without rules begins where the walk does, and at its caller. */
static bool find_entries(void *context, uint64_t pc, struct unwind_place *out)
{
	(void)context;
	*out = (struct unwind_place){.vaddr = pc, .entry = true};
	return true;
}

static void test_at_the_first_instruction_the_call_leads_back(void **state)
{
	struct unwind_state x86_64 = state_of(EM_X86_64), aarch64 = state_of(EM_AARCH64);
	const uint64_t link = aarch64.registers[30];
	struct unwind_stack stack = stack_of_words(false);

	(void)state;
	x86_64.registers[6] = aarch64.registers[29] = STACK_AT + 1; /* no frame pointer */
	assert_int_equal(
		unwind__walk(&x86_64, &stack, find_entries, NULL, frames, FRAMES_MAX, &frame_count),
		UNWIND_NO_RULE);
	/* The caller is not at its first instruction, whatever the place says: it has called. */
	assert_int_equal(frame_count, 2);
	assert_int_equal(frames[1].pc, words[0]);
	assert_int_equal(x86_64.registers[7], STACK_AT + 8);
	assert_int_equal(unwind__walk(&aarch64, &stack, find_entries, NULL, frames, FRAMES_MAX,
				      &frame_count),
			 UNWIND_NO_RULE);
	assert_int_equal(frame_count, 2);
	assert_int_equal(frames[1].pc, link);
	assert_int_equal(aarch64.registers[31], STACK_AT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_a_walk_up_the_stack_ends_with_it, fill),
		cmocka_unit_test_setup(test_a_stack_pointer_that_stays_is_a_cycle, fill),
		cmocka_unit_test_setup(test_signals_without_end, fill),
		cmocka_unit_test_setup(test_ends, fill),
		cmocka_unit_test_setup(test_a_call_that_ends_its_function, fill),
		cmocka_unit_test_setup(test_a_signal_at_the_start_of_a_function, fill),
		cmocka_unit_test_setup(test_frame_pointers, fill),
		cmocka_unit_test_setup(test_signatures_of_pointers_are_no_address, fill),
		cmocka_unit_test_setup(test_rules_behind_a_frame_pointer, fill),
		cmocka_unit_test_setup(test_at_the_first_instruction_the_call_leads_back, fill),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
