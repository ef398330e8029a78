/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include "stacks/sink.h"

/*
 * Numbers for frames and for chains of them, so that each is told once and a sample is a few words.
 * Bounded: beyond DICTIONARY_MAX of either, the least recently used are forgotten, and told anew
 * under another number when they come again.
 */
struct dictionary;

#define DICTIONARY_MAX 65536

int dictionary__new(struct dictionary **out, const struct stack_sink *sink);
void dictionary__free(struct dictionary *dictionary);

/* The frame at an address of a module (0: none, then of process `pid`), if it is known and was told
 * lately: its number, else 0. */
uint32_t dictionary__frame(struct dictionary *dictionary, uint32_t module, uint32_t pid,
			   uint64_t address, uint64_t now_ns);

/* Keeps and tells a frame; `frame->id` is not read. Sets *id to its number; 0 or -ENOMEM, or what
 * the sink said. */
int dictionary__add_frame(struct dictionary *dictionary, const struct stack_frame *frame,
			  uint32_t pid, uint64_t now_ns, uint32_t *id);

/* The number of a chain, told if it was not lately. 0, -ENOMEM, or what the sink said. */
int dictionary__chain(struct dictionary *dictionary, const uint32_t *frames, size_t count,
		      enum stack_end end, uint64_t now_ns, uint32_t *id);
