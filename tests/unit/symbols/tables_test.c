/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/unit/symbols/made.h"

#include <time.h>

#include "symbols/collect.h"
#include "symbols/symbols.h"

/* Symbol tables made up: what they may say, and what they should not. */

#define T          MADE_TEXT_VADDR
#define TEXT_BYTES 0x10000
#define TEXT_INDEX 1

struct made_symbol {
	const char *name;
	uint64_t start;
	uint64_t bytes;
	unsigned char type;
	unsigned char binding;
};

#define FUNCTION(name, start, bytes)                     \
	{                                                \
		name, start, bytes, STT_FUNC, STB_GLOBAL \
	}
#define LOCAL(name, start, bytes)                       \
	{                                               \
		name, start, bytes, STT_FUNC, STB_LOCAL \
	}
#define WEAK(name, start, bytes)                       \
	{                                              \
		name, start, bytes, STT_FUNC, STB_WEAK \
	}
#define LABEL(name, start)                            \
	{                                             \
		name, start, 0, STT_NOTYPE, STB_LOCAL \
	}

static struct object *object_with(const void *table, size_t table_bytes, const void *strings,
				  size_t string_bytes)
{
	const struct made_section sections[] = {
		{".text", SHT_PROGBITS, T, NULL, TEXT_BYTES},
		{".symtab", SHT_SYMTAB, 0, table, table_bytes},
		{".strtab", SHT_STRTAB, 0, strings, string_bytes},
	};

	return made__object(sections, 3, 0);
}

static struct symbols *symbols_of(struct object *object)
{
	struct symbols *symbols = NULL;

	assert_int_equal(symbols__new(&symbols, object, NULL), 0);
	object__unref(object);
	return symbols;
}

static struct symbols *symbols_with(const struct made_symbol *made, size_t count)
{
	Elf64_Sym table[32] = {{0}};
	char strings[1024] = "";
	size_t length = 1;

	assert_true(count < 32);
	for (size_t i = 0; i < count; i++) {
		table[i + 1] = (Elf64_Sym){
			.st_name = (uint32_t)length,
			.st_info = ELF64_ST_INFO(made[i].binding, made[i].type),
			.st_shndx = TEXT_INDEX,
			.st_value = made[i].start,
			.st_size = made[i].bytes,
		};
		length += (size_t)sprintf(strings + length, "%s", made[i].name) + 1;
	}
	return symbols_of(object_with(table, (count + 1) * sizeof(table[0]), strings, length));
}
#define SYMBOLS(...)                                                   \
	({                                                             \
		const struct made_symbol made_[] = {__VA_ARGS__};      \
		symbols_with(made_, sizeof(made_) / sizeof(made_[0])); \
	})

static void assert_is(const struct symbols *symbols, uint64_t vaddr, const char *name)
{
	struct symbol symbol;

	if (!symbols__find(symbols, vaddr, &symbol))
		fail_msg("nothing at %llx, not %s", (unsigned long long)vaddr, name);
	assert_string_equal(symbol.name, name);
}

static void assert_nothing(const struct symbols *symbols, uint64_t vaddr)
{
	struct symbol symbol;

	if (symbols__find(symbols, vaddr, &symbol))
		fail_msg("%s at %llx", symbol.name, (unsigned long long)vaddr);
}

static void test_one_of_several_names(void **state)
{
	struct symbols *symbols =
		SYMBOLS(LOCAL("a", T, 16), FUNCTION("__malloc", T, 16), FUNCTION("malloc", T, 16),
			WEAK("mal", T, 16), LABEL("entry", T), FUNCTION("longer", T + 16, 16),
			FUNCTION("late", T + 16, 16), FUNCTION("last", T + 16, 8));
	struct symbol symbol;

	(void)state;
	assert_int_equal(symbols__count(symbols), 2);
	assert_is(symbols, T, "malloc");
	assert_is(symbols, T + 15, "malloc");
	/* The order in the file does not matter; the largest size holds. */
	assert_is(symbols, T + 31, "last");
	assert_true(symbols__find(symbols, T + 16, &symbol));
	assert_int_equal(symbol.start, T + 16);
	assert_int_equal(symbol.bytes, 16);
	assert_nothing(symbols, T - 1);
	assert_nothing(symbols, T + 32);
	symbols__free(symbols);
}

/* What glibc calls hidden names of its own. */
static void test_names_of_the_c_library(void **state)
{
	struct symbols *symbols =
		SYMBOLS(LOCAL("__GI_____strtof_l_internal", T, 16),
			LOCAL("____strtof_l_internal", T, 16), LOCAL("__GI_only", T + 16, 16));

	(void)state;
	assert_is(symbols, T, "____strtof_l_internal");
	assert_is(symbols, T + 16, "__GI_only");
	symbols__free(symbols);
}

static void test_functions_inside_functions(void **state)
{
	struct symbols *symbols =
		SYMBOLS(FUNCTION("outer", T, 0x1000), FUNCTION("inner", T + 0x100, 0x100),
			FUNCTION("innermost", T + 0x140, 0x10), LABEL("label", T + 0x148),
			FUNCTION("across", T + 0xf00, 0x200), FUNCTION("next", T + 0x1080, 0x40));

	(void)state;
	assert_is(symbols, T + 0xff, "outer");
	assert_is(symbols, T + 0x13f, "inner");
	assert_is(symbols, T + 0x14f, "innermost");
	assert_is(symbols, T + 0x150, "inner");
	assert_is(symbols, T + 0x200, "outer");
	assert_is(symbols, T + 0xfff, "across");
	assert_is(symbols, T + 0x1080, "next");
	assert_is(symbols, T + 0x10ff, "across");
	assert_nothing(symbols, T + 0x1100);
	symbols__free(symbols);
}

static void test_symbols_without_a_size(void **state)
{
	struct symbols *symbols = SYMBOLS(
		LABEL("first", T), LABEL("second", T + 0x20), FUNCTION("sized", T + 0x40, 0x10),
		FUNCTION("last", T + 0xf000, 0), FUNCTION("outside", T + 0x20010, 0));

	(void)state;
	assert_is(symbols, T + 0x1f, "first");
	assert_is(symbols, T + 0x3f, "second");
	assert_is(symbols, T + 0x4f, "sized");
	assert_nothing(symbols, T + 0x50);
	/* Not over the end of the section; where there is none known, of the page. */
	assert_is(symbols, T + TEXT_BYTES - 1, "last");
	assert_nothing(symbols, T + TEXT_BYTES);
	assert_is(symbols, T + 0x20ffe, "outside");
	assert_nothing(symbols, T + 0x21000);
	symbols__free(symbols);
}

static void test_what_is_no_function(void **state)
{
	struct symbols *symbols =
		SYMBOLS({"data", T, 16, STT_OBJECT, STB_GLOBAL}, LABEL("$x", T + 0x20),
			LABEL(".Lloop", T + 0x30), LABEL("", T + 0x40),
			LABEL("end_of_text", T + TEXT_BYTES), {"file", 0, 0, STT_FILE, STB_LOCAL});

	(void)state;
	assert_int_equal(symbols__count(symbols), 0);
	assert_nothing(symbols, T);
	assert_nothing(symbols, 0);
	symbols__free(symbols);
}

static void test_sizes_beyond_the_end(void **state)
{
	struct symbols *symbols =
		SYMBOLS(FUNCTION("all", T, UINT64_MAX), FUNCTION("inside", T + 0x100, 0x10),
			FUNCTION("top", UINT64_MAX - 7, 64));
	struct symbol symbol;

	(void)state;
	assert_is(symbols, T + 0xff, "all");
	assert_is(symbols, T + 0x108, "inside");
	assert_is(symbols, T + 0x110, "all");
	assert_is(symbols, T + UINT32_MAX - 1, "all");
	assert_nothing(symbols, T + 0x100000000);
	assert_true(symbols__find(symbols, UINT64_MAX - 1, &symbol));
	assert_string_equal(symbol.name, "top");
	assert_int_equal(symbol.bytes, 7);
	symbols__free(symbols);
}

static void test_names_without_an_end(void **state)
{
	static const Elf64_Sym table[] = {
		{.st_info = STT_FUNC, .st_shndx = 1, .st_value = T, .st_size = 1, .st_name = 2},
		{.st_info = STT_FUNC, .st_shndx = 1, .st_value = T + 1, .st_size = 1, .st_name = 4},
		{.st_info = STT_FUNC,
		 .st_shndx = 1,
		 .st_value = T + 2,
		 .st_size = 1,
		 .st_name = UINT32_MAX},
	};
	char *names = malloc(20000);
	struct symbols *symbols;
	struct symbol symbol;

	(void)state;
	symbols = symbols_of(object_with(table, sizeof(table), "abcd", 4));
	assert_int_equal(symbols__count(symbols), 1);
	assert_is(symbols, T, "cd");
	symbols__free(symbols);

	/* A part of a symbol behind the last whole one. */
	symbols = symbols_of(object_with(table, sizeof(table[0]) + 23, "abcdefgh", 8));
	assert_int_equal(symbols__count(symbols), 1);
	symbols__free(symbols);

	memset(names, 'n', 20000);
	symbols = symbols_of(object_with(table, sizeof(table[0]), names, 20000));
	assert_true(symbols__find(symbols, T, &symbol));
	assert_int_equal(strlen(symbol.name), SYMBOL_NAME_MAX_BYTES - 1);
	symbols__free(symbols);
	free(names);
}

static double processor_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Every name is what is left of one long string: as hard to compare as to keep. */
static struct symbols *symbols_of_one_string(size_t count, char letter, bool one_address)
{
	size_t string_bytes = count + 2 * SYMBOL_NAME_MAX_BYTES;
	Elf64_Sym *table = calloc(count, sizeof(*table));
	char *strings = malloc(string_bytes);
	struct object *object;

	memset(strings, letter, string_bytes);
	for (size_t i = 0; i < count; i++)
		table[i] = (Elf64_Sym){
			.st_name = (uint32_t)i,
			.st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
			.st_shndx = TEXT_INDEX,
			.st_value = one_address ? T : T + 16 * i,
			.st_size = 16,
		};
	object = object_with(table, count * sizeof(*table), strings, string_bytes);
	free(strings);
	free(table);
	return symbols_of(object);
}

static void test_names_that_cost_time_and_memory(void **state)
{
	double begin = processor_seconds();
	struct symbols *symbols;

	(void)state;
	for (int i = 0; i < 2; i++) {
		symbols = symbols_of_one_string(500000, i ? '_' : 'n', true);
		assert_int_equal(symbols__count(symbols), 1);
		symbols__free(symbols);
	}
	symbols = symbols_of_one_string(500000, 'n', false);
	assert_true(symbols__cut(symbols));
	assert_true(symbols__bytes(symbols) < 8U << 20);
	assert_true(symbols__count(symbols) > 0);
	symbols__free(symbols);
	assert_true(processor_seconds() - begin < 30);
}

static void test_more_functions_than_are_taken(void **state)
{
	size_t count = FUNCTIONS_MAX + 10, string_bytes = 4 + count;
	Elf64_Sym *table = calloc(count, sizeof(*table));
	char *strings = calloc(1, string_bytes); /* enough for the names not to be what ends it */
	struct symbols *symbols;

	(void)state;
	strings[1] = 'f';
	for (size_t i = 0; i < count; i++)
		table[i] = (Elf64_Sym){
			.st_name = 1,
			.st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
			.st_shndx = TEXT_INDEX,
			.st_value = T + 16 * i,
			.st_size = 16,
		};
	symbols = symbols_of(object_with(table, count * sizeof(*table), strings, string_bytes));
	assert_int_equal(symbols__count(symbols), FUNCTIONS_MAX);
	assert_true(symbols__cut(symbols));
	assert_is(symbols, T + 16 * (FUNCTIONS_MAX - 1), "f");
	symbols__free(symbols);
	free(strings);
	free(table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_of_several_names),
		cmocka_unit_test(test_names_of_the_c_library),
		cmocka_unit_test(test_functions_inside_functions),
		cmocka_unit_test(test_symbols_without_a_size),
		cmocka_unit_test(test_what_is_no_function),
		cmocka_unit_test(test_sizes_beyond_the_end),
		cmocka_unit_test(test_names_without_an_end),
		cmocka_unit_test(test_names_that_cost_time_and_memory),
		cmocka_unit_test(test_more_functions_than_are_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
