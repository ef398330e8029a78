/* SPDX-License-Identifier: GPL-2.0-only */

/* Records of frame information made or damaged by somebody hostile: what cannot be read is no
 * rule, and it costs bounded time and memory. */

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

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

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
		cmocka_unit_test(test_damaged_records_are_no_rules),
		cmocka_unit_test(test_augmentations),
		cmocka_unit_test(test_debug_frame),
		cmocka_unit_test(test_many_entries_are_indexed),
		cmocka_unit_test(test_nothing_to_read),
		cmocka_unit_test(test_a_damaged_libc_does_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
