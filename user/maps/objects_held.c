/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "maps/objects_internal.h"

#include <utlist.h>

void objects__drop(struct objects *objects, struct held *held)
{
	while (held->files) {
		struct known *known = held->files;

		held->files = known->next;
		HASH_DELETE(hh, objects->by_key, known);
		free(known);
		objects->counts.files--;
	}
	if (held->object && held->hh.tbl)
		HASH_DELETE(hh, objects->by_object, held);
	DL_DELETE(objects->recent, held);
	object__unref(held->object);
	objects->counts.bytes -= held->bytes;
	free(held);
}

void objects__make_room(struct objects *objects)
{
	struct held *held, *next;

	DL_FOREACH_SAFE(objects->recent, held, next)
	{
		if (objects->counts.bytes <= objects->max_bytes)
			return;
		if (held->users)
			continue;
		objects__drop(objects, held);
		objects->counts.evicted++;
	}
}

void objects__use(struct objects *objects, struct held *held)
{
	DL_DELETE(objects->recent, held);
	DL_APPEND(objects->recent, held);
}

struct held *objects__hold(struct objects *objects, struct object *object)
{
	struct held *held = calloc(1, sizeof(*held));

	if (!held) {
		object__unref(object);
		return NULL;
	}
	held->object = object;
	held->bytes = sizeof(*held) + (object ? object__bytes(object) : 0);
	objects->counts.bytes += held->bytes;
	DL_APPEND(objects->recent, held);
	if (!object)
		return held;
	HASH_ADD_PTR(objects->by_object, object, held);
	if (!held->hh.tbl) {
		objects__drop(objects, held);
		return NULL;
	}
	return held;
}

int objects__know(struct objects *objects, const struct file_key *key, struct held *held)
{
	struct known *known = calloc(1, sizeof(*known));

	if (!known)
		return -ENOMEM;
	known->key = *key;
	known->held = held;
	HASH_ADD(hh, objects->by_key, key, sizeof(known->key), known);
	if (!known->hh.tbl) {
		free(known);
		return -ENOMEM;
	}
	known->next = held->files;
	held->files = known;
	held->bytes += sizeof(*known);
	objects->counts.bytes += sizeof(*known);
	objects->counts.files++;
	return 0;
}

struct held *objects__find_equal(const struct objects *objects, const struct object *object)
{
	struct held *held;

	DL_FOREACH(objects->recent, held)
	{
		if (held->object && object__equal(held->object, object))
			return held;
	}
	return NULL;
}

static bool is_like(const struct held *held, const struct file_id *id)
{
	const uint8_t *build_id;
	size_t bytes;

	if (!held->object)
		return false;
	if (id->build_id_bytes > 0) {
		build_id = object__build_id(held->object, &bytes);
		return build_id && bytes == id->build_id_bytes &&
		       !memcmp(build_id, id->build_id, bytes);
	}
	for (const struct known *known = held->files; known && id->inode; known = known->next) {
		if (known->key.inode == id->inode &&
		    known->key.device == makedev(id->major, id->minor))
			return true;
	}
	return false;
}

struct held *objects__find_like(const struct objects *objects, const struct file_id *id)
{
	struct held *held, *found = NULL;

	DL_FOREACH(objects->recent, held)
	{
		if (!is_like(held, id))
			continue;
		if (found)
			return NULL;
		found = held;
	}
	return found;
}
