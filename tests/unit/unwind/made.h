/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/* Objects made up for one test: an ELF file of one function with the frame information given. */

#include "tests/unit/elf/image.h"

#include "unwind/cfi.h"

#define MADE_START      0x1000
#define MADE_END        0x2000
#define MADE_FRAMES_AT  0x4000 /* address of .eh_frame */
#define MADE_FRAMES_MAX (4U << 20)

/* A section that grows. */
struct made {
	uint8_t *bytes;
	size_t length;
};

static inline void made__byte(struct made *made, unsigned int byte)
{
	if (!made->bytes)
		made->bytes = calloc(1, MADE_FRAMES_MAX);
	assert_true(made->length < MADE_FRAMES_MAX);
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

/* An FDE of the CIE at `common`, for MADE_START to MADE_END. */
static inline void made__function(struct made *made, size_t common, bool augmented,
				  const void *program, size_t program_bytes)
{
	size_t at = made->length;

	made__number(made, 0, 4);
	made__number(made, made->length - common, 4);
	made__number(made, MADE_START, 8);
	made__number(made, MADE_END - MADE_START, 8);
	if (augmented)
		made__uleb(made, 0);
	made__bytes(made, program, program_bytes);
	made__patch_length(made, at);
}

/* The ELF file around it; frees what was made. */
static inline struct object *made__object(struct made *made, int machine, const char *section)
{
	struct {
		Elf64_Ehdr elf;
		Elf64_Shdr headers[3];
		char names[32];
	} * file;
	size_t bytes = sizeof(*file) + made->length;
	struct object *object = NULL;
	char why[256] = "";

	file = calloc(1, bytes);
	assert_non_null(file);
	memcpy(file->elf.e_ident, ELFMAG, SELFMAG);
	file->elf.e_ident[EI_CLASS] = ELFCLASS64;
	file->elf.e_ident[EI_DATA] = ELFDATA2LSB;
	file->elf.e_type = ET_DYN;
	file->elf.e_machine = (Elf64_Half)machine;
	file->elf.e_shoff = offsetof(__typeof__(*file), headers);
	file->elf.e_shentsize = sizeof(Elf64_Shdr);
	file->elf.e_shnum = 3;
	file->elf.e_shstrndx = 1;
	file->headers[1].sh_type = SHT_STRTAB;
	file->headers[1].sh_offset = offsetof(__typeof__(*file), names);
	file->headers[1].sh_size = sizeof(file->names);
	snprintf(file->names + 1, sizeof(file->names) - 1, "%s", section);
	file->headers[2].sh_name = 1;
	file->headers[2].sh_type = SHT_PROGBITS;
	file->headers[2].sh_addr = MADE_FRAMES_AT;
	file->headers[2].sh_offset = sizeof(*file);
	file->headers[2].sh_size = made->length;
	memcpy(file + 1, made->bytes, made->length);
	if (object__read_memory(&object, file, bytes, why, sizeof(why)))
		fail_msg("%s", why);
	free(file);
	free(made->bytes);
	*made = (struct made){0};
	return object;
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
