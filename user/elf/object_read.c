/* SPDX-License-Identifier: GPL-2.0-only */
#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "elf/object.h"
#include "elf/object_internal.h"

#define EH_HEAD_BYTES   12   /* version, three encodings, two 32-bit values */
#define EH_PCREL_SDATA4 0x1b /* DW_EH_PE_pcrel | DW_EH_PE_sdata4, what every linker writes */

static const struct object_segment *object__segment_of(const struct object *object, uint64_t vaddr)
{
	for (size_t i = 0; i < object->segment_count; i++) {
		const struct object_segment *segment = &object->segments[i];

		if (vaddr >= segment->vaddr && vaddr - segment->vaddr < segment->file_bytes)
			return segment;
	}
	return NULL;
}

/* .eh_frame by the pointer in .eh_frame_hdr, for files without section headers. */
static int object__find_eh_frame(struct object *object, const struct source *source,
				 const Elf64_Phdr *header)
{
	_cleanup_(freep) uint8_t *head = NULL;
	_cleanup_(freep) uint8_t *frames = NULL;
	const struct object_segment *segment;
	uint64_t vaddr, inside, bytes;
	int32_t distance;
	int error;

	if (header->p_filesz < EH_HEAD_BYTES || object__has(object, ".eh_frame"))
		return 0;
	error = source__load(source, header->p_offset, header->p_filesz, OBJECT_SECTION_MAX_BYTES,
			     &head);
	if (error)
		return error;
	if (head[1] != EH_PCREL_SDATA4)
		return 0;
	memcpy(&distance, head + 4, sizeof(distance));
	vaddr = header->p_vaddr + 4 + (uint64_t)(int64_t)distance;
	segment = object__segment_of(object, vaddr);
	if (!segment)
		return 0;
	inside = vaddr - segment->vaddr;
	bytes = segment->file_bytes - inside;
	error = object__check_size(object, source, bytes + header->p_filesz);
	if (!error)
		error = source__load(source, segment->offset + inside, bytes,
				     OBJECT_SECTION_MAX_BYTES, &frames);
	if (error)
		return error;
	object__add(object, ".eh_frame", take(frames), bytes, vaddr);
	if (!object__has(object, ".eh_frame_hdr"))
		object__add(object, ".eh_frame_hdr", take(head), header->p_filesz, header->p_vaddr);
	return 0;
}

static int object__read_segment(struct object *object, const struct source *source,
				const Elf64_Phdr *header)
{
	if (header->p_type == PT_NOTE)
		object__read_notes(object, source, header->p_offset, header->p_filesz);
	if (header->p_type != PT_LOAD || header->p_filesz == 0)
		return 0;
	if (object->segment_count == OBJECT_SEGMENTS_MAX)
		return source__fail(source, -EINVAL, "it has more than %u loadable segments",
				    OBJECT_SEGMENTS_MAX);
	object->segments[object->segment_count++] = (struct object_segment){
		.offset = header->p_offset,
		.file_bytes = header->p_filesz,
		.vaddr = header->p_vaddr,
		.executable = header->p_flags & PF_X,
	};
	return 0;
}

/* Sections first: what they do not tell is looked for by the segments. */
static int object__read_body(struct object *object, const struct source *source,
			     const Elf64_Ehdr *elf)
{
	_cleanup_(freep) uint8_t *headers = NULL;
	Elf64_Phdr header;
	int error;

	error = object__read_sections(object, source, elf);
	if (error || elf->e_phnum == 0)
		return error;
	if (elf->e_phentsize != sizeof(header))
		return source__fail(source, -EINVAL, "its program headers make no sense");
	error = source__load(source, elf->e_phoff, (uint64_t)elf->e_phnum * sizeof(header),
			     UINT16_MAX * sizeof(header), &headers);
	for (size_t i = 0; !error && i < elf->e_phnum; i++) {
		memcpy(&header, headers + i * sizeof(header), sizeof(header));
		error = object__read_segment(object, source, &header);
	}
	for (size_t i = 0; !error && i < elf->e_phnum; i++) {
		memcpy(&header, headers + i * sizeof(header), sizeof(header));
		if (header.p_type == PT_GNU_EH_FRAME)
			error = object__find_eh_frame(object, source, &header);
	}
	return error;
}

static int source__check_header(const struct source *source, const Elf64_Ehdr *elf)
{
	if (memcmp(elf->e_ident, ELFMAG, SELFMAG))
		return source__fail(source, -EINVAL, "it is no ELF file");
	if (elf->e_ident[EI_CLASS] != ELFCLASS64)
		return source__fail(source, -ENOEXEC, "it is no 64-bit ELF file");
	if (elf->e_ident[EI_DATA] != ELFDATA2LSB ||
	    (elf->e_machine != EM_X86_64 && elf->e_machine != EM_AARCH64))
		return source__fail(source, -ENOEXEC, "it is for another machine");
	if (elf->e_type != ET_EXEC && elf->e_type != ET_DYN)
		return source__fail(source, -EINVAL,
				    "it is neither a program nor a shared library");
	return 0;
}

static int object__from(struct object **out, const struct source *source)
{
	struct object *object;
	Elf64_Ehdr elf;
	int error;

	if (source->bytes < sizeof(elf))
		return source__fail(source, -EINVAL, "it is too short for an ELF file");
	error = source__read(source, 0, &elf, sizeof(elf));
	if (!error)
		error = source__check_header(source, &elf);
	if (error)
		return error;
	object = calloc(1, sizeof(*object));
	if (!object)
		return source__fail(source, -ENOMEM, "out of memory");
	atomic_init(&object->references, 1);
	object->machine = elf.e_machine;
	object->entry_vaddr = elf.e_entry;
	error = object__read_body(object, source, &elf);
	if (error) {
		object__unref(object);
		return error;
	}
	*out = object;
	return 0;
}

int object__read(struct object **out, int fd, char *why, size_t why_size)
{
	struct source source = {.fd = fd, .why = why, .why_size = why_size};
	struct stat status;

	if (fstat(fd, &status))
		return source__fail(&source, -EINVAL, "cannot look at the file: %s",
				    strerror(errno));
	if (!S_ISREG(status.st_mode))
		return source__fail(&source, -EINVAL, "it is no regular file");
	source.bytes = (uint64_t)status.st_size;
	return object__from(out, &source);
}

int object__read_memory(struct object **out, const void *data, size_t bytes, char *why,
			size_t why_size)
{
	const struct source source = {
		.fd = -1,
		.memory = data,
		.bytes = bytes,
		.why = why,
		.why_size = why_size,
	};

	return object__from(out, &source);
}
