/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/unit/symbols/made.h"

#include <errno.h>
#include <lzma.h>

#include "symbols/debugdata.h"
#include "symbols/symbols.h"

/* .gnu_debugdata, made here as Fedora's build makes it: an ELF file with only .symtab, by xz. */

#define T MADE_TEXT_VADDR

static struct image packed_of(const void *data, size_t bytes, uint32_t preset)
{
	struct image packed = {.data = malloc(lzma_stream_buffer_bound(bytes))};

	assert_int_equal(lzma_easy_buffer_encode(preset, LZMA_CHECK_CRC64, NULL, data, bytes,
						 packed.data, &packed.bytes,
						 lzma_stream_buffer_bound(bytes)),
			 LZMA_OK);
	return packed;
}

static struct image packed_symbols(void)
{
	static const Elf64_Sym table[] = {
		{.st_info = STT_FUNC, .st_shndx = 1, .st_value = T, .st_size = 16, .st_name = 1},
		{.st_info = STT_FUNC,
		 .st_shndx = 1,
		 .st_value = T + 16,
		 .st_size = 8,
		 .st_name = 6},
	};
	static const struct made_section sections[] = {
		{".text", SHT_PROGBITS, T, NULL, 64},
		{".symtab", SHT_SYMTAB, 0, table, sizeof(table)},
		{".strtab", SHT_STRTAB, 0, "\0main\0grow", 11},
	};
	struct image whole = made__image(sections, 3, 0);
	struct image packed = packed_of(whole.data, whole.bytes, 6);

	free(whole.data);
	return packed;
}

/* A stripped library: it exports one function, and carries `packed`. */
static struct object *carrier(const struct image *packed)
{
	static const Elf64_Sym exported = {.st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
					   .st_shndx = 1,
					   .st_value = T + 32,
					   .st_size = 8,
					   .st_name = 1};
	const struct made_section sections[] = {
		{".text", SHT_PROGBITS, T, NULL, 64},
		{".dynsym", SHT_DYNSYM, 0x400, &exported, sizeof(exported)},
		{".dynstr", SHT_STRTAB, 0x800, "\0exported", 10},
		{".gnu_debugdata", SHT_PROGBITS, 0, packed->data, packed->bytes},
	};

	return made__object(sections, 4, 0);
}

static void assert_names(const struct image *packed, uint64_t vaddr, const char *name)
{
	struct object *object = carrier(packed);
	struct symbols *symbols = NULL;
	struct symbol symbol = {.name = "none"};

	assert_int_equal(symbols__new(&symbols, object, NULL), 0);
	assert_int_equal(symbols__find(symbols, vaddr, &symbol), name != NULL);
	assert_string_equal(symbol.name, name ? name : "none");
	/* Whatever is wrong with it, the rest is there. */
	assert_true(symbols__find(symbols, T + 32, &symbol));
	assert_string_equal(symbol.name, "exported");
	symbols__free(symbols);
	object__unref(object);
}

static void assert_unpacks(const struct image *packed, int error)
{
	struct object *object = carrier(packed);
	struct object *inside = NULL;

	assert_int_equal(debugdata__object(&inside, object), error);
	assert_int_equal(inside != NULL, error == 0);
	object__unref(inside);
	object__unref(object);
}

static void test_names_inside(void **state)
{
	struct image packed = packed_symbols();

	(void)state;
	assert_unpacks(&packed, 0);
	assert_names(&packed, T, "main");
	assert_names(&packed, T + 23, "grow");
	assert_names(&packed, T + 24, NULL);
	free(packed.data);
}

static void test_none(void **state)
{
	struct object *object = object_of(image__libc());
	struct object *inside = object;

	(void)state;
	assert_int_equal(debugdata__object(&inside, object), -ENOENT);
	assert_null(inside);
	object__unref(object);
}

/* The same, made by the tools that distributions use, of this very program. */
static void test_of_a_real_program(void **state)
{
	char folder[] = "/tmp/debugdata_test.XXXXXX", path[128];
	struct object *object, *inside;

	(void)state;
	assert_non_null(mkdtemp(folder));
	run("cp /proc/%d/exe %s/whole && objcopy --only-keep-debug %s/whole %s/debug &&"
	    " objcopy --strip-debug %s/debug %s/small",
	    (int)getpid(), folder, folder, folder, folder, folder);
	{
		struct image image, packed;
		FILE *file;

		snprintf(path, sizeof(path), "%s/small", folder);
		image = image__of(path);
		packed = packed_of(image.data, image.bytes, 6);
		snprintf(path, sizeof(path), "%s/small.xz", folder);
		file = fopen(path, "we");
		assert_non_null(file);
		assert_int_equal(fwrite(packed.data, 1, packed.bytes, file), packed.bytes);
		fclose(file);
		free(image.data);
		free(packed.data);
	}
	run("objcopy --strip-all %s/whole %s/stripped &&"
	    " objcopy --add-section .gnu_debugdata=%s/small.xz %s/stripped %s/carrier",
	    folder, folder, folder, folder, folder);
	snprintf(path, sizeof(path), "%s/carrier", folder);
	object = object_of(path);
	assert_int_equal(object__section(object, ".symtab").bytes, 0);
	assert_int_equal(debugdata__object(&inside, object), 0);
	assert_true(object__section(inside, ".symtab").bytes > 0);
	object__unref(inside);
	object__unref(object);
	run("rm -r %s", folder);
}

static void test_damaged(void **state)
{
	struct image packed = packed_symbols();
	struct image cut = packed;

	(void)state;
	for (cut.bytes = 1; cut.bytes < packed.bytes; cut.bytes += 7) {
		assert_unpacks(&cut, -EINVAL);
		assert_names(&cut, T, NULL);
	}
	packed.data[packed.bytes / 2] ^= 0x10;
	assert_unpacks(&packed, -EINVAL);
	assert_names(&packed, T, NULL);
	free(packed.data);
	packed = packed_of("no ELF file", 11, 6);
	assert_unpacks(&packed, -EINVAL);
	free(packed.data);
	packed = packed_of("", 0, 6);
	assert_unpacks(&packed, -EINVAL);
	free(packed.data);
}

static void test_bombs(void **state)
{
	size_t bytes = DEBUGDATA_MAX_BYTES + 1;
	uint8_t *nothing = calloc(1, bytes);
	struct image packed = packed_of(nothing, bytes, 0);

	(void)state;
	assert_true(packed.bytes < 64U << 10);
	assert_unpacks(&packed, -EFBIG);
	assert_names(&packed, T, NULL);
	free(packed.data);
	free(nothing);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names_inside),
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_of_a_real_program),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_bombs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
