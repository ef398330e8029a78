/* SPDX-License-Identifier: GPL-2.0-only */
#include "maps/vdso.h"

#include <errno.h>
#include <stdio.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "base/units.h"
#include "maps/proc_maps.h"

struct own_vdso {
	uint64_t start;
	uint64_t end;
};

static int find_vdso(void *context, const struct told_mapping *told)
{
	struct own_vdso *own = context;

	if (told->kind == MAPPING_VDSO && told->start == own->start)
		own->end = told->end;
	return 0;
}

int vdso__read(struct object **out, size_t *mapped_bytes, char *why, size_t why_size)
{
	struct own_vdso own = {.start = getauxval(AT_SYSINFO_EHDR)};
	uint64_t skipped = 0;
	int error = proc_maps__read("/proc", (uint32_t)getpid(), false, find_vdso, &own, &skipped);

	if (!error && own.end <= own.start)
		error = -ENOENT;
	if (error) {
		snprintf(why, why_size, "this program has no vdso of its own to read");
		return error;
	}
	error = object__read_memory(out, (const void *)(uintptr_t)own.start,
				    (size_t)(own.end - own.start), why, why_size);
	if (!error)
		*mapped_bytes = (size_t)(own.end - own.start);
	return error;
}

bool vdso__is_ours(const struct mapping *mapping, size_t mapped_bytes)
{
	return mapping->start >= 4 * GIB &&
	       mapping->offset + (mapping->end - mapping->start) == mapped_bytes;
}
