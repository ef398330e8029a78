/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/*
 * Inside the model: modules, frames, stacks and files, as the stream defines them by number.
 *
 * What is the same is kept once, under however many numbers it was told: a stack whose number was
 * given up and that comes again adds to its former growth. A definition lives for as long as a
 * number, another definition or growth refers to it. Numbers that nothing has referred to for long
 * enough go when their room is needed, and stay behind in a state block (state_growth.c): the
 * stream tells them again before it refers to them (bpf/events.h).
 */

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "model/model.h"

#define MODULES_MAX           4096U
#define FRAMES_MAX            65536U
#define STACKS_MAX            65536U
#define FILES_MAX             16384U
#define DEFINITIONS_BYTES_MAX (32U << 20)

/* Events may come late, and samples are named only after a while. */
#define NUMBER_LASTS_NS       (STACK_RETELL_NS + 10000000000ULL)

enum definition_kind {
	DEFINITION_MODULE,
	DEFINITION_FRAME,
	DEFINITION_STACK,
	DEFINITION_FILE,
	DEFINITION_KINDS
};

struct definition {
	union { /* first: all have the same address */
		struct module module;
		struct frame frame;
		struct stack stack;
		struct file file;
	};
	enum definition_kind kind;
	uint32_t uses;         /* by numbers, other definitions and growth */
	uint64_t hash;         /* of the content: numbers are no part of it */
	size_t bytes;          /* of heap */
	uint32_t told_id;      /* in the state block that is being written; 0: not yet */
	bool grown;            /* growth refers to it: its latest number stays */
	bool unfindable;       /* another one has the same hash */
	struct number *number; /* the latest; NULL: none any more */
	UT_hash_handle hh;
	_Alignas(8) char tail[]; /* paths, name or frames */
};

struct number {
	uint32_t id;
	uint64_t used_ns; /* when the stream last told it or referred to it */
	struct definition *definition;
	UT_hash_handle hh;
};

struct dictionary_of_kind {
	struct definition *by_hash;
	struct number *by_id;
	uint32_t count; /* of definitions */
};

struct definitions {
	struct dictionary_of_kind of[DEFINITION_KINDS];
	size_t bytes;
	uint64_t swept; /* at which event room was last looked for; 0: never */
};

struct number *definitions__number(const struct model *model, enum definition_kind kind,
				   uint32_t id);
/* By a number that the event refers to; NULL: not told, or no room. */
struct definition *definitions__refer(struct model *model, const struct event_header *event,
				      enum definition_kind kind, uint32_t id);
void definition__get(struct definition *definition);
void definition__put(struct model *model, struct definition *definition); /* NULL: nothing */
size_t definitions__bytes(const struct model *model);
void definitions__free(struct model *model); /* after all growth, which refers to them */

int stack__on_module(struct model *model, const struct event_header *event);
int stack__on_frame(struct model *model, const struct event_header *event);
int stack__on_frame_line(struct model *model, const struct event_header *event);
int stack__on_stack(struct model *model, const struct event_header *event);
int stack__on_file(struct model *model, const struct event_header *event);

/* --- definition.c, for definitions.c --------------------------------------------------------- */

uint64_t definition__hash(const struct definition *definition);
bool definition__is_same(const struct definition *a, const struct definition *b);
/* What it refers to, one after the other: NULL where that is not known. */
size_t definition__referred_count(const struct definition *definition);
struct definition *definition__referred(const struct definition *definition, size_t index);

/* --- definition.c and definitions.c, for stack.c
 * -------------------------------------------------------------- */

/* NULL on -ENOMEM. */
struct definition *definition__new(enum definition_kind kind, size_t tail_bytes);
/* Before anything is referred to: it could go for it. */
void definitions__look_for_room(struct model *model, const struct event_header *event,
				enum definition_kind kind);
/* The number means this from now on. `made` is taken over. */
int definitions__tell(struct model *model, const struct event_header *event, uint32_t id,
		      struct definition *made);
/* Of a frame; what was known of it before is not any more. -ENOMEM; without room it has none. */
int definition__set_line(struct model *model, struct definition *definition, const char *file,
			 size_t length, uint32_t line);
/* What it means now is not known. */
int definitions__forget(struct model *model, enum definition_kind kind, uint32_t id);
