/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/unit/symbols/made.h"

#include <dlfcn.h>

#include "symbols/symbols.h"

#define PYTHON    "/usr/bin/python3"
#define WORKLOAD  "build/workloads/grow"
#define ADDRESSES 20000

/* An assembler's function has neither a type nor a size. */
void hand_written(void);
void behind_hand_written(void);
__asm__(".text\n"
	".p2align 4\n"
	".globl hand_written\n"
	"hand_written:\n"
	"	nop\n"
	"	nop\n"
	"	nop\n"
	"	nop\n"
	".globl behind_hand_written\n"
	".type behind_hand_written, %function\n"
	"behind_hand_written:\n"
	"	nop\n"
	"	ret\n"
	".size behind_hand_written, . - behind_hand_written\n");

/* Never inlined, never exported: only .symtab has it. */
static __attribute__((noinline, used)) int local_function(int value)
{
	__asm__ volatile("" : "+r"(value));
	return value + 1;
}

static struct symbols *symbols_of(const struct object *object, const struct object *debug)
{
	struct symbols *symbols = NULL;

	assert_int_equal(symbols__new(&symbols, object, debug), 0);
	return symbols;
}

static void assert_is(const struct symbols *symbols, uint64_t vaddr, const char *name)
{
	struct symbol symbol;

	if (!symbols__find(symbols, vaddr, &symbol))
		fail_msg("nothing at %llx, not %s", (unsigned long long)vaddr, name);
	assert_string_equal(symbol.name, name);
	assert_true(vaddr - symbol.start < symbol.bytes);
}

static void assert_nothing(const struct symbols *symbols, uint64_t vaddr)
{
	struct symbol symbol;

	if (symbols__find(symbols, vaddr, &symbol))
		fail_msg("%s at %llx", symbol.name, (unsigned long long)vaddr);
}

static void assert_names_this_program(const struct symbols *symbols)
{
	uint64_t label = vaddr_of(hand_written);

	assert_is(symbols, vaddr_of((void (*)(void))local_function), "local_function");
	assert_is(symbols, vaddr_of((void (*)(void))local_function) + 1, "local_function");
	assert_is(symbols, label, "hand_written");
	assert_is(symbols, vaddr_of(behind_hand_written) - 1, "hand_written");
	assert_is(symbols, vaddr_of(behind_hand_written), "behind_hand_written");
}

static void test_this_program(void **state)
{
	struct object *object = object_of("/proc/self/exe");
	struct symbols *symbols = symbols_of(object, NULL);

	(void)state;
	object__unref(object); /* not needed any more */
	assert_names_this_program(symbols);
	assert_false(symbols__cut(symbols));
	assert_nothing(symbols, 0);
	assert_nothing(symbols, UINT64_MAX);
	symbols__free(symbols);
	symbols__free(NULL);
}

static void test_a_separate_debug_file(void **state)
{
	char folder[] = "/tmp/symbols_test.XXXXXX", path[128];
	struct object *object, *debug;
	struct symbols *symbols;

	(void)state;
	assert_non_null(mkdtemp(folder));
	run("cp /proc/%d/exe %s/whole && objcopy --only-keep-debug %s/whole %s/debug &&"
	    " objcopy --strip-all %s/whole %s/stripped",
	    (int)getpid(), folder, folder, folder, folder, folder);
	snprintf(path, sizeof(path), "%s/stripped", folder);
	object = object_of(path);
	snprintf(path, sizeof(path), "%s/debug", folder);
	debug = object_of(path);
	symbols = symbols_of(object, NULL);
	assert_nothing(symbols, vaddr_of((void (*)(void))local_function));
	symbols__free(symbols);
	symbols = symbols_of(object, debug);
	assert_names_this_program(symbols);
	symbols__free(symbols);
	object__unref(object);
	object__unref(debug);
	run("rm -r %s", folder);
}

static void test_names_that_libc_exports(void **state)
{
	/* By the dynamic linker's own look-up. */
	static const char *const names[] = {"malloc", "a64l",   "qsort",  "strtol",
					    "write",  "printf", "getenv", "mmap"};
	struct object *object = object_of(image__libc());
	struct symbols *symbols = symbols_of(object, NULL);
	void *libc = dlopen(image__libc(), RTLD_NOW);
	struct link_map *map;

	(void)state;
	assert_non_null(libc);
	assert_int_equal(dlinfo(libc, RTLD_DI_LINKMAP, &map), 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		uint64_t vaddr = (uint64_t)(uintptr_t)dlsym(libc, names[i]) - map->l_addr;

		assert_is(symbols, vaddr, names[i]);
		assert_is(symbols, vaddr + 3, names[i]);
	}
	assert_true(symbols__count(symbols) > 1000);
	assert_in_range(symbols__bytes(symbols), 16 * symbols__count(symbols), 1U << 20);
	dlclose(libc);
	symbols__free(symbols);
	object__unref(object);
}

struct extent {
	uint64_t start;
	uint64_t bytes;
};

static size_t read_extents(const struct object *object, const char *table, struct extent **out)
{
	struct object_section section = object__section(object, table);
	const Elf64_Sym *symbols = (const Elf64_Sym *)section.data;
	size_t count = 0;

	*out = calloc(section.bytes / sizeof(*symbols) + 1, sizeof(**out));
	for (size_t i = 0; i < section.bytes / sizeof(*symbols); i++) {
		unsigned int type = ELF64_ST_TYPE(symbols[i].st_info);

		if (symbols[i].st_shndx != SHN_UNDEF && symbols[i].st_size > 0 &&
		    (type == STT_FUNC || type == STT_GNU_IFUNC))
			(*out)[count++] = (struct extent){symbols[i].st_value, symbols[i].st_size};
	}
	return count;
}

/* Against the plain meaning: of all functions around an address, the one that begins last. */
static void assert_as_by_looking_at_each(const char *path, const char *table)
{
	struct object *object = object_of(path);
	struct symbols *symbols = symbols_of(object, NULL);
	struct extent *extents;
	size_t count = read_extents(object, table, &extents);
	unsigned int seed = 1, inside = 0;

	assert_true(count > 0);
	for (unsigned int i = 0; i < ADDRESSES; i++) {
		const struct extent *near = &extents[(size_t)rand_r(&seed) % count];
		uint64_t vaddr = near->start + (uint64_t)rand_r(&seed) % (2 * near->bytes);
		const struct extent *expected = NULL;
		struct symbol symbol;

		for (size_t k = 0; k < count; k++) {
			if (vaddr - extents[k].start < extents[k].bytes &&
			    (!expected || extents[k].start > expected->start))
				expected = &extents[k];
		}
		if (!expected)
			continue;
		inside++;
		if (!symbols__find(symbols, vaddr, &symbol))
			fail_msg("%s: nothing at %llx", path, (unsigned long long)vaddr);
		assert_int_equal(symbol.start, expected->start);
	}
	assert_true(inside > ADDRESSES / 2);
	free(extents);
	symbols__free(symbols);
	object__unref(object);
}

static void test_as_by_looking_at_each(void **state)
{
	(void)state;
	assert_as_by_looking_at_each(image__libc(), ".dynsym");
	assert_as_by_looking_at_each(PYTHON, ".dynsym");
	assert_as_by_looking_at_each(WORKLOAD, ".symtab");
}

static void test_a_workload_of_ours(void **state)
{
	struct object *object = object_of(WORKLOAD);
	struct symbols *symbols = symbols_of(object, NULL);
	uint64_t entry = object__entry(object);

	(void)state;
	assert_is(symbols, entry, "_start");
	assert_nothing(symbols, object__section(object, ".text").vaddr - 0x10000);
	symbols__free(symbols);
	object__unref(object);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_this_program),
		cmocka_unit_test(test_a_separate_debug_file),
		cmocka_unit_test(test_names_that_libc_exports),
		cmocka_unit_test(test_as_by_looking_at_each),
		cmocka_unit_test(test_a_workload_of_ours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
