/* SPDX-License-Identifier: GPL-2.0-only */

/* aarch64's functions without frame pointers: only rules lead from one to the next, as compilers
 * write them. x29 is a register like others here, and points to frames that never were. */

#include "tests/unit/unwind/made.h"

#include <dwarf.h>

#include "unwind/unwind.h"

#define X19               19
#define X20               20
#define X29               29
#define X30               30
#define SP                31

#define BITS(first, last) ((1ULL << ((last) + 1)) - (1ULL << (first)))

#define STACK_AT          0x7fff0000ULL
#define STACK_WORDS       64
#define FRAMES_MAX        16

/* What signs an address, of whatever it is made. */
#define SIGNATURE         0x007c000000000000ULL

/* Where functions begin, 256 bytes each; the data factor is -8, the code factor 1. */
#define LEAF              0x1000ULL /* calls nobody, keeps nothing */
#define SAVER             0x1100ULL /* str x30, [sp, #-32]!; stp x19, x29, [sp, #16]; ...; ret */
#define SIGNER            0x1200ULL /* paciasp; stp x30, x19, [sp, #-48]!; ...; autiasp; ret */
#define START             0x1300ULL /* nobody calls it */

/* The function in the middle of its body: behind its last instruction that changes a rule. */
#define BODY              0x40

/* A return address into a function's body. */
#define INTO(start)       ((start) + BODY + 4)

static uint64_t words[STACK_WORDS];
static struct cfi *cfi;
static struct unwind_frame frames[FRAMES_MAX];
static size_t frame_count;

static const uint8_t saver[] = {
	DW_CFA_advance_loc | 4,
	DW_CFA_def_cfa_offset,
	32,
	DW_CFA_offset | X30,
	4,
	DW_CFA_advance_loc | 4,
	DW_CFA_offset | X19,
	2,
	DW_CFA_offset | X29,
	1,
	/* The way out: all of it is taken back at once. */
	DW_CFA_advance_loc1,
	0x80,
	DW_CFA_remember_state,
	DW_CFA_restore | X19,
	DW_CFA_restore | X29,
	DW_CFA_restore | X30,
	DW_CFA_def_cfa_offset,
	0,
	DW_CFA_advance_loc | 4,
	DW_CFA_restore_state,
};

static const uint8_t signer[] = {
	DW_CFA_advance_loc | 4,
	DW_CFA_AARCH64_negate_ra_state,
	DW_CFA_advance_loc | 4,
	DW_CFA_def_cfa_offset,
	48,
	DW_CFA_offset | X30,
	6,
	DW_CFA_offset | X19,
	5,
	DW_CFA_advance_loc1,
	0x80,
	DW_CFA_restore | X19,
	DW_CFA_restore | X30,
	DW_CFA_def_cfa_offset,
	0,
	DW_CFA_advance_loc | 4,
	DW_CFA_AARCH64_negate_ra_state,
};

static const uint8_t start[] = {DW_CFA_undefined, X30};

/* letters: "zR", or "zRB", as where return addresses are signed with the other key. */
static int make(const char *letters)
{
	static const uint8_t begin[] = {DW_CFA_def_cfa, SP, 0};
	struct made made = {0};
	struct object *object;

	made__common(&made, letters, X30, begin, sizeof(begin));
	made__function_at(&made, 0, true, LEAF, SAVER, NULL, 0);
	made__function_at(&made, 0, true, SAVER, SIGNER, saver, sizeof(saver));
	made__function_at(&made, 0, true, SIGNER, START, signer, sizeof(signer));
	made__function_at(&made, 0, true, START, START + 0x100, start, sizeof(start));
	object = made__object(&made, EM_AARCH64, ".eh_frame");
	assert_int_equal(cfi__new(&cfi, object), 0);
	object__unref(object);
	/* Whoever went by x29 would find a caller at every second word. */
	for (unsigned int i = 0; i < STACK_WORDS; i++)
		words[i] = i % 2 ? 0xbad0 + i : STACK_AT + 8 * (i + 2);
	return 0;
}

static int setup(void **state)
{
	(void)state;
	return make("zR");
}

static int setup_other_key(void **state)
{
	(void)state;
	return make("zRB");
}

static int teardown(void **state)
{
	(void)state;
	cfi__free(cfi);
	return 0;
}

/* unwind_find: addresses are link-time addresses. */
static bool find(void *context, uint64_t pc, struct unwind_place *out)
{
	*out = (struct unwind_place){.cfi = context, .vaddr = pc};
	return pc >= LEAF && pc < START + 0x100;
}

static struct unwind_state state_at(uint64_t pc, uint64_t x30)
{
	struct unwind_state state = {.machine = EM_AARCH64, .pc = pc, .known = 0xffffffff};

	state.registers[X29] = STACK_AT;
	state.registers[X30] = x30;
	state.registers[SP] = STACK_AT;
	return state;
}

static enum unwind_end walk(struct unwind_state *state)
{
	const struct unwind_stack stack = {
		.from = STACK_AT,
		.bytes = (const uint8_t *)words,
		.size = sizeof(words),
	};

	return unwind__walk(state, &stack, find, cfi, frames, FRAMES_MAX, &frame_count);
}

static void assert_walk(struct unwind_state state, enum unwind_end expected, const uint64_t *pcs,
			size_t count)
{
	enum unwind_end end = walk(&state);

	assert_string_equal(unwind__end_name(end), unwind__end_name(expected));
	assert_int_equal(frame_count, count);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(frames[i].pc, pcs[i]);
		assert_int_equal(frames[i].exact, i == 0);
	}
}

#define ASSERT_WALK(state, end, ...)                                           \
	do {                                                                   \
		const uint64_t pcs_[] = {__VA_ARGS__};                         \
		assert_walk(state, end, pcs_, sizeof(pcs_) / sizeof(pcs_[0])); \
	} while (0)

/* The frame of saver() at that word: four of them. */
static void save(unsigned int at, uint64_t x30, uint64_t x19)
{
	words[at] = x30;
	words[at + 2] = x19;
	words[at + 3] = STACK_AT; /* x29 */
}

/* The frame of signer(): six words. */
static void sign(unsigned int at, uint64_t x30, uint64_t x19)
{
	words[at] = x30 | SIGNATURE;
	words[at + 1] = x19;
}

/* leaf < saver < signer < saver < start: the first return address is in x30 only, one is signed. */
static void test_from_function_to_function(void **state)
{
	(void)state;
	save(0, INTO(SIGNER), 0x1111);
	sign(4, INTO(SAVER), 0x2222);
	save(10, INTO(START), 0x3333);
	ASSERT_WALK(state_at(LEAF + BODY, INTO(SAVER)), UNWIND_COMPLETE, LEAF + BODY, INTO(SAVER),
		    INTO(SIGNER), INTO(SAVER), INTO(START));
}

/* With the registers that their callers count on, and the stack pointer. */
static void test_registers_of_the_caller(void **state)
{
	struct unwind_state registers = state_at(LEAF + BODY, INTO(SAVER));

	(void)state;
	save(0, INTO(SIGNER), 0x1111);
	words[3] = 0x9999;
	registers.registers[X20] = 0x2020;
	sign(4, INTO(START), 0x2222);
	assert_int_equal(walk(&registers), UNWIND_COMPLETE);
	assert_int_equal(frame_count, 4);
	assert_int_equal(registers.pc, INTO(START));
	assert_int_equal(registers.registers[SP], STACK_AT + 8 * 10);
	assert_int_equal(registers.registers[X19], 0x2222);
	assert_int_equal(registers.registers[X29], 0x9999);
	assert_int_equal(registers.registers[X20], 0x2020); /* nobody has touched it */
	/* The others may be anything, and x30 is where it has come back to. */
	assert_int_equal(registers.known, BITS(X19, X29) | BITS(SP, SP));
}

/* Interrupted while it makes its frame, or has taken it down. */
static void test_at_the_ends_of_functions(void **state)
{
	static const struct {
		uint64_t at;
		bool framed, is_signed;
	} places[] = {
		{SAVER, false, false},         {SAVER + 4, true, false},
		{SAVER + 8, true, false},      {SAVER + BODY, true, false},
		{SAVER + 0x88, false, false},  {SAVER + 0x8c, true, false},
		{SIGNER, false, false},        {SIGNER + 4, false, true},
		{SIGNER + 8, true, true},      {SIGNER + 0x88, false, true},
		{SIGNER + 0x8c, false, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		const uint64_t caller = INTO(START) | (places[i].is_signed ? SIGNATURE : 0);

		/* Wherever it is not, something else is. */
		words[0] = places[i].framed ? caller : INTO(SAVER);
		ASSERT_WALK(state_at(places[i].at, places[i].framed ? INTO(SAVER) : caller),
			    UNWIND_COMPLETE, places[i].at, INTO(START));
	}
}

/* x30 is a caller's once: of a function that has called somebody it says nothing. */
static void test_x30_is_not_taken_twice(void **state)
{
	(void)state;
	ASSERT_WALK(state_at(LEAF + BODY, INTO(LEAF)), UNWIND_NO_RULE, LEAF + BODY, INTO(LEAF));
	save(0, INTO(LEAF), 0);
	ASSERT_WALK(state_at(LEAF + BODY, INTO(SAVER)), UNWIND_NO_RULE, LEAF + BODY, INTO(SAVER),
		    INTO(LEAF));
}

/* A signature that leads nowhere, and what is no address without one either. */
static void test_what_is_no_address(void **state)
{
	(void)state;
	ASSERT_WALK(state_at(LEAF + BODY, 0), UNWIND_COMPLETE, LEAF + BODY);
	ASSERT_WALK(state_at(LEAF + BODY, SIGNATURE), UNWIND_COMPLETE, LEAF + BODY);
	ASSERT_WALK(state_at(LEAF + BODY, SIGNATURE | 0x5000), UNWIND_NO_MAPPING, LEAF + BODY);
	ASSERT_WALK(state_at(LEAF + BODY, 0x0000800000000000ULL | INTO(START)), UNWIND_NO_MAPPING,
		    LEAF + BODY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_from_function_to_function, setup, teardown),
		cmocka_unit_test_setup_teardown(test_from_function_to_function, setup_other_key,
						teardown),
		cmocka_unit_test_setup_teardown(test_registers_of_the_caller, setup, teardown),
		cmocka_unit_test_setup_teardown(test_at_the_ends_of_functions, setup, teardown),
		cmocka_unit_test_setup_teardown(test_x30_is_not_taken_twice, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_is_no_address, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
