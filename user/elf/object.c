/* SPDX-License-Identifier: GPL-2.0-only */
#include "elf/object.h"

#include <elf.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "elf/object_internal.h"

struct object *object__ref(struct object *object)
{
	atomic_fetch_add(&object->references, 1);
	return object;
}

void object__unref(struct object *object)
{
	if (!object || atomic_fetch_sub(&object->references, 1) != 1)
		return;
	for (size_t i = 0; i < object->section_count; i++)
		free(object->sections[i].data);
	free(object);
}

int object__machine(const struct object *object)
{
	return object->machine;
}

uint64_t object__entry(const struct object *object)
{
	return object->entry_vaddr;
}

const uint8_t *object__build_id(const struct object *object, size_t *bytes)
{
	*bytes = object->build_id_bytes;
	return object->build_id_bytes ? object->build_id : NULL;
}

bool object__vaddr(const struct object *object, uint64_t file_offset, uint64_t *vaddr)
{
	const struct object_segment *found = NULL;

	for (size_t i = 0; i < object->segment_count; i++) {
		const struct object_segment *segment = &object->segments[i];

		if (file_offset < segment->offset ||
		    file_offset - segment->offset >= segment->file_bytes)
			continue;
		if (!found || (segment->executable && !found->executable))
			found = segment;
	}
	if (!found)
		return false;
	*vaddr = found->vaddr + (file_offset - found->offset);
	return true;
}

struct object_section object__section(const struct object *object, const char *name)
{
	for (size_t i = 0; i < object->section_count; i++) {
		const struct loaded_section *section = &object->sections[i];

		if (!strcmp(section->name, name))
			return (struct object_section){
				.data = section->data,
				.bytes = section->bytes,
				.vaddr = section->vaddr,
			};
	}
	return (struct object_section){0};
}

bool object__equal(const struct object *a, const struct object *b)
{
	if (a->machine != b->machine || a->build_id_bytes != b->build_id_bytes ||
	    memcmp(a->build_id, b->build_id, a->build_id_bytes) ||
	    a->segment_count != b->segment_count || a->section_count != b->section_count)
		return false;
	for (size_t i = 0; i < a->segment_count; i++) {
		const struct object_segment *one = &a->segments[i], *other = &b->segments[i];

		if (one->offset != other->offset || one->file_bytes != other->file_bytes ||
		    one->vaddr != other->vaddr || one->executable != other->executable)
			return false;
	}
	for (size_t i = 0; i < a->section_count; i++) {
		const struct loaded_section *one = &a->sections[i], *other = &b->sections[i];

		if (strcmp(one->name, other->name) || one->bytes != other->bytes ||
		    one->vaddr != other->vaddr || !one->data != !other->data ||
		    (one->data && memcmp(one->data, other->data, one->bytes)))
			return false;
	}
	return true;
}

size_t object__bytes(const struct object *object)
{
	return sizeof(*object) + object->held_bytes;
}
