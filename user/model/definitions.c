/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/model_internal.h"

/* All numbers are looked at once in so many events at most. */
#define SWEEP_EVENTS 1024U

static const struct {
	uint32_t most;
	enum event_kind told_by;
} kinds[DEFINITION_KINDS] = {
	[DEFINITION_MODULE] = {MODULES_MAX, EVENT_MODULE},
	[DEFINITION_FRAME] = {FRAMES_MAX, EVENT_FRAME},
	[DEFINITION_STACK] = {STACKS_MAX, EVENT_STACK},
	[DEFINITION_FILE] = {FILES_MAX, EVENT_FILE},
};

/* --- numbers -------------------------------------------------------------------------------- */

struct number *definitions__number(const struct model *model, enum definition_kind kind,
				   uint32_t id)
{
	struct number *number;

	HASH_FIND(hh, model->definitions.of[kind].by_id, &id, sizeof(id), number);
	return number;
}

/* In a state block an event carries the time at which it was of use. */
static void number__use(const struct model *model, const struct event_header *event,
			struct number *number)
{
	const uint64_t now_ns = model->restoring ? event->time_ns : model->span.last_ns;

	if (now_ns > number->used_ns)
		number->used_ns = now_ns;
}

struct definition *definitions__refer(struct model *model, const struct event_header *event,
				      enum definition_kind kind, uint32_t id)
{
	struct number *number = id ? definitions__number(model, kind, id) : NULL;

	if (!number)
		return NULL;
	number__use(model, event, number);
	return number->definition;
}

static void number__set(struct number *number, struct definition *definition)
{
	number->definition = definition;
	definition->number = number;
	definition__get(definition);
}

static void number__take_away(struct model *model, struct number *number)
{
	struct definition *definition = number->definition;

	if (definition->number == number)
		definition->number = NULL;
	definition__put(model, definition);
}

static bool number__is_stale(const struct model *model, const struct number *number)
{
	return number->used_ns < model->span.last_ns &&
	       model->span.last_ns - number->used_ns > NUMBER_LASTS_NS;
}

/* Whoever samples a stack uses its frames and their modules, too. */
static void use_referred(const struct model *model, enum definition_kind kind)
{
	for (const struct number *number = model->definitions.of[kind].by_id; number;
	     number = number->hh.next) {
		const struct definition *definition = number->definition;

		for (size_t i = 0; i < definition__referred_count(definition); i++) {
			const struct definition *referred = definition__referred(definition, i);

			if (referred && referred->number &&
			    referred->number->used_ns < number->used_ns)
				referred->number->used_ns = number->used_ns;
		}
	}
}

/* What has grown by a stack may go at any time, and the stream says it by the stack's number. */
static bool number__stays(const struct number *number)
{
	return number->definition->grown && number->definition->number == number;
}

/* Numbers that nothing has referred to for long enough go. Where there are none it is not looked
 * for them again at once. */
static void definitions__make_room(struct model *model)
{
	struct definitions *definitions = &model->definitions;

	if (definitions->swept && model->applied - definitions->swept < SWEEP_EVENTS)
		return;
	definitions->swept = model->applied;
	use_referred(model, DEFINITION_STACK);
	use_referred(model, DEFINITION_FRAME);
	for (int kind = 0; kind < DEFINITION_KINDS; kind++) {
		struct number *number, *next;

		HASH_ITER (hh, definitions->of[kind].by_id, number, next) {
			if (!number__is_stale(model, number) || number__stays(number))
				continue;
			number__take_away(model, number);
			HASH_DEL(definitions->of[kind].by_id, number);
			free(number);
		}
	}
}

/* --- telling -------------------------------------------------------------------------------- */

static bool has_room(const struct model *model, const struct definition *definition)
{
	return model->definitions.of[definition->kind].count < kinds[definition->kind].most &&
	       model->definitions.bytes + definition->bytes <= DEFINITIONS_BYTES_MAX;
}

/* Takes it over, unless an equal one is known: *kept is one of both, or NULL for want of room. */
static int definitions__keep(struct model *model, struct definition *made, struct definition **kept)
{
	struct dictionary_of_kind *dictionary = &model->definitions.of[made->kind];
	struct definition *known;

	*kept = NULL;
	made->hash = definition__hash(made);
	HASH_FIND(hh, dictionary->by_hash, &made->hash, sizeof(made->hash), known);
	if (known && definition__is_same(known, made)) {
		free(made);
		*kept = known;
		return 0;
	}
	made->unfindable = known != NULL;
	if (!has_room(model, made)) {
		free(made);
		return 0;
	}
	if (!made->unfindable) {
		HASH_ADD(hh, dictionary->by_hash, hash, sizeof(made->hash), made);
		if (!made->hh.tbl) {
			free(made);
			return -ENOMEM;
		}
	}
	for (size_t i = 0; i < definition__referred_count(made); i++) {
		if (definition__referred(made, i))
			definition__get(definition__referred(made, i));
	}
	dictionary->count++;
	model->definitions.bytes += made->bytes;
	*kept = made;
	return 0;
}

static int definitions__number_it(struct model *model, uint32_t id, struct definition *definition,
				  struct number **out)
{
	struct dictionary_of_kind *dictionary = &model->definitions.of[definition->kind];
	struct number *number;

	if (HASH_COUNT(dictionary->by_id) >= kinds[definition->kind].most)
		return 0;
	number = calloc(1, sizeof(*number));
	if (!number)
		return -ENOMEM;
	number->id = id;
	HASH_ADD(hh, dictionary->by_id, id, sizeof(id), number);
	if (!number->hh.tbl) {
		free(number);
		return -ENOMEM;
	}
	number__set(number, definition);
	*out = number;
	return 0;
}

/* The number says this from now on; NULL: what it says is not known. */
static int number__redefine(struct model *model, enum definition_kind kind, uint32_t id,
			    struct definition *definition, struct number **out)
{
	struct number *number = definitions__number(model, kind, id);

	*out = number;
	if (!number)
		return definition ? definitions__number_it(model, id, definition, out) : 0;
	if (number->definition == definition)
		return 0;
	number__take_away(model, number);
	if (definition) {
		number__set(number, definition);
		return 0;
	}
	HASH_DEL(model->definitions.of[kind].by_id, number);
	free(number);
	*out = NULL;
	return 0;
}

int definitions__tell(struct model *model, const struct event_header *event, uint32_t id,
		      struct definition *made)
{
	const enum definition_kind kind = made->kind;
	struct definition *definition;
	struct number *number;
	int error = definitions__keep(model, made, &definition);

	if (error)
		return error;
	if (definition)
		definition__get(definition);
	error = number__redefine(model, kind, id, definition, &number);
	if (number) {
		number__use(model, event, number);
		number->definition->number = number;
	}
	definition__put(model, definition);
	if (error || number)
		return error;
	return loss__count(model, LOSS_MODEL_FULL, kinds[kind].told_by);
}

int definitions__forget(struct model *model, enum definition_kind kind, uint32_t id)
{
	struct number *number;

	return number__redefine(model, kind, id, NULL, &number);
}

void definitions__look_for_room(struct model *model, const struct event_header *event,
				enum definition_kind kind)
{
	const struct dictionary_of_kind *dictionary = &model->definitions.of[kind];
	const size_t most_bytes = sizeof(struct definition) + 2 * (size_t)event->size_bytes;

	if (HASH_COUNT(dictionary->by_id) >= kinds[kind].most ||
	    dictionary->count >= kinds[kind].most ||
	    model->definitions.bytes + most_bytes > DEFINITIONS_BYTES_MAX)
		definitions__make_room(model);
}

/* --- all of them ---------------------------------------------------------------------------- */

size_t definitions__bytes(const struct model *model)
{
	size_t bytes = model->definitions.bytes;

	for (int kind = 0; kind < DEFINITION_KINDS; kind++)
		bytes += HASH_COUNT(model->definitions.of[kind].by_id) *
			 (sizeof(struct number) + 2 * sizeof(void *));
	return bytes;
}

void definitions__free(struct model *model)
{
	for (int kind = 0; kind < DEFINITION_KINDS; kind++) {
		struct dictionary_of_kind *dictionary = &model->definitions.of[kind];
		struct number *number, *next;

		HASH_ITER (hh, dictionary->by_id, number, next) {
			number__take_away(model, number);
			HASH_DEL(dictionary->by_id, number);
			free(number);
		}
	}
}
