/* SPDX-License-Identifier: GPL-2.0-only */

/*
 * libFuzzer target: what traced programs bring along and names are read from. The first byte says
 * what the others are: 'e' an ELF file, 'g' a .gopclntab, 'j' a perf-PID.map, 'd' a mangled name.
 */

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "elf/object.h"
#include "symbols/demangle.h"
#include "symbols/gopclntab.h"
#include "symbols/jit_map.h"
#include "symbols/symbols.h"

#define ADDRESSES 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool promise)
{
	if (!promise)
		abort();
}

static void judge_symbol(const struct symbol *symbol, uint64_t vaddr)
{
	size_t length = strlen(symbol->name);

	require(vaddr - symbol->start < symbol->bytes);
	require(length > 0 && length < SYMBOL_NAME_MAX_BYTES);
}

/* Addresses that are in the data somehow. */
static uint64_t some_address(const uint8_t *data, size_t size, unsigned int i)
{
	uint64_t address = 0;
	size_t at = size / ADDRESSES * i;

	memcpy(&address, data + at, size - at < 8 ? size - at : 8);
	return i % 2 ? address : address & 0xffffff;
}

static void read_elf(const uint8_t *data, size_t size)
{
	struct object *object = NULL;
	struct symbols *symbols = NULL;
	struct symbol symbol;
	char why[256] = "";

	if (object__read_memory(&object, data, size, why, sizeof(why))) {
		require(!object && *why);
		return;
	}
	require(object__bytes(object) <= OBJECT_MAX_BYTES + (64U << 10));
	/* The object doubles as its own debug file. */
	require(symbols__new(&symbols, object, object) == 0);
	object__unref(object);
	for (unsigned int i = 0; i < ADDRESSES; i++) {
		uint64_t vaddr = some_address(data, size, i);

		if (symbols__find(symbols, vaddr, &symbol))
			judge_symbol(&symbol, vaddr);
	}
	symbols__free(symbols);
}

struct walk {
	const uint8_t *data;
	size_t size;
	uint64_t end;
};

static bool judge_function(void *context, uint64_t start, uint64_t bytes, const char *name)
{
	struct walk *walk = context;
	size_t left = walk->size - (size_t)((const uint8_t *)name - walk->data);

	require(bytes > 0);
	require((const uint8_t *)name >= walk->data && left <= walk->size);
	require(*name && (left >= SYMBOL_NAME_MAX_BYTES || memchr(name, '\0', left)));
	walk->end = start + bytes;
	return true;
}

static void read_go(const uint8_t *data, size_t size)
{
	const struct gopclntab_place place = {.text_vaddr = 0x401000, .entry_vaddr = 0x401040};
	struct walk walk = {.data = data, .size = size};

	(void)gopclntab__walk(data, size, &place, judge_function, &walk);
}

static void read_jit(const uint8_t *data, size_t size)
{
	struct jit_map *map = NULL;
	struct symbol symbol;
	int fd = memfd_create("map", MFD_CLOEXEC);

	require(fd >= 0 && jit_map__new(&map) == 0);
	/* In two parts, as a process appends them. */
	require(write(fd, data, size / 2) == (ssize_t)(size / 2));
	require(jit_map__read(map, fd) == 0);
	require(write(fd, data + size / 2, size - size / 2) == (ssize_t)(size - size / 2));
	require(jit_map__read(map, fd) == 0);
	for (unsigned int i = 0; i < ADDRESSES && size > 0; i++) {
		uint64_t address = i < ADDRESSES / 2 ? i : some_address(data, size, i);

		if (jit_map__find(map, address, &symbol))
			judge_symbol(&symbol, address);
	}
	jit_map__free(map);
	close(fd);
}

static void read_name(const uint8_t *data, size_t size)
{
	char *name = malloc(size + 1);

	require(name != NULL);
	memcpy(name, data, size);
	name[size] = '\0';
	free(demangle(name));
	free(name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *exact; /* what is read beyond its end is noticed */

	if (size < 2)
		return 0;
	exact = malloc(size - 1);
	require(exact != NULL);
	memcpy(exact, data + 1, size - 1);
	switch (data[0]) {
	case 'e':
		read_elf(exact, size - 1);
		break;
	case 'g':
		read_go(exact, size - 1);
		break;
	case 'j':
		read_jit(exact, size - 1);
		break;
	case 'd':
		read_name(exact, size - 1);
		break;
	}
	free(exact);
	return 0;
}
