/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/* ELF files made up section by section, for tests of what reads them. */

#include "tests/unit/elf/image.h"

#define MADE_SECTIONS_MAX 12
#define MADE_TEXT_VADDR   0x401000ULL

struct made_section {
	const char *name;
	uint32_t type;
	uint64_t vaddr;
	const void *data; /* NULL: `bytes` of nothing (SHT_NOBITS) */
	size_t bytes;
};

static inline struct image made__image(const struct made_section *sections, size_t count,
				       uint64_t entry_vaddr)
{
	static const uint16_t machine =
#if defined(__x86_64__)
		EM_X86_64;
#else
		EM_AARCH64;
#endif
	Elf64_Shdr headers[MADE_SECTIONS_MAX + 2] = {{0}};
	char names[512] = "";
	size_t names_bytes = 1, at = sizeof(Elf64_Ehdr);
	struct image image;
	Elf64_Ehdr elf = {
		.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
			    EV_CURRENT},
		.e_type = ET_EXEC,
		.e_machine = machine,
		.e_version = EV_CURRENT,
		.e_entry = entry_vaddr,
		.e_ehsize = sizeof(elf),
		.e_shentsize = sizeof(headers[0]),
		.e_shnum = (uint16_t)(count + 2),
		.e_shstrndx = (uint16_t)(count + 1),
	};

	assert_true(count <= MADE_SECTIONS_MAX);
	for (size_t i = 0; i < count; i++) {
		headers[i + 1] = (Elf64_Shdr){
			.sh_name = (uint32_t)names_bytes,
			.sh_type = sections[i].data ? sections[i].type : SHT_NOBITS,
			.sh_addr = sections[i].vaddr,
			.sh_offset = at,
			.sh_size = sections[i].bytes,
			.sh_addralign = 1,
		};
		names_bytes += (size_t)sprintf(names + names_bytes, "%s", sections[i].name) + 1;
		at += sections[i].data ? sections[i].bytes : 0;
	}
	headers[count + 1] = (Elf64_Shdr){
		.sh_type = SHT_STRTAB,
		.sh_offset = at,
		.sh_size = names_bytes,
		.sh_addralign = 1,
	};
	elf.e_shoff = at + names_bytes;
	image.bytes = elf.e_shoff + elf.e_shnum * sizeof(headers[0]);
	image.data = malloc(image.bytes);
	assert_non_null(image.data);
	memcpy(image.data, &elf, sizeof(elf));
	for (size_t i = 0; i < count; i++) {
		if (sections[i].data)
			memcpy(image.data + headers[i + 1].sh_offset, sections[i].data,
			       sections[i].bytes);
	}
	memcpy(image.data + at, names, names_bytes);
	memcpy(image.data + elf.e_shoff, headers, elf.e_shnum * sizeof(headers[0]));
	return image;
}

static inline struct object *made__object(const struct made_section *sections, size_t count,
					  uint64_t entry_vaddr)
{
	struct image image = made__image(sections, count, entry_vaddr);
	struct object *object = NULL;
	char why[256] = "";

	if (object__read_memory(&object, image.data, image.bytes, why, sizeof(why)))
		fail_msg("%s", why);
	free(image.data);
	return object;
}

/* A shell command that has to succeed. */
static inline void run(const char *format, ...) __attribute__((format(printf, 1, 2)));
static inline void run(const char *format, ...)
{
	char command[1024];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(command, sizeof(command), format, arguments);
	va_end(arguments);
	if (system(command))
		fail_msg("%s", command);
}

static inline int note_first(struct dl_phdr_info *info, size_t size, void *base)
{
	(void)size;
	*(uint64_t *)base = info->dlpi_addr;
	return 1;
}

/* The link-time address of one of this program's functions. */
static inline uint64_t vaddr_of(void (*function)(void))
{
	uint64_t base = 0;

	dl_iterate_phdr(note_first, &base);
	return (uint64_t)(uintptr_t)function - base;
}
