/* SPDX-License-Identifier: GPL-2.0-only */
#include "stacks/modules_internal.h"

#include <stdlib.h>
#include <string.h>

void modules__drop_place(struct modules *modules, struct place *place)
{
	if (*modules__recent(modules, &place->key) == place)
		*modules__recent(modules, &place->key) = NULL;
	HASH_DEL(modules->places, place);
	mapped_file__unref(place->file);
	free(place);
}

void modules__drop(struct modules *modules, struct entry *entry)
{
	struct place *place, *next;

	HASH_ITER (hh, modules->places, place, next) {
		if (place->entry == entry)
			modules__drop_place(modules, place);
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

static struct entry *least_used(const struct modules *modules, const struct entry *kept)
{
	struct entry *least = NULL;

	for (struct entry *entry = modules->by_object; entry; entry = entry->hh.next) {
		if (entry != kept && (!least || entry->used < least->used))
			least = entry;
	}
	return least;
}

static size_t all_bytes(const struct modules *modules)
{
	size_t bytes = 0;

	for (struct entry *entry = modules->by_object; entry; entry = entry->hh.next)
		bytes += entry__bytes(entry) + object__bytes(entry->module.object);
	return bytes;
}

void modules__make_room(struct modules *modules)
{
	struct entry *least;

	while ((least = least_used(modules, NULL)) &&
	       (HASH_COUNT(modules->by_object) >= MODULES_MAX ||
		all_bytes(modules) > MODULES_MAX_BYTES))
		modules__drop(modules, least);
}

void modules__keep_within(struct modules *modules, size_t max_bytes)
{
	struct entry *least;

	while (all_bytes(modules) > max_bytes && (least = least_used(modules, NULL)))
		modules__drop(modules, least);
	objects__keep_within(modules->objects, max_bytes);
}

bool modules__relieve(struct modules *modules, const struct entry *kept)
{
	const size_t before = all_bytes(modules) + objects__counts(modules->objects).bytes;
	const size_t most = all_bytes(modules) / 2;
	struct entry *least;

	while (all_bytes(modules) > most && (least = least_used(modules, kept)))
		modules__drop(modules, least);
	objects__keep_within(modules->objects, most);
	return all_bytes(modules) + objects__counts(modules->objects).bytes < before;
}

bool modules__give_up(struct modules *modules)
{
	return modules__relieve(modules, NULL);
}
