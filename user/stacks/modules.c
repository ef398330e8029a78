/* SPDX-License-Identifier: GPL-2.0-only */
#include "stacks/modules_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PLACES_MAX 8192

int modules__new(struct modules **out, struct objects *objects, struct patience *patience,
		 const struct stack_sink *sink)
{
	struct modules *modules = calloc(1, sizeof(*modules));

	if (!modules)
		return -ENOMEM;
	modules->objects = objects;
	modules->patience = patience;
	modules->sink = *sink;
	*out = modules;
	return 0;
}

uint64_t modules__too_large(const struct modules *modules)
{
	return modules->too_large;
}

void modules__number_from(struct modules *modules, uint32_t last)
{
	modules->last_id = last;
}

uint32_t modules__new_number(struct modules *modules)
{
	return ++modules->last_id;
}

void modules__free(struct modules *modules)
{
	struct entry *entry, *next;

	if (!modules)
		return;
	HASH_ITER (hh, modules->by_object, entry, next)
		modules__drop(modules, entry);
	while (modules->places)
		modules__drop_place(modules, modules->places);
	free(modules);
}

/* Takes over `object`; NULL: out of memory. */
static struct entry *make(struct modules *modules, struct object *object, const char *path)
{
	struct entry *entry = calloc(1, sizeof(*entry));
	int error;

	if (!entry)
		return NULL;
	entry->path = strdup(path ? path : "");
	entry->module.object = object;
	entry->module.init_vaddr = object__section(object, ".init").vaddr;
	entry->module.fini_vaddr = object__section(object, ".fini").vaddr;
	if (entry->path)
		HASH_ADD_PTR(modules->by_object, module.object, entry);
	if (!entry->path || !entry->hh.tbl) {
		free(entry->path);
		free(entry);
		return NULL;
	}
	entry->module.id = modules__new_number(modules);
	error = cfi__new(&entry->module.cfi, object);
	while (error == -ENOMEM && modules__relieve(modules, entry))
		error = cfi__new(&entry->module.cfi, object);
	modules->too_large += error == -ENOMEM;
	/* Without rules there is still the frame pointer. */
	if (error)
		entry->module.cfi = NULL;
	return entry;
}

/* Where that fails, it is asked for again. */
static void remember(struct modules *modules, const struct place_key *key, struct mapped_file *file,
		     struct entry *entry)
{
	struct place *place = calloc(1, sizeof(*place));

	if (!place)
		return;
	if (HASH_COUNT(modules->places) >= PLACES_MAX)
		modules__drop_place(modules, modules->places);
	place->key = *key;
	place->entry = entry;
	HASH_ADD(hh, modules->places, key, sizeof(place->key), place);
	if (!place->hh.tbl) {
		free(place);
		return;
	}
	place->file = mapped_file__ref(file);
}

static struct entry *ask(struct modules *modules, uint32_t pid, const struct mapping *mapping)
{
	struct entry *entry = NULL;
	struct object *object;
	char why[128];
	int error = objects__get(modules->objects, pid, mapping, &object, why, sizeof(why));

	while (error == -ENOMEM && modules__relieve(modules, NULL))
		error = objects__get(modules->objects, pid, mapping, &object, why, sizeof(why));
	modules->too_large += error == -ENOMEM;
	if (error)
		return NULL;
	HASH_FIND_PTR(modules->by_object, &object, entry);
	if (entry) {
		/* It holds the object already. */
		objects__put(modules->objects, object);
		return entry;
	}
	modules__make_room(modules);
	entry = make(modules, object, mapping->file ? mapped_file__path(mapping->file) : "[vdso]");
	if (!entry)
		objects__put(modules->objects, object);
	return entry;
}

/* The way to its file: the latest is the likeliest to be there still. */
static void remember_way(struct entry *entry, uint32_t pid, const struct mapping *mapping)
{
	struct mapped_file *before = entry->mapping.file;

	if (entry->pid == pid && before == mapping->file &&
	    entry->mapping.start == mapping->start && entry->mapping.from_ns == mapping->from_ns)
		return;
	entry->pid = pid;
	entry->mapping = *mapping;
	if (mapping->file)
		mapped_file__ref(mapping->file);
	if (before)
		mapped_file__unref(before);
}

static bool has_patience(struct modules *modules)
{
	return !modules->patience || patience__allows(modules->patience);
}

struct module *modules__of(struct modules *modules, uint32_t pid, const struct mapping *mapping)
{
	const struct place_key key = {.file = mapping->file,
				      .start = mapping->start,
				      .from_ns = mapping->from_ns,
				      .pid = pid};
	struct place *place = *modules__recent(modules, &key);
	struct entry *entry;

	if (place && memcmp(&place->key, &key, sizeof(key)) != 0)
		place = NULL;
	if (!place && mapping->file)
		HASH_FIND(hh, modules->places, &key, sizeof(key), place);
	if (place)
		*modules__recent(modules, &key) = place;
	if (!place && mapping->file && !has_patience(modules))
		return NULL;
	entry = place ? place->entry : ask(modules, pid, mapping);
	if (!place && mapping->file)
		remember(modules, &key, mapping->file, entry);
	if (!entry)
		return NULL;
	entry->used = ++modules->uses;
	remember_way(entry, pid, mapping);
	return &entry->module;
}

int modules__tell(struct modules *modules, struct module *module, uint64_t now_ns)
{
	struct entry *entry = (struct entry *)module;
	struct stack_module told = {.id = module->id, .path = entry->path};
	bool known = entry->told_ns && now_ns < entry->told_ns + SINK_RETELL_NS;

	if (known)
		return 0;
	entry->told_ns = now_ns;
	told.build_id = object__build_id(module->object, &told.build_id_bytes);
	return modules->sink.module(modules->sink.context, &told);
}

static int read_symbols(struct entry *entry)
{
	struct debug_file debug = {.fd = -1};
	bool has_debug = modules__open_debug_file(entry, &debug);
	int error = symbols__new(&entry->symbols, entry->module.object,
				 has_debug ? debug.object : NULL);

	if (error)
		entry->symbols = NULL;
	if (has_debug)
		debug_file__close(&debug);
	return error;
}

/* What is too large even when nothing else is there has no names. */
static void find_symbols(struct modules *modules, struct entry *entry)
{
	int error = read_symbols(entry);

	while (error == -ENOMEM && modules__relieve(modules, entry))
		error = read_symbols(entry);
	modules->too_large += error == -ENOMEM;
	entry->named = true;
}

bool modules__can_name(struct modules *modules, const struct module *module)
{
	return ((const struct entry *)module)->named || has_patience(modules);
}

bool modules__name(struct modules *modules, struct module *module, uint64_t vaddr,
		   struct symbol *out)
{
	struct entry *entry = (struct entry *)module;

	if (!entry->named)
		find_symbols(modules, entry);
	return entry->symbols && symbols__find(entry->symbols, vaddr, out);
}
