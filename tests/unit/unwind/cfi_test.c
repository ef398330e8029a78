/* SPDX-License-Identifier: GPL-2.0-only */

/* Frame information made by somebody hostile: damaged, endless, of absurd sizes. It costs bounded
 * time and memory, and what cannot be read is no rule. */

#include "tests/unit/unwind/made.h"

#include <dwarf.h>
#include <errno.h>
#include <time.h>

#include "unwind/cfi_table.h"

#define PC    (MADE_START + 0x100)
#define FLIPS 1000
#define SEED  20240517

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

/* --- records ---------------------------------------------------------------------------------- */

static const uint8_t usual[] = {DW_CFA_def_cfa, 7, 8, DW_CFA_offset | 16, 1};

static struct cfi *cfi_of(struct made *made, const char *section)
{
	struct object *object = made__object(made, EM_X86_64, section);
	struct cfi *cfi = NULL;

	assert_int_equal(cfi__new(&cfi, object), 0);
	object__unref(object);
	return cfi;
}

/* The usual one, with four bytes changed at an offset. */
static struct cfi *cfi_changed(size_t at, uint32_t value)
{
	struct made made = {0};

	made__common(&made, "zR", 16, usual, sizeof(usual));
	made__function(&made, 0, true, NULL, 0);
	memcpy(made.bytes + at, &value, sizeof(value));
	return cfi_of(&made, ".eh_frame");
}

static void test_damaged_records_are_no_rules(void **state)
{
	struct made made = {0};
	size_t function;
	struct cfi *cfi;
	struct {
		size_t at;
		uint32_t value;
		bool rule;
	} changes[16];
	size_t count = 0;

	(void)state;
	made__common(&made, "zR", 16, usual, sizeof(usual));
	function = made.length;
	cfi = cfi_of(&made, ".eh_frame");
	cfi__free(cfi);
#define CHANGE(place, number, is_rule)   \
	changes[count].at = (place);     \
	changes[count].value = (number); \
	changes[count++].rule = (is_rule)
	CHANGE(4, 0, true);                      /* nothing changed */
	CHANGE(0, 0xfffffff0, false);            /* CIE longer than all */
	CHANGE(0, 3, false);                     /* too short */
	CHANGE(0, 0, false);                     /* the end */
	CHANGE(0, 0xffffffff, false);            /* 64 bits */
	CHANGE(4, 4, false);                     /* no CIE */
	CHANGE(8, 0x00527a09, false);            /* version 9 */
	CHANGE(8, 0x00527901, false);            /* "yR" */
	CHANGE(function + 4, 0, false);          /* FDE without its CIE */
	CHANGE(function + 4, 1, false);          /* CIE inside another record */
	CHANGE(function + 4, 4, false);          /* FDE whose CIE is itself */
	CHANGE(function + 4, 0x7fffffff, false); /* before the section */
	CHANGE(function + 20, 0xffffffff, true); /* just a very long function */
	CHANGE(function, 12, false);             /* ends in its address */
#undef CHANGE
	for (size_t i = 0; i < count; i++) {
		cfi = cfi_changed(changes[i].at, changes[i].value);
		if ((rule_of(cfi) != NULL) != changes[i].rule)
			fail_msg("change %zu: %s", i, rule_of(cfi) ? "a rule" : "no rule");
		cfi__free(cfi);
	}
}

/* A function without "zR": addresses as they are. And one whose letters never end. */
static void test_augmentations(void **state)
{
	struct made made = {0};
	struct cfi *cfi = made__cfi("", (const uint8_t[]){DW_CFA_nop}, 1);

	(void)state;
	assert_non_null(rule_of(cfi));
	assert_false(rule_of(cfi)->signal);
	cfi__free(cfi);
	cfi = made__cfi("zRS", (const uint8_t[]){DW_CFA_nop}, 1);
	assert_true(rule_of(cfi)->signal);
	cfi__free(cfi);
	cfi = made__cfi("eh", (const uint8_t[]){DW_CFA_nop}, 1);
	assert_null(rule_of(cfi));
	cfi__free(cfi);
	made__common(&made, "zRSSSSSSSSSSSSSSSSSSSSSSSS", 16, usual, sizeof(usual));
	made__function(&made, 0, true, NULL, 0);
	cfi = cfi_of(&made, ".eh_frame");
	assert_null(rule_of(cfi));
	cfi__free(cfi);
}

static void test_debug_frame(void **state)
{
	struct made made = {0};
	struct cfi *cfi;
	size_t function;

	(void)state;
	made__common(&made, "", 16, usual, sizeof(usual));
	function = made.length;
	made__function(&made, 0, false, NULL, 0);
	/* Here a CIE is all ones, and an FDE names it by its offset. */
	memset(made.bytes + 4, 0xff, 4);
	memset(made.bytes + function + 4, 0, 4);
	cfi = cfi_of(&made, ".debug_frame");
	assert_int_equal(rule_of(cfi)->cfa_value, 8);
	cfi__free(cfi);
}

/* As many functions as fit, at the same address: an index of them, once. */
static void test_many_entries_are_indexed(void **state)
{
	struct made made = {0};
	unsigned int count = 100000;
	struct cfi *cfi;
	uint64_t begin;

	(void)state;
	made__common(&made, "zR", 16, usual, sizeof(usual));
	for (unsigned int i = 0; i < count; i++)
		made__function(&made, 0, true, NULL, 0);
	cfi = cfi_of(&made, ".eh_frame");
	begin = now_ns();
	for (uint64_t i = 0; i < 2000; i++)
		assert_non_null(cfi__rule(cfi, MADE_START + i));
	/* Each of them searched from the start would be 2 * 10^8 records. */
	assert_true(now_ns() - begin < 5 * 1000000000ULL);
	assert_true(cfi__bytes(cfi) < 40ULL * count + (2U << 20));
	cfi__free(cfi);
}

static void test_nothing_to_read(void **state)
{
	struct made made = {0};
	struct object *object;
	struct cfi *cfi = NULL;

	(void)state;
	made__byte(&made, 1);
	object = made__object(&made, EM_X86_64, ".comment");
	assert_int_equal(cfi__new(&cfi, object), -ENODATA);
	assert_null(cfi);
	object__unref(object);
}

/* --- a real file, damaged --------------------------------------------------------------------- */

struct place {
	size_t at;
	struct frame_entry entry;
};

static size_t places_of(const struct object *object, struct place *out, size_t max)
{
	struct frame_section from = {.section = object__section(object, ".eh_frame")};
	size_t count = 0, next;

	for (size_t at = 0; at < from.section.bytes && count < max; at = next) {
		out[count].at = at;
		if (frame_entry__read(&from, at, &next, &out[count].entry) == ENTRY_FUNCTION)
			count++;
		if (!next)
			break;
	}
	return count;
}

/* Changed bytes in and around an entry, or in the table that leads to it; then that function and
 * others are asked for. */
static void test_a_damaged_libc_does_no_harm(void **state)
{
	static struct place places[8192];
	struct image image = image__of(image__libc());
	struct object *whole = object_of(image__libc());
	size_t count = places_of(whole, places, 8192);
	uint8_t *frames = image.data + image__section(&image, ".eh_frame")->sh_offset;
	Elf64_Shdr *table = image__section(&image, ".eh_frame_hdr");
	unsigned int seed = SEED, rules = 0, asked = 0;

	(void)state;
	assert_true(count > 1000);
	for (unsigned int i = 0; i < FLIPS; i++) {
		const struct place *place = &places[(size_t)rand_r(&seed) % count];
		uint8_t *where = frames + place->at + (size_t)rand_r(&seed) % 24;
		uint8_t before;
		struct object *object = NULL;
		struct cfi *cfi;
		char why[128];

		if (i % 4 == 3)
			where = image.data + table->sh_offset +
				(size_t)rand_r(&seed) % (i % 8 == 3 ? 12 : table->sh_size);
		before = *where;
		*where = (uint8_t)rand_r(&seed);
		assert_int_equal(
			object__read_memory(&object, image.data, image.bytes, why, sizeof(why)), 0);
		assert_int_equal(cfi__new(&cfi, object), 0);
		for (uint64_t pc = place->entry.start;
		     pc < place->entry.end && pc < place->entry.start + 16; pc++, asked++)
			rules += cfi__rule(cfi, pc) != NULL;
		for (unsigned int other = 0; other < 16; other++, asked++)
			rules +=
				cfi__rule(cfi, places[(size_t)rand_r(&seed) % count].entry.start) !=
				NULL;
		assert_true(cfi__bytes(cfi) < (1U << 20));
		cfi__free(cfi);
		object__unref(object);
		*where = before;
	}
	/* The damage is local: most functions have their rule, some lost it. */
	assert_in_range(rules, asked / 2, asked - FLIPS / 10);
	object__unref(whole);
	free(image.data);
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
		cmocka_unit_test(test_damaged_records_are_no_rules),
		cmocka_unit_test(test_augmentations),
		cmocka_unit_test(test_debug_frame),
		cmocka_unit_test(test_many_entries_are_indexed),
		cmocka_unit_test(test_nothing_to_read),
		cmocka_unit_test(test_a_damaged_libc_does_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
