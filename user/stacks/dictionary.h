/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include "stacks/sink.h"

/*
 * Numbers for frames, for chains of them and for files, so that each is told once and a sample is a
 * few words. Bounded: beyond DICTIONARY_MAX of either, or DICTIONARY_MAX_BYTES of both, the least
 * recently used are forgotten, and told anew under another number when they come again.
 */
struct dictionary;

#define DICTIONARY_MAX       65536
#define DICTIONARY_MAX_BYTES (32ULL << 20)

int dictionary__new(struct dictionary **out, const struct stack_sink *sink);
/* Others have told under numbers up to these. */
void dictionary__number_from(struct dictionary *dictionary, const struct stack_numbers *last);
void dictionary__free(struct dictionary *dictionary);

/*
 * The number of a frame, if it is known and was told lately; else 0. In a module it is known by
 * its address; elsewhere another function may be at the same address in another process, or later,
 * so that its kind, name and start count, too. `frame->id` is not read.
 */
uint32_t dictionary__frame(struct dictionary *dictionary, const struct stack_frame *frame,
			   uint64_t now_ns);

/* Keeps and tells a frame that is not known, or has to be told again: under the same number then.
 * Sets *id to its number; 0 or -ENOMEM, or what the sink said. */
int dictionary__add_frame(struct dictionary *dictionary, const struct stack_frame *frame,
			  uint64_t now_ns, uint32_t *id);

/* The number of a chain of up to EVENT_STACK_FRAMES, told if it was not lately. 0, -ENOMEM, or what
 * the sink said. */
int dictionary__chain(struct dictionary *dictionary, const uint32_t *frames, size_t count,
		      enum stack_end end, uint64_t now_ns, uint32_t *id);

/* The number of a file, told if it was not lately; `file->id` is not read. Likewise. */
int dictionary__file(struct dictionary *dictionary, const struct stack_file *file, uint64_t now_ns,
		     uint32_t *id);

size_t dictionary__bytes(const struct dictionary *dictionary); /* of heap */
