/* SPDX-License-Identifier: GPL-2.0-only */
#include "stacks/modules.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

/* Without it uthash ends the program when memory is short. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "base/cleanup.h"
#include "symbols/debug_file.h"

/* `module` is the first member: what callers have is what is kept. */
struct entry {
	struct module module;
	struct symbols *symbols;
	bool named; /* symbols were looked for */
	char *path;
	uint32_t pid; /* that mapped it when it was last used */
	struct mapping mapping;
	uint64_t told_ns;  /* 0: not yet */
	uint64_t used;     /* the higher, the later */
	UT_hash_handle hh; /* by object */
};

/* Asking the host which file is behind a mapping costs a few system calls: once is enough. */
struct place_key {
	const struct mapped_file *file;
	uint64_t start;
	uint64_t from_ns;
	uint64_t pid;
};

struct place {
	struct place_key key;
	struct entry *entry; /* NULL: nothing of use */
	struct mapped_file *file;
	UT_hash_handle hh; /* the oldest first */
};

#define PLACES_MAX 8192
#define RECENT     64 /* a power of two: what frames of stacks in a row ask for */

struct modules {
	struct objects *objects;
	struct stack_sink sink;
	struct place *places;
	struct place *recent[RECENT];
	struct entry *by_object;
	uint64_t uses;
	uint32_t last_id;
};

int modules__new(struct modules **out, struct objects *objects, const struct stack_sink *sink)
{
	struct modules *modules = calloc(1, sizeof(*modules));

	if (!modules)
		return -ENOMEM;
	modules->objects = objects;
	modules->sink = *sink;
	*out = modules;
	return 0;
}

/* Where the place of a key is, if it has been asked for lately. */
static struct place **recent(struct modules *modules, const struct place_key *key)
{
	uint64_t mixed =
		((uintptr_t)key->file >> 4 ^ key->start >> 12 ^ key->pid) * 0x9e3779b97f4a7c15ULL;

	return &modules->recent[mixed >> 32 & (RECENT - 1)];
}

static void drop_place(struct modules *modules, struct place *place)
{
	if (*recent(modules, &place->key) == place)
		*recent(modules, &place->key) = NULL;
	HASH_DEL(modules->places, place);
	mapped_file__unref(place->file);
	free(place);
}

static void drop(struct modules *modules, struct entry *entry)
{
	struct place *place, *next;

	HASH_ITER (hh, modules->places, place, next) {
		if (place->entry == entry)
			drop_place(modules, place);
	}
	HASH_DEL(modules->by_object, entry);
	if (entry->mapping.file)
		mapped_file__unref(entry->mapping.file);
	cfi__free(entry->module.cfi);
	symbols__free(entry->symbols);
	objects__put(modules->objects, entry->module.object);
	free(entry->path);
	free(entry);
}

void modules__free(struct modules *modules)
{
	struct entry *entry, *next;

	if (!modules)
		return;
	HASH_ITER (hh, modules->by_object, entry, next)
		drop(modules, entry);
	while (modules->places)
		drop_place(modules, modules->places);
	free(modules);
}

static size_t entry__bytes(const struct entry *entry)
{
	return sizeof(*entry) + strlen(entry->path) +
	       (entry->module.cfi ? cfi__bytes(entry->module.cfi) : 0) +
	       (entry->symbols ? symbols__bytes(entry->symbols) : 0);
}

size_t modules__bytes(const struct modules *modules)
{
	size_t bytes = sizeof(*modules) + HASH_COUNT(modules->places) * sizeof(struct place);

	for (struct entry *entry = modules->by_object; entry; entry = entry->hh.next)
		bytes += entry__bytes(entry);
	return bytes;
}

/* For one more. */
static void make_room(struct modules *modules)
{
	for (;;) {
		struct entry *least = modules->by_object;
		uint64_t bytes = 0;

		for (struct entry *entry = least; entry; entry = entry->hh.next) {
			bytes += entry__bytes(entry) + object__bytes(entry->module.object);
			if (entry->used < least->used)
				least = entry;
		}
		if (!least ||
		    (HASH_COUNT(modules->by_object) < MODULES_MAX && bytes <= MODULES_MAX_BYTES))
			return;
		drop(modules, least);
	}
}

/* Takes over `object`; NULL: out of memory. */
static struct entry *make(struct modules *modules, struct object *object, const char *path)
{
	struct entry *entry = calloc(1, sizeof(*entry));

	if (!entry)
		return NULL;
	entry->path = strdup(path ? path : "");
	entry->module.id = modules->last_id + 1;
	entry->module.object = object;
	if (entry->path)
		HASH_ADD_PTR(modules->by_object, module.object, entry);
	if (!entry->path || !entry->hh.tbl) {
		free(entry->path);
		free(entry);
		return NULL;
	}
	modules->last_id++;
	/* Without rules there is still the frame pointer. */
	if (cfi__new(&entry->module.cfi, object))
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
		drop_place(modules, modules->places);
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

	if (objects__get(modules->objects, pid, mapping, &object, why, sizeof(why)))
		return NULL;
	HASH_FIND_PTR(modules->by_object, &object, entry);
	if (entry) {
		/* It holds the object already. */
		objects__put(modules->objects, object);
		return entry;
	}
	make_room(modules);
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

struct module *modules__of(struct modules *modules, uint32_t pid, const struct mapping *mapping)
{
	const struct place_key key = {.file = mapping->file,
				      .start = mapping->start,
				      .from_ns = mapping->from_ns,
				      .pid = pid};
	struct place *place = *recent(modules, &key);
	struct entry *entry;

	if (place && memcmp(&place->key, &key, sizeof(key)) != 0)
		place = NULL;
	if (!place && mapping->file)
		HASH_FIND(hh, modules->places, &key, sizeof(key), place);
	if (place)
		*recent(modules, &key) = place;
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

/* Where only root puts files: anywhere else somebody could have the debug file that a program names
 * be a link to any large file of root's, and the checksum of all of it be taken. */
static bool is_roots_place(const char *path)
{
	static const char *const folders[] = {"/usr/", "/lib", "/bin/", "/sbin/"};

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		if (!strncmp(path, folders[i], strlen(folders[i])))
			return true;
	}
	return false;
}

/* The debug file is looked for in our own root, whose it has to be; where the process has another,
 * the build-id still says which one belongs to its program. False: there is none. */
static bool open_debug_file(const struct entry *entry, struct debug_file *debug)
{
	struct debug_place place = {.path = is_roots_place(entry->path) ? entry->path : NULL};
	char why[128];
	int error;

	place.root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (place.root < 0)
		return false;
	error = debug_file__open(debug, entry->module.object, &place, why, sizeof(why));
	closep(&place.root);
	return !error;
}

static void read_symbols(struct entry *entry)
{
	struct debug_file debug = {.fd = -1};
	bool has_debug = open_debug_file(entry, &debug);

	entry->named = true;
	if (symbols__new(&entry->symbols, entry->module.object, has_debug ? debug.object : NULL))
		entry->symbols = NULL;
	if (has_debug)
		debug_file__close(&debug);
}

bool modules__name(struct modules *modules, struct module *module, uint64_t vaddr,
		   struct symbol *out)
{
	struct entry *entry = (struct entry *)module;

	(void)modules;
	if (!entry->named)
		read_symbols(entry);
	return entry->symbols && symbols__find(entry->symbols, vaddr, out);
}

/* --- source lines ----------------------------------------------------------------------------- */

static struct entry *entry_of(const struct modules *modules, uint32_t id)
{
	struct entry *entry = modules->by_object;

	while (entry && entry->module.id != id)
		entry = entry->hh.next;
	return entry;
}

static bool has_lines(const struct object *object)
{
	return object__section(object, ".debug_line").bytes > 0 ||
	       object__section(object, ".zdebug_line").bytes > 0;
}

int modules__open_lines(struct modules *modules, uint32_t id)
{
	struct entry *entry = entry_of(modules, id);
	struct debug_file debug = {.fd = -1};
	int fd = -1;

	if (!entry)
		return -ESRCH;
	if (entry->module.lineless)
		return -ENODATA;
	if (has_lines(entry->module.object))
		return objects__open(modules->objects, entry->pid, &entry->mapping,
				     entry->module.object);
	if (open_debug_file(entry, &debug)) {
		if (has_lines(debug.object)) {
			fd = debug.fd;
			debug.fd = -1;
		}
		debug_file__close(&debug);
	}
	entry->module.lineless = fd < 0;
	return fd < 0 ? -ENODATA : fd;
}

void modules__has_no_lines(struct modules *modules, uint32_t id)
{
	struct entry *entry = entry_of(modules, id);

	if (entry)
		entry->module.lineless = true;
}
