/* SPDX-License-Identifier: GPL-2.0-only */
#include "stacks/dictionary.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Without it uthash ends the program when memory is short. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

struct frame_key {
	uint64_t address;
	uint32_t module;
	uint32_t pid; /* 0 where there is a module */
};

/* Both kinds: the key's bytes lie behind. */
struct word {
	uint64_t used_ns;
	uint32_t id;
	UT_hash_handle hh; /* the least recently used first */
	_Alignas(8) unsigned char key[];
};

struct dictionary {
	struct stack_sink sink;
	struct word *frames, *chains;
	uint32_t last_frame, last_chain;
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

static void clear(struct word **words)
{
	struct word *word, *next;

	HASH_ITER (hh, *words, word, next) {
		HASH_DEL(*words, word);
		free(word);
	}
}

void dictionary__free(struct dictionary *dictionary)
{
	if (!dictionary)
		return;
	clear(&dictionary->frames);
	clear(&dictionary->chains);
	free(dictionary);
}

/* NULL: unknown, or not used for so long that it has to be told again. */
static struct word *look_up(struct word **words, const void *key, unsigned int bytes,
			    uint64_t now_ns)
{
	struct word *word;

	HASH_FIND(hh, *words, key, bytes, word);
	if (!word)
		return NULL;
	HASH_DEL(*words, word);
	if (now_ns - word->used_ns >= STACK_RETELL_NS) {
		free(word);
		return NULL;
	}
	/* To the end of the order; the table has just had room for it. */
	HASH_ADD_KEYPTR(hh, *words, word->key, bytes, word);
	if (!word->hh.tbl) {
		free(word);
		return NULL;
	}
	word->used_ns = now_ns;
	return word;
}

static struct word *add(struct word **words, const void *key, unsigned int bytes, uint32_t id,
			uint64_t now_ns)
{
	struct word *word = calloc(1, sizeof(*word) + bytes), *oldest = *words;

	if (!word)
		return NULL;
	memcpy(word->key, key, bytes);
	word->id = id;
	word->used_ns = now_ns;
	if (HASH_COUNT(*words) >= DICTIONARY_MAX) {
		HASH_DEL(*words, oldest);
		free(oldest);
	}
	HASH_ADD_KEYPTR(hh, *words, word->key, bytes, word);
	if (word->hh.tbl)
		return word;
	free(word);
	return NULL;
}

static struct frame_key frame_key(uint32_t module, uint32_t pid, uint64_t address)
{
	return (struct frame_key){.address = address, .module = module, .pid = module ? 0 : pid};
}

uint32_t dictionary__frame(struct dictionary *dictionary, uint32_t module, uint32_t pid,
			   uint64_t address, uint64_t now_ns)
{
	struct frame_key key = frame_key(module, pid, address);
	struct word *word = look_up(&dictionary->frames, &key, sizeof(key), now_ns);

	return word ? word->id : 0;
}

int dictionary__add_frame(struct dictionary *dictionary, const struct stack_frame *frame,
			  uint32_t pid, uint64_t now_ns, uint32_t *id)
{
	struct frame_key key = frame_key(frame->module, pid, frame->address);
	struct stack_frame told = *frame;

	if (!add(&dictionary->frames, &key, sizeof(key), dictionary->last_frame + 1, now_ns))
		return -ENOMEM;
	told.id = *id = ++dictionary->last_frame;
	return dictionary->sink.frame(dictionary->sink.context, &told);
}

int dictionary__chain(struct dictionary *dictionary, const uint32_t *frames, size_t count,
		      enum stack_end end, uint64_t now_ns, uint32_t *id)
{
	uint32_t key[1 + EVENT_STACK_FRAMES];
	struct stack_chain told = {.end = end, .frames = frames, .count = count};
	unsigned int bytes = (unsigned int)((1 + count) * sizeof(key[0]));
	struct word *word;

	key[0] = end;
	memcpy(key + 1, frames, count * sizeof(key[0]));
	word = look_up(&dictionary->chains, key, bytes, now_ns);
	if (word) {
		*id = word->id;
		return 0;
	}
	if (!add(&dictionary->chains, key, bytes, dictionary->last_chain + 1, now_ns))
		return -ENOMEM;
	told.id = *id = ++dictionary->last_chain;
	return dictionary->sink.stack(dictionary->sink.context, &told);
}
