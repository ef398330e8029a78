/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/* Objects made up for one test: an ELF file of one function with the frame information given. */

#include "tests/unit/elf/image.h"

#include "unwind/cfi.h"

#define MADE_START     0x1000
#define MADE_END       0x2000
#define MADE_FRAMES_AT 0x4000 /* address of .eh_frame */
#define MADE_BYTES_MAX (5U << 20)

/* A section that grows. */
struct made {
	uint8_t *bytes;
	size_t length;
};

static inline void made__byte(struct made *made, unsigned int byte)
{
	if (!made->bytes)
		made->bytes = calloc(1, MADE_BYTES_MAX);
	assert_true(made->length < MADE_BYTES_MAX);
	made->bytes[made->length++] = (uint8_t)byte;
}

static inline void made__bytes(struct made *made, const void *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		made__byte(made, ((const uint8_t *)bytes)[i]);
}

static inline void made__number(struct made *made, uint64_t value, unsigned int bytes)
{
	for (unsigned int i = 0; i < bytes; i++)
		made__byte(made, value >> (8 * i) & 0xff);
}

static inline void made__uleb(struct made *made, uint64_t value)
{
	do {
		made__byte(made, (value & 0x7f) | (value > 0x7f ? 0x80 : 0));
	} while (value >>= 7);
}

static inline void made__patch_length(struct made *made, size_t at)
{
	uint32_t length = (uint32_t)(made->length - at - 4);

	memcpy(made->bytes + at, &length, sizeof(length));
}

/* A CIE: addresses as they are, factors 1 and -8. */
static inline void made__common(struct made *made, const char *letters,
				unsigned int return_register, const void *program,
				size_t program_bytes)
{
	size_t at = made->length;

	made__number(made, 0, 4); /* length */
	made__number(made, 0, 4); /* identity */
	made__byte(made, 1);      /* version */
	made__bytes(made, letters, strlen(letters) + 1);
	made__uleb(made, 1);
	made__byte(made, 0x78);
	made__byte(made, return_register);
	if (*letters == 'z') {
		made__uleb(made, 1);
		made__byte(made, 0); /* 'R': absolute */
	}
	made__bytes(made, program, program_bytes);
	made__patch_length(made, at);
}

/* An FDE of the CIE at `common`. */
static inline void made__function_at(struct made *made, size_t common, bool augmented,
				     uint64_t start, uint64_t end, const void *program,
				     size_t program_bytes)
{
	size_t at = made->length;

	made__number(made, 0, 4);
	made__number(made, made->length - common, 4);
	made__number(made, start, 8);
	made__number(made, end - start, 8);
	if (augmented)
		made__uleb(made, 0);
	made__bytes(made, program, program_bytes);
	made__patch_length(made, at);
}

/* The same for MADE_START to MADE_END. */
static inline void made__function(struct made *made, size_t common, bool augmented,
				  const void *program, size_t program_bytes)
{
	made__function_at(made, common, augmented, MADE_START, MADE_END, program, program_bytes);
}

#define MADE_SECTIONS_MAX 3
#define MADE_NAME_MAX     16

struct made_section {
	const char *name;
	uint64_t vaddr;
	struct made content;
};

/* The ELF file around them; frees what was made. */
static inline struct object *made__file(int machine, struct made_section *sections, size_t count)
{
	struct {
		Elf64_Ehdr elf;
		Elf64_Shdr headers[2 + MADE_SECTIONS_MAX];
		char names[(1 + MADE_SECTIONS_MAX) * MADE_NAME_MAX];
	} head = {.elf.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB}};
	struct made file = {0};
	struct object *object = NULL;
	char why[256] = "";

	assert_true(count <= MADE_SECTIONS_MAX);
	head.elf.e_type = ET_DYN;
	head.elf.e_machine = (Elf64_Half)machine;
	head.elf.e_shoff = offsetof(__typeof__(head), headers);
	head.elf.e_shentsize = sizeof(Elf64_Shdr);
	head.elf.e_shnum = (Elf64_Half)(2 + count);
	head.elf.e_shstrndx = 1;
	head.headers[1].sh_type = SHT_STRTAB;
	head.headers[1].sh_offset = offsetof(__typeof__(head), names);
	head.headers[1].sh_size = sizeof(head.names);
	made__bytes(&file, &head, sizeof(head));
	for (size_t i = 0; i < count; i++) {
		Elf64_Shdr *header = &head.headers[2 + i];

		header->sh_name = (Elf64_Word)(1 + i) * MADE_NAME_MAX;
		snprintf(head.names + header->sh_name, MADE_NAME_MAX, "%s", sections[i].name);
		header->sh_type = SHT_PROGBITS;
		header->sh_addr = sections[i].vaddr;
		header->sh_offset = file.length;
		header->sh_size = sections[i].content.length;
		made__bytes(&file, sections[i].content.bytes, sections[i].content.length);
		free(sections[i].content.bytes);
	}
	memcpy(file.bytes, &head, sizeof(head));
	if (object__read_memory(&object, file.bytes, file.length, why, sizeof(why)))
		fail_msg("%s", why);
	free(file.bytes);
	return object;
}

/* With one section of frame information. */
static inline struct object *made__object(struct made *made, int machine, const char *section)
{
	struct made_section only = {.name = section, .vaddr = MADE_FRAMES_AT, .content = *made};

	*made = (struct made){0};
	return made__file(machine, &only, 1);
}

/* The rules of one function with that program, below the usual beginning of x86-64: CFA = rsp + 8,
 * return address below it. */
static inline struct cfi *made__cfi(const char *letters, const void *program, size_t bytes)
{
	static const uint8_t usual[] = {0x0c, 7, 8, 0x90, 1};
	struct made made = {0};
	struct object *object;
	struct cfi *cfi;

	made__common(&made, letters, 16, usual, sizeof(usual));
	made__function(&made, 0, *letters == 'z', program, bytes);
	object = made__object(&made, EM_X86_64, ".eh_frame");
	assert_int_equal(cfi__new(&cfi, object), 0);
	object__unref(object);
	return cfi;
}
