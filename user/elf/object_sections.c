/* SPDX-License-Identifier: GPL-2.0-only */
#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "base/cleanup.h"
#include "elf/object.h"
#include "elf/object_internal.h"

#define NAMES_MAX       (1U << 20)  /* bytes of all section names */
#define NOTES_MAX       (64U << 10) /* bytes of one note segment or section */
#define NOTES_TRIED_MAX 64          /* of them; a program has three or four */

static const struct {
	const char *name;
	bool place_only;
} wanted[] = {
	{".eh_frame", false},      {".eh_frame_hdr", false},  {".debug_frame", false},
	{".symtab", false},        {".strtab", false},        {".dynsym", false},
	{".dynstr", false},        {".gopclntab", false},     {".data.rel.ro.gopclntab", false},
	{".gnu_debugdata", false}, {".gnu_debuglink", false}, {".debug_line", true},
	{".zdebug_line", true},    {".text", true},           {".plt", true},
	{".plt.got", true},        {".plt.sec", true},        {".init", true},
	{".fini", true},
};

_Static_assert(sizeof(wanted) / sizeof(wanted[0]) <= OBJECT_SECTIONS_MAX, "a place for each");

static uint32_t align4(uint32_t bytes)
{
	return (bytes + 3) & ~3U;
}

static void object__take_build_id(struct object *object, const uint8_t *notes, size_t bytes)
{
	size_t at = 0;
	Elf64_Nhdr note;

	while (bytes - at >= sizeof(note)) {
		size_t name, description;

		memcpy(&note, notes + at, sizeof(note));
		at += sizeof(note);
		if (note.n_namesz > bytes || note.n_descsz > bytes)
			return;
		name = at;
		description = name + align4(note.n_namesz);
		if (description > bytes || note.n_descsz > bytes - description)
			return;
		if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == sizeof("GNU") &&
		    !memcmp(notes + name, "GNU", sizeof("GNU")) && note.n_descsz > 0 &&
		    note.n_descsz <= BUILD_ID_MAX_BYTES) {
			memcpy(object->build_id, notes + description, note.n_descsz);
			object->build_id_bytes = note.n_descsz;
			return;
		}
		at = description + align4(note.n_descsz);
		if (at > bytes)
			return;
	}
}

void object__read_notes(struct object *object, const struct source *source, uint64_t offset,
			uint64_t bytes)
{
	_cleanup_(freep) uint8_t *notes = NULL;

	if (object->build_id_bytes > 0 || object->notes_read == NOTES_TRIED_MAX)
		return;
	object->notes_read++;
	if (!source__load(source, offset, bytes, NOTES_MAX, &notes))
		object__take_build_id(object, notes, bytes);
}

static int inflate_section(const struct source *source, const uint8_t *data, size_t bytes,
			   uint8_t **out, size_t *out_bytes)
{
	_cleanup_(freep) uint8_t *inflated = NULL;
	Elf64_Chdr header;
	uLongf length;

	if (bytes < sizeof(header))
		return source__fail(source, -EINVAL, "a compressed section without a header");
	memcpy(&header, data, sizeof(header));
	if (header.ch_type != ELFCOMPRESS_ZLIB)
		return source__fail(source, -EINVAL, "a section is compressed in an unknown way");
	if (header.ch_size > OBJECT_SECTION_MAX_BYTES)
		return source__fail(
			source, -EFBIG,
			"a compressed section of %llu bytes is larger than the %u allowed",
			(unsigned long long)header.ch_size, OBJECT_SECTION_MAX_BYTES);
	length = header.ch_size;
	inflated = malloc(length + 1);
	if (!inflated)
		return source__fail(source, -ENOMEM, "out of memory");
	if (uncompress(inflated, &length, data + sizeof(header), bytes - sizeof(header)) != Z_OK ||
	    length != header.ch_size)
		return source__fail(source, -EINVAL, "a compressed section is damaged");
	inflated[length] = 0;
	*out = take(inflated);
	*out_bytes = length;
	return 0;
}

bool object__has(const struct object *object, const char *name)
{
	struct object_section section = object__section(object, name);

	return section.bytes > 0;
}

int object__check_size(const struct object *object, const struct source *source, uint64_t bytes)
{
	if (bytes <= OBJECT_SECTION_MAX_BYTES && object->held_bytes + bytes > OBJECT_MAX_BYTES)
		return source__fail(source, -EFBIG,
				    "its sections together are larger than %u bytes",
				    OBJECT_MAX_BYTES);
	return 0;
}

void object__add(struct object *object, const char *name, uint8_t *data, size_t bytes,
		 uint64_t vaddr)
{
	if (data)
		object->held_bytes += bytes + 1;
	object->sections[object->section_count++] = (struct loaded_section){
		.name = name,
		.data = data,
		.bytes = bytes,
		.vaddr = vaddr,
	};
}

static int object__load_section(struct object *object, const struct source *source,
				const char *name, const Elf64_Shdr *header)
{
	_cleanup_(freep) uint8_t *data = NULL;
	size_t bytes = header->sh_size;
	int error;

	error = object__check_size(object, source, header->sh_size);
	if (!error)
		error = source__load(source, header->sh_offset, header->sh_size,
				     OBJECT_SECTION_MAX_BYTES, &data);
	if (error)
		return error;
	if (header->sh_flags & SHF_COMPRESSED) {
		_cleanup_(freep) uint8_t *packed = take(data);

		error = inflate_section(source, packed, bytes, &data, &bytes);
		if (!error)
			error = object__check_size(object, source, bytes);
		if (error)
			return error;
	}
	object__add(object, name, take(data), bytes, header->sh_addr);
	return 0;
}

static int object__read_section(struct object *object, const struct source *source,
				const char *name, const Elf64_Shdr *header)
{
	if (header->sh_size == 0)
		return 0;
	if (header->sh_type == SHT_NOTE) {
		object__read_notes(object, source, header->sh_offset, header->sh_size);
		return 0;
	}
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		if (strcmp(wanted[i].name, name) || object__has(object, name))
			continue;
		if (wanted[i].place_only) {
			object__add(object, wanted[i].name, NULL, header->sh_size, header->sh_addr);
			return 0;
		}
		/* A separate debug file keeps the header of what it left out. */
		if (header->sh_type == SHT_NOBITS)
			return 0;
		return object__load_section(object, source, wanted[i].name, header);
	}
	return 0;
}

int object__read_sections(struct object *object, const struct source *source, const Elf64_Ehdr *elf)
{
	_cleanup_(freep) uint8_t *headers = NULL;
	_cleanup_(freep) uint8_t *names = NULL;
	Elf64_Shdr header;
	size_t names_bytes;
	int error;

	if (elf->e_shnum == 0)
		return 0;
	if (elf->e_shentsize != sizeof(header) || elf->e_shstrndx >= elf->e_shnum)
		return source__fail(source, -EINVAL, "its section headers make no sense");
	error = source__load(source, elf->e_shoff, (uint64_t)elf->e_shnum * sizeof(header),
			     UINT16_MAX * sizeof(header), &headers);
	if (error)
		return error;
	memcpy(&header, headers + elf->e_shstrndx * sizeof(header), sizeof(header));
	names_bytes = header.sh_size;
	error = source__load(source, header.sh_offset, header.sh_size, NAMES_MAX, &names);
	for (size_t i = 1; !error && i < elf->e_shnum; i++) {
		memcpy(&header, headers + i * sizeof(header), sizeof(header));
		if (header.sh_name < names_bytes)
			error = object__read_section(object, source, (char *)names + header.sh_name,
						     &header);
	}
	return error;
}
