/* SPDX-License-Identifier: GPL-2.0-only */
#include "stacks/dictionary.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"

/* Without it uthash ends the program when memory is short. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

struct frame_key {
	uint64_t address;
	uint64_t content; /* of name and start, FNV-1a; 0 where there is a module */
	uint32_t module;
	uint32_t kind; /* likewise */
};

/* So often a word's place in the order is brought up to date: what each sample uses would be taken
 * out and put in again by each. */
#define ORDER_NS NS_PER_S

/* Of all kinds: the key's bytes lie behind. */
struct word {
	uint64_t used_ns;
	uint64_t placed_ns;
	uint32_t id;
	uint32_t key_bytes;
	UT_hash_handle hh; /* the least recently used first, to ORDER_NS */
	_Alignas(8) unsigned char key[];
};

struct dictionary {
	struct stack_sink sink;
	struct word *frames, *chains, *files;
	uint32_t last_frame, last_chain, last_file;
	size_t bytes; /* of words */
};

int dictionary__new(struct dictionary **out, const struct stack_sink *sink)
{
	struct dictionary *dictionary = calloc(1, sizeof(*dictionary));

	if (!dictionary)
		return -ENOMEM;
	dictionary->sink = *sink;
	*out = dictionary;
	return 0;
}

void dictionary__number_from(struct dictionary *dictionary, const struct stack_numbers *last)
{
	dictionary->last_frame = last->frame;
	dictionary->last_chain = last->stack;
	dictionary->last_file = last->file;
}

static void drop(struct dictionary *dictionary, struct word **words, struct word *word)
{
	HASH_DEL(*words, word);
	dictionary->bytes -= sizeof(*word) + word->key_bytes;
	free(word);
}

void dictionary__free(struct dictionary *dictionary)
{
	if (!dictionary)
		return;
	while (dictionary->frames)
		drop(dictionary, &dictionary->frames, dictionary->frames);
	while (dictionary->chains)
		drop(dictionary, &dictionary->chains, dictionary->chains);
	while (dictionary->files)
		drop(dictionary, &dictionary->files, dictionary->files);
	free(dictionary);
}

size_t dictionary__bytes(const struct dictionary *dictionary)
{
	return sizeof(*dictionary) + dictionary->bytes;
}

/* To the end of the order. False: no memory, and `word` is gone. */
static bool append(struct dictionary *dictionary, struct word **words, struct word *word)
{
	HASH_ADD_KEYPTR(hh, *words, word->key, word->key_bytes, word);
	if (word->hh.tbl)
		return true;
	dictionary->bytes -= sizeof(*word) + word->key_bytes;
	free(word);
	return false;
}

/* 0: unknown, or not used for so long that it has to be told again. */
static uint32_t look_up(struct dictionary *dictionary, struct word **words, const void *key,
			uint32_t key_bytes, uint64_t now_ns)
{
	struct word *word;

	HASH_FIND(hh, *words, key, key_bytes, word);
	if (!word)
		return 0;
	/* Samples of several processors are not quite in the order of their times. */
	if (now_ns > word->used_ns && now_ns - word->used_ns >= SINK_RETELL_NS)
		return 0;
	if (now_ns > word->used_ns)
		word->used_ns = now_ns;
	if (now_ns < word->placed_ns + ORDER_NS)
		return word->id;
	word->placed_ns = now_ns;
	HASH_DEL(*words, word);
	return append(dictionary, words, word) ? word->id : 0;
}

static void make_room(struct dictionary *dictionary, struct word **words, size_t bytes)
{
	if (HASH_COUNT(*words) >= DICTIONARY_MAX)
		drop(dictionary, words, *words);
	/* A chain is larger than a frame, and of the many there are only few that come again. */
	while (dictionary->bytes + bytes > DICTIONARY_MAX_BYTES && dictionary->chains)
		drop(dictionary, &dictionary->chains, dictionary->chains);
	while (dictionary->bytes + bytes > DICTIONARY_MAX_BYTES && dictionary->files)
		drop(dictionary, &dictionary->files, dictionary->files);
}

/* One that has to be told (again): under the number that it had, or else under *last + 1. */
static int add(struct dictionary *dictionary, struct word **words, const void *key,
	       uint32_t key_bytes, uint32_t *last, uint64_t now_ns, uint32_t *id)
{
	struct word *word;

	HASH_FIND(hh, *words, key, key_bytes, word);
	if (word) {
		HASH_DEL(*words, word);
	} else {
		word = calloc(1, sizeof(*word) + key_bytes);
		if (!word)
			return -ENOMEM;
		memcpy(word->key, key, key_bytes);
		word->key_bytes = key_bytes;
		word->id = ++*last;
		make_room(dictionary, words, sizeof(*word) + key_bytes);
		dictionary->bytes += sizeof(*word) + key_bytes;
	}
	word->used_ns = now_ns;
	word->placed_ns = now_ns;
	*id = word->id;
	return append(dictionary, words, word) ? 0 : -ENOMEM;
}

static uint64_t fnv(uint64_t hash, const void *data, size_t bytes)
{
	const unsigned char *at = data;

	for (size_t i = 0; i < bytes; i++)
		hash = (hash ^ at[i]) * 0x100000001b3ULL;
	return hash;
}

static struct frame_key frame_key(const struct stack_frame *frame)
{
	struct frame_key key = {.address = frame->address, .module = frame->module};

	if (frame->module)
		return key;
	key.kind = frame->kind;
	if (frame->name)
		key.content = fnv(fnv(0xcbf29ce484222325ULL, &frame->start, sizeof(frame->start)),
				  frame->name, strlen(frame->name));
	return key;
}

uint32_t dictionary__frame(struct dictionary *dictionary, const struct stack_frame *frame,
			   uint64_t now_ns)
{
	struct frame_key key = frame_key(frame);

	return look_up(dictionary, &dictionary->frames, &key, sizeof(key), now_ns);
}

int dictionary__add_frame(struct dictionary *dictionary, const struct stack_frame *frame,
			  uint64_t now_ns, uint32_t *id)
{
	struct frame_key key = frame_key(frame);
	struct stack_frame told = *frame;
	int error = add(dictionary, &dictionary->frames, &key, sizeof(key), &dictionary->last_frame,
			now_ns, id);

	if (error)
		return error;
	told.id = *id;
	return dictionary->sink.frame(dictionary->sink.context, &told);
}

int dictionary__chain(struct dictionary *dictionary, const uint32_t *frames, size_t count,
		      enum stack_end end, uint64_t now_ns, uint32_t *id)
{
	uint32_t key[1 + EVENT_STACK_FRAMES];
	struct stack_chain told = {.end = end, .frames = frames, .count = count};
	uint32_t key_bytes = (uint32_t)((1 + count) * sizeof(key[0]));
	int error;

	key[0] = end;
	if (count > 0)
		memcpy(key + 1, frames, count * sizeof(key[0]));
	*id = look_up(dictionary, &dictionary->chains, key, key_bytes, now_ns);
	if (*id)
		return 0;
	error = add(dictionary, &dictionary->chains, key, key_bytes, &dictionary->last_chain,
		    now_ns, id);
	if (error)
		return error;
	told.id = *id;
	return dictionary->sink.stack(dictionary->sink.context, &told);
}

int dictionary__file(struct dictionary *dictionary, const struct stack_file *file, uint64_t now_ns,
		     uint32_t *id)
{
	const size_t path_bytes = strnlen(file->path, EVENT_PATH_BYTES);
	const size_t mount_bytes = file->mount ? strnlen(file->mount, EVENT_PATH_BYTES) : 0;
	char key[sizeof(file->flags) + 2 * EVENT_PATH_BYTES + 1] = {0};
	const size_t key_bytes = sizeof(file->flags) + path_bytes + 1 + mount_bytes;
	struct stack_file told = *file;
	int error;

	memcpy(key, &file->flags, sizeof(file->flags));
	memcpy(key + sizeof(file->flags), file->path, path_bytes);
	if (mount_bytes)
		memcpy(key + sizeof(file->flags) + path_bytes + 1, file->mount, mount_bytes);
	*id = look_up(dictionary, &dictionary->files, key, (uint32_t)key_bytes, now_ns);
	if (*id)
		return 0;
	error = add(dictionary, &dictionary->files, key, (uint32_t)key_bytes,
		    &dictionary->last_file, now_ns, id);
	if (error)
		return error;
	told.id = *id;
	return dictionary->sink.file(dictionary->sink.context, &told);
}
