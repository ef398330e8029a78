/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/model_internal.h"

struct definition *definition__new(enum definition_kind kind, size_t tail_bytes)
{
	struct definition *definition = calloc(1, sizeof(*definition) + tail_bytes);

	if (!definition)
		return NULL;
	definition->kind = kind;
	definition->bytes = sizeof(*definition) + tail_bytes;
	return definition;
}

size_t definition__referred_count(const struct definition *definition)
{
	switch (definition->kind) {
	case DEFINITION_FRAME:
		return 1;
	case DEFINITION_STACK:
		return definition->stack.count;
	default:
		return 0;
	}
}

struct definition *definition__referred(const struct definition *definition, size_t index)
{
	if (definition->kind == DEFINITION_FRAME)
		return (struct definition *)definition->frame.module;
	return (struct definition *)definition->stack.frames[index];
}

uint64_t definition__hash(const struct definition *definition)
{
	struct digest digest = {.value = DIGEST_SEED};

	switch (definition->kind) {
	case DEFINITION_MODULE:
		digest__bytes(&digest, definition->module.build_id,
			      definition->module.build_id_bytes);
		digest__text(&digest, definition->module.path);
		break;
	case DEFINITION_FRAME:
		digest__u64(&digest, definition->frame.address);
		digest__u64(&digest, definition->frame.start);
		digest__u64(&digest, definition->frame.kind);
		digest__text(&digest, definition->frame.name);
		break;
	case DEFINITION_FILE:
		digest__u64(&digest, definition->file.flags);
		digest__text(&digest, definition->file.path);
		digest__text(&digest, definition->file.mount);
		break;
	default:
		digest__u64(&digest, definition->stack.end);
		digest__u64(&digest, definition->stack.count);
		break;
	}
	for (size_t i = 0; i < definition__referred_count(definition); i++) {
		const struct definition *referred = definition__referred(definition, i);

		digest__u64(&digest, referred ? referred->hash : 0);
	}
	return digest.value;
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

bool definition__is_same(const struct definition *a, const struct definition *b)
{
	switch (a->kind) {
	case DEFINITION_MODULE:
		return a->module.build_id_bytes == b->module.build_id_bytes &&
		       !memcmp(a->module.build_id, b->module.build_id, EVENT_BUILD_ID_BYTES) &&
		       same_text(a->module.path, b->module.path);
	case DEFINITION_FRAME:
		return a->frame.module == b->frame.module && a->frame.address == b->frame.address &&
		       a->frame.start == b->frame.start && a->frame.kind == b->frame.kind &&
		       same_text(a->frame.name, b->frame.name);
	case DEFINITION_FILE:
		return a->file.flags == b->file.flags && same_text(a->file.path, b->file.path) &&
		       same_text(a->file.mount, b->file.mount);
	default:
		return a->stack.end == b->stack.end && a->stack.count == b->stack.count &&
		       !memcmp(a->stack.frames, b->stack.frames,
			       a->stack.count * sizeof(const struct frame *));
	}
}

void definition__get(struct definition *definition)
{
	definition->uses++;
}

static void definition__drop_line(struct model *model, struct definition *definition)
{
	struct frame *frame = &definition->frame;

	if (definition->kind != DEFINITION_FRAME || !frame->file)
		return;
	definition->bytes -= strlen(frame->file) + 1;
	model->definitions.bytes -= strlen(frame->file) + 1;
	free(frame->file);
	frame->file = NULL;
	frame->line = 0;
}

int definition__set_line(struct model *model, struct definition *definition, const char *file,
			 size_t length, uint32_t line)
{
	struct frame *frame = &definition->frame;

	definition__drop_line(model, definition);
	if (model->definitions.bytes + length + 1 > DEFINITIONS_BYTES_MAX)
		return loss__count(model, LOSS_MODEL_FULL, EVENT_FRAME_LINE);
	frame->file = strndup(file, length);
	if (!frame->file)
		return -ENOMEM;
	frame->line = line;
	definition->bytes += length + 1;
	model->definitions.bytes += length + 1;
	return 0;
}

/* Frames refer to modules and stacks to frames: it goes no deeper than that. */
void definition__put(struct model *model, struct definition *definition)
{
	struct dictionary_of_kind *dictionary;

	if (!definition || --definition->uses)
		return;
	for (size_t i = 0; i < definition__referred_count(definition); i++)
		definition__put(model, definition__referred(definition, i));
	definition__drop_line(model, definition);
	dictionary = &model->definitions.of[definition->kind];
	if (!definition->unfindable)
		HASH_DEL(dictionary->by_hash, definition);
	dictionary->count--;
	model->definitions.bytes -= definition->bytes;
	free(definition);
}
