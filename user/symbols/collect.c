/* SPDX-License-Identifier: GPL-2.0-only */
#include "symbols/collect.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "symbols/debugdata.h"
#include "symbols/gopclntab.h"

static int candidates__add(struct candidates *candidates, const struct candidate *candidate)
{
	if (candidates->count == FUNCTIONS_MAX) {
		candidates->cut = true;
		return -EFBIG;
	}
	if (candidates->count == candidates->capacity) {
		size_t capacity = candidates->capacity ? 2 * candidates->capacity : 512;
		struct candidate *moved;

		moved = realloc(candidates->list, capacity * sizeof(*moved));
		if (!moved)
			return -ENOMEM;
		candidates->list = moved;
		candidates->capacity = capacity;
	}
	candidates->list[candidates->count++] = *candidate;
	return 0;
}

/* Names of places inside code that assemblers and linkers make up. */
static bool is_made_up(const char *name)
{
	return name[0] == '$' || (name[0] == '.' && name[1] == 'L');
}

static bool is_function(const Elf64_Sym *symbol, const struct object_section *text)
{
	if (symbol->st_shndx == SHN_UNDEF ||
	    (symbol->st_shndx >= SHN_LORESERVE && symbol->st_shndx != SHN_XINDEX))
		return false;
	switch (ELF64_ST_TYPE(symbol->st_info)) {
	case STT_FUNC:
	case STT_GNU_IFUNC:
		return true;
	case STT_NOTYPE:
		return symbol->st_value - text->vaddr < text->bytes;
	default:
		return false;
	}
}

/* Returns how many functions the table has, or -ENOMEM. */
static long candidates__add_table(struct candidates *candidates, const struct object *object,
				  const char *table, const char *strings)
{
	struct object_section symbols = object__section(object, table);
	struct object_section names = object__section(object, strings);
	struct object_section text = object__section(object, ".text");
	long added = 0;

	if (!symbols.data || !names.data)
		return 0;
	candidates->names_bytes += names.bytes;
	for (size_t at = 0; symbols.bytes - at >= sizeof(Elf64_Sym); at += sizeof(Elf64_Sym)) {
		struct candidate candidate;
		const char *name;
		Elf64_Sym symbol;
		int error;

		memcpy(&symbol, symbols.data + at, sizeof(symbol));
		if (symbol.st_name >= names.bytes || !is_function(&symbol, &text))
			continue;
		/* A NUL follows behind the section. */
		name = (const char *)names.data + symbol.st_name;
		if (!*name || is_made_up(name))
			continue;
		candidate = (struct candidate){
			.start = symbol.st_value,
			.bytes = symbol.st_size,
			.preference =
				{
					.label = ELF64_ST_TYPE(symbol.st_info) == STT_NOTYPE,
					.local = ELF64_ST_BIND(symbol.st_info) == STB_LOCAL,
					.weak = ELF64_ST_BIND(symbol.st_info) == STB_WEAK,
				},
		};
		preference__set_name(&candidate.preference, name);
		error = candidates__add(candidates, &candidate);
		if (error == -EFBIG)
			break;
		if (error)
			return error;
		added++;
	}
	return added;
}

struct telling {
	struct candidates *candidates;
	int error;
};

static bool tell_go(void *context, uint64_t start, uint64_t bytes, const char *name)
{
	struct telling *telling = context;
	struct candidate candidate = {.start = start, .bytes = bytes};

	preference__set_name(&candidate.preference, name);
	telling->error = candidates__add(telling->candidates, &candidate);
	return !telling->error;
}

static int candidates__add_go(struct candidates *candidates, const struct object *object)
{
	struct object_section table = object__section(object, ".gopclntab");
	const struct gopclntab_place place = {
		.text_vaddr = object__section(object, ".text").vaddr,
		.entry_vaddr = object__entry(object),
	};
	struct telling telling = {.candidates = candidates};

	if (!table.data)
		table = object__section(object, ".data.rel.ro.gopclntab");
	if (!table.data)
		return 0;
	candidates->names_bytes += table.bytes;
	gopclntab__walk(table.data, table.bytes, &place, tell_go, &telling);
	return telling.error == -ENOMEM ? -ENOMEM : 0;
}

static void candidates__note_places(struct candidates *candidates, const struct object *object)
{
	static const char *const sections[] = {".text", ".plt", ".plt.got", ".plt.sec"};

	for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
		struct object_section section = object__section(object, sections[i]);

		if (section.bytes == 0 || section.vaddr == 0)
			continue;
		candidates->places[candidates->place_count++] = section.vaddr;
		candidates->places[candidates->place_count++] = section.vaddr + section.bytes;
	}
}

int candidates__collect(struct candidates *out, const struct object *object,
			const struct object *debug)
{
	long functions, exported;
	int error = 0;

	*out = (struct candidates){0};
	candidates__note_places(out, object);
	functions = candidates__add_table(out, object, ".symtab", ".strtab");
	if (functions == 0 && debug)
		functions = candidates__add_table(out, debug, ".symtab", ".strtab");
	exported = functions < 0 ? functions
				 : candidates__add_table(out, object, ".dynsym", ".dynstr");
	if (exported < 0)
		return (int)exported;
	if (functions == 0)
		error = debugdata__object(&out->unpacked, object);
	if (error == -ENOMEM)
		return error;
	if (out->unpacked)
		functions = candidates__add_table(out, out->unpacked, ".symtab", ".strtab");
	if (functions < 0)
		return (int)functions;
	return functions == 0 ? candidates__add_go(out, object) : 0;
}

void candidates__free(struct candidates *candidates)
{
	free(candidates->list);
	object__unref(candidates->unpacked);
	*candidates = (struct candidates){0};
}
