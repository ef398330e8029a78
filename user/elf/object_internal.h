/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <elf.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "elf/source.h"

#define OBJECT_SECTIONS_MAX 20 /* rows of `wanted` in object_sections.c */
#define OBJECT_SEGMENTS_MAX 64 /* of PT_LOAD */
#define BUILD_ID_MAX_BYTES  64

struct loaded_section {
	const char *name; /* of the table of wanted ones */
	uint8_t *data;
	size_t bytes;
	uint64_t vaddr;
};

/* A PT_LOAD. */
struct object_segment {
	uint64_t offset;
	uint64_t file_bytes;
	uint64_t vaddr;
	bool executable;
};

struct object {
	atomic_int references;
	int machine;
	uint64_t entry_vaddr;
	size_t held_bytes;
	uint8_t build_id[BUILD_ID_MAX_BYTES];
	size_t build_id_bytes;
	unsigned int notes_read;
	struct object_segment segments[OBJECT_SEGMENTS_MAX];
	size_t segment_count;
	struct loaded_section sections[OBJECT_SECTIONS_MAX];
	size_t section_count;
};

bool object__has(const struct object *object, const char *name);

/* One more of `bytes` would be too much: -EFBIG. What is too large alone, source__load() says. */
int object__check_size(const struct object *object, const struct source *source, uint64_t bytes);

/* Hands over `data` (NULL: only its place is known). */
void object__add(struct object *object, const char *name, uint8_t *data, size_t bytes,
		 uint64_t vaddr);

/* Notes that cannot be read are none: the build-id is good to have, not needed. */
void object__read_notes(struct object *object, const struct source *source, uint64_t offset,
			uint64_t bytes);

int object__read_sections(struct object *object, const struct source *source,
			  const Elf64_Ehdr *elf);
