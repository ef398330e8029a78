/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/unit/symbols/made.h"

#include <errno.h>

#include "symbols/gopclntab.h"
#include "symbols/symbol.h"
#include "symbols/symbols.h"

/* Tables as the linkers of Go 1.2, 1.16, 1.18 and 1.20 write them, of three functions. */

#define T           MADE_TEXT_VADDR
#define FUNCTIONS   3
#define TABLE_BYTES 4096
#define FLIPS       4000

static const struct {
	const char *name;
	uint64_t start; /* from the begin of the code */
} functions[FUNCTIONS] = {
	{"runtime.mallocgc", 0x0},
	{"_rt0_amd64_linux", 0x40},
	{"main.(*cache).grow", 0x60},
};

#define CODE_BYTES 0x100

enum layout { GO_1_2, GO_1_16, GO_1_18, GO_1_20, LAYOUTS };

struct go_table {
	uint8_t data[TABLE_BYTES];
	size_t bytes;
	size_t functions_at; /* where the array begins */
	size_t width;
};

static void put(struct go_table *table, size_t at, uint64_t value, size_t width)
{
	memcpy(table->data + at, &value, width); /* little endian, like the table */
}

/* `text`: 0, as in a position-independent program. */
static struct go_table go_table(enum layout layout, uint64_t text)
{
	static const uint32_t magic[LAYOUTS] = {0xfffffffb, 0xfffffffa, 0xfffffff0, 0xfffffff1};
	bool offsets = layout >= GO_1_18;
	size_t names = layout == GO_1_2 ? 0 : 128;
	size_t names_at = names ? names : 512;
	struct go_table table = {.width = offsets ? 4 : 8, .bytes = 1024};
	size_t width = table.width;
	size_t entries; /* what they count from */

	table.functions_at = layout == GO_1_2 ? 16 : 256;
	entries = layout == GO_1_2 ? 0 : table.functions_at;
	put(&table, 0, magic[layout], 4);
	table.data[6] = 1;
	table.data[7] = 8;
	put(&table, 8, FUNCTIONS, 8);
	if (layout == GO_1_16) {
		put(&table, 8 + 8 * 2, names, 8);
		put(&table, 8 + 8 * 6, table.functions_at, 8);
	} else if (offsets) {
		put(&table, 8 + 8 * 2, text, 8);
		put(&table, 8 + 8 * 3, names, 8);
		put(&table, 8 + 8 * 7, table.functions_at, 8);
	}
	for (size_t i = 0; i <= FUNCTIONS; i++) {
		size_t at = table.functions_at + 2 * i * width, entry = 768 + 40 * i;
		uint64_t start = i < FUNCTIONS ? functions[i].start : CODE_BYTES;

		put(&table, at, offsets ? start : T + start, width);
		if (i == FUNCTIONS)
			break;
		put(&table, at + width, entry - entries, width);
		put(&table, entry, offsets ? start : T + start, width);
		put(&table, entry + width, names_at - names, 4);
		names_at +=
			(size_t)sprintf((char *)table.data + names_at, "%s", functions[i].name) + 1;
	}
	return table;
}

struct told {
	struct symbol symbols[16];
	size_t count;
	size_t stop_at;
};

static bool note(void *context, uint64_t start, uint64_t bytes, const char *name)
{
	struct told *told = context;

	assert_true(told->count < 16);
	told->symbols[told->count++] = (struct symbol){name, start, bytes};
	return told->count != told->stop_at;
}

static const struct gopclntab_place place = {.text_vaddr = T, .entry_vaddr = T + 0x40};

static int walk(const struct go_table *table, struct told *told)
{
	*told = (struct told){0};
	return gopclntab__walk(table->data, table->bytes, &place, note, told);
}

static void assert_all_told(const struct told *told)
{
	assert_int_equal(told->count, FUNCTIONS);
	for (size_t i = 0; i < FUNCTIONS; i++) {
		uint64_t end = i + 1 < FUNCTIONS ? functions[i + 1].start : CODE_BYTES;

		assert_string_equal(told->symbols[i].name, functions[i].name);
		assert_int_equal(told->symbols[i].start, T + functions[i].start);
		assert_int_equal(told->symbols[i].bytes, end - functions[i].start);
	}
}

static void test_every_layout(void **state)
{
	(void)state;
	for (enum layout layout = 0; layout < LAYOUTS; layout++) {
		struct go_table table = go_table(layout, T);
		struct told told;

		assert_int_equal(walk(&table, &told), 0);
		assert_all_told(&told);
		told = (struct told){.stop_at = 2};
		gopclntab__walk(table.data, table.bytes, &place, note, &told);
		assert_int_equal(told.count, 2);
	}
}

/* Position-independent programs, and Go 1.26. */
static void test_where_the_code_begins_is_not_said(void **state)
{
	struct go_table table = go_table(GO_1_20, 0);
	struct gopclntab_place elsewhere = place;
	struct told told = {0};

	(void)state;
	assert_int_equal(walk(&table, &told), 0);
	assert_all_told(&told);

	/* The program begins in something that the system's linker put before the Go code. */
	told.count = 0;
	elsewhere.entry_vaddr = T + 0x10;
	assert_int_equal(gopclntab__walk(table.data, table.bytes, &elsewhere, note, &told), -ESRCH);
	elsewhere.entry_vaddr = T; /* at a function, but not that one */
	assert_int_equal(gopclntab__walk(table.data, table.bytes, &elsewhere, note, &told), -ESRCH);
	assert_int_equal(told.count, 0);
}

/* Through the whole of a stripped program. */
static void test_a_stripped_program(void **state)
{
	static const char *const names[] = {".gopclntab", ".data.rel.ro.gopclntab"};

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct go_table table = go_table(GO_1_20, i ? 0 : T);
		const struct made_section sections[] = {
			{".text", SHT_PROGBITS, T, NULL, CODE_BYTES},
			{names[i], SHT_PROGBITS, 0x500000, table.data, table.bytes},
		};
		struct object *object = made__object(sections, 2, T + 0x40);
		struct symbols *symbols = NULL;
		struct symbol symbol;

		assert_int_equal(symbols__new(&symbols, object, NULL), 0);
		object__unref(object);
		assert_int_equal(symbols__count(symbols), FUNCTIONS);
		assert_true(symbols__find(symbols, T + 0x3f, &symbol));
		assert_string_equal(symbol.name, "runtime.mallocgc");
		assert_true(symbols__find(symbols, T + CODE_BYTES - 1, &symbol));
		assert_string_equal(symbol.name, "main.(*cache).grow");
		assert_false(symbols__find(symbols, T + CODE_BYTES, &symbol));
		symbols__free(symbols);
	}
}

static void test_other_headers_are_refused(void **state)
{
	static const struct {
		size_t at;
		uint64_t value;
		size_t width;
	} changes[] = {
		{0, 0xfffffff2, 4},
		{4, 1, 2},
		{6, 3, 1},
		{7, 4, 1},
		{8, 1ULL << 32, 8},
		{8, 200, 8},
		{8, UINT64_MAX, 8},
		{8 + 8 * 3, 1ULL << 40, 8},
		{8 + 8 * 7, UINT64_MAX, 8},
	};
	struct told told;

	(void)state;
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		struct go_table table = go_table(GO_1_20, T);

		put(&table, changes[i].at, changes[i].value, changes[i].width);
		assert_int_equal(walk(&table, &told), -EINVAL);
		assert_int_equal(told.count, 0);
	}
}

static void test_what_is_damaged_is_left_out(void **state)
{
	struct go_table table = go_table(GO_1_20, T);
	struct told told;

	(void)state;
	/* The entry, or the name, of the second lies outside. */
	put(&table, table.functions_at + 12, UINT32_MAX, 4);
	assert_int_equal(walk(&table, &told), 0);
	assert_int_equal(told.count, 2);
	assert_string_equal(told.symbols[1].name, functions[2].name);
	table = go_table(GO_1_20, T);
	put(&table, 768 + 40 + 4, UINT32_MAX, 4);
	assert_int_equal(walk(&table, &told), 0);
	assert_int_equal(told.count, 2);

	/* Addresses that do not rise end it. */
	table = go_table(GO_1_20, T);
	put(&table, table.functions_at + 16, 0x40, 4);
	assert_int_equal(walk(&table, &told), 0);
	assert_int_equal(told.count, 1);
	assert_string_equal(told.symbols[0].name, functions[0].name);

	/* A name that the table's end cuts. */
	table = go_table(GO_1_20, T);
	put(&table, 768 + 4, table.bytes - 128 - 4, 4);
	memcpy(table.data + table.bytes - 4, "abcd", 4);
	assert_int_equal(walk(&table, &told), 0);
	assert_int_equal(told.count, 2);
}

/* Every length, and flipped bits: nothing is read that lies outside. */
static void test_any_bytes_do_no_harm(void **state)
{
	unsigned int seed = 1, refused = 0;

	(void)state;
	for (enum layout layout = 0; layout < LAYOUTS; layout++) {
		const struct go_table whole = go_table(layout, T);

		for (size_t bytes = 0; bytes <= whole.bytes; bytes++) {
			uint8_t *exact = malloc(bytes + !bytes);
			struct told told = {0};

			memcpy(exact, whole.data, bytes);
			(void)gopclntab__walk(exact, bytes, &place, note, &told);
			free(exact);
		}
		for (int i = 0; i < FLIPS; i++) {
			uint8_t *exact = malloc(whole.bytes);
			struct told told = {.stop_at = 16};

			memcpy(exact, whole.data, whole.bytes);
			for (int k = 0; k < 3; k++)
				exact[rand_r(&seed) % 400] ^= (uint8_t)(1 << rand_r(&seed) % 8);
			refused += gopclntab__walk(exact, whole.bytes, &place, note, &told) != 0;
			free(exact);
		}
	}
	assert_in_range(refused, 1, LAYOUTS * FLIPS - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_layout),
		cmocka_unit_test(test_where_the_code_begins_is_not_said),
		cmocka_unit_test(test_a_stripped_program),
		cmocka_unit_test(test_other_headers_are_refused),
		cmocka_unit_test(test_what_is_damaged_is_left_out),
		cmocka_unit_test(test_any_bytes_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
