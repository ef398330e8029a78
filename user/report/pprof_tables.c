/* SPDX-License-Identifier: GPL-2.0-only */
#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "report/pprof_internal.h"

void pprof__free(struct pprof *pprof)
{
	text__free(&pprof->packed);
	numbers__free(pprof->strings);
	numbers__free(pprof->mappings);
	numbers__free(pprof->functions);
	numbers__free(pprof->locations);
}

struct text_sink {
	ProtobufCBuffer base;
	struct text *out;
};

static void append(ProtobufCBuffer *buffer, size_t length, const uint8_t *data)
{
	text__append(((struct text_sink *)buffer)->out, (const char *)data, length);
}

void pprof__put(struct pprof *pprof, const Oomtrail__Profile *profile)
{
	struct text_sink sink = {.base = {.append = append}, .out = &pprof->packed};

	protobuf_c_message_pack_to_buffer(&profile->base, &sink.base);
}

/* Numbers begin with 1; 0 is none. *is_new: to be told to the reader. */
static uint64_t number_of(struct pprof *pprof, struct numbers **numbers, const struct text *key,
			  bool *is_new)
{
	const uint64_t number =
		key->failed ? 0 : numbers__of(numbers, key->data, key->length, is_new);

	pprof->failed |= number == 0;
	*is_new &= number != 0;
	return number;
}

/* --- strings ---------------------------------------------------------------------------------- */

int64_t pprof__string(struct pprof *pprof, const struct text *string)
{
	Oomtrail__Profile profile = OOMTRAIL__PROFILE__INIT;
	char *strings[] = {string->data ? string->data : ""};
	const struct text key = {.data = strings[0], .length = string->length};
	bool is_new = false;
	uint64_t number;

	pprof->failed |= string->failed;
	number = number_of(pprof, &pprof->strings, &key, &is_new);
	if (is_new) {
		profile.n_string_table = 1;
		profile.string_table = strings;
		pprof__put(pprof, &profile);
	}
	return (int64_t)number - 1;
}

int64_t pprof__words(struct pprof *pprof, const char *words)
{
	const struct text string = {.data = (char *)words, .length = strlen(words)};

	return pprof__string(pprof, &string);
}

int64_t pprof__escaped(struct pprof *pprof, const char *bytes, size_t length)
{
	_cleanup_(text__free) struct text string = {0};

	text__escaped(&string, bytes, length);
	return pprof__string(pprof, &string);
}

/* --- what stacks are made of ------------------------------------------------------------------ */

static uint64_t put_mapping(struct pprof *pprof, const struct module *module)
{
	Oomtrail__Profile profile = OOMTRAIL__PROFILE__INIT;
	Oomtrail__Mapping mapping = OOMTRAIL__MAPPING__INIT, *mappings[] = {&mapping};
	_cleanup_(text__free) struct text key = {0}, build_id = {0};
	bool is_new = false;

	if (!module)
		return 0;
	for (size_t i = 0; i < module->build_id_bytes; i++)
		text__printf(&build_id, "%02x", module->build_id[i]);
	text__append(&key, build_id.data, build_id.length);
	text__string(&key, " ");
	text__string(&key, module->path);
	mapping.id = number_of(pprof, &pprof->mappings, &key, &is_new);
	if (!is_new)
		return mapping.id;
	/* All of the address space, not moved: addresses are those of the file already. */
	mapping.memory_limit = UINT64_MAX;
	mapping.filename = pprof__escaped(pprof, module->path, strlen(module->path));
	mapping.build_id = pprof__string(pprof, &build_id);
	mapping.has_functions = true;
	profile.n_mapping = 1;
	profile.mapping = mappings;
	pprof__put(pprof, &profile);
	return mapping.id;
}

/* `frame`: NULL where there is none. */
static uint64_t put_function(struct pprof *pprof, const struct text *name, uint64_t mapping_id,
			     const struct frame *frame)
{
	const char *file = frame && frame->file ? frame->file : "";
	Oomtrail__Profile profile = OOMTRAIL__PROFILE__INIT;
	Oomtrail__Function function = OOMTRAIL__FUNCTION__INIT, *functions[] = {&function};
	_cleanup_(text__free) struct text key = {0};
	bool is_new = false;

	text__printf(&key, "%" PRIu64 " ", mapping_id);
	text__append(&key, name->data, name->length);
	text__append(&key, "", 1);
	text__string(&key, file);
	function.id = number_of(pprof, &pprof->functions, &key, &is_new);
	if (!is_new)
		return function.id;
	function.name = function.system_name = pprof__string(pprof, name);
	function.filename = pprof__escaped(pprof, file, strlen(file));
	profile.n_function = 1;
	profile.function = functions;
	pprof__put(pprof, &profile);
	return function.id;
}

static uint64_t put_place(struct pprof *pprof, const struct text *name, uint64_t mapping_id,
			  const struct frame *frame)
{
	const uint64_t address = frame ? frame->address : 0;
	Oomtrail__Profile profile = OOMTRAIL__PROFILE__INIT;
	Oomtrail__Location location = OOMTRAIL__LOCATION__INIT, *locations[] = {&location};
	Oomtrail__Line line = OOMTRAIL__LINE__INIT, *lines[] = {&line};
	_cleanup_(text__free) struct text key = {0};
	bool is_new = false;

	line.function_id = put_function(pprof, name, mapping_id, frame);
	line.line = frame ? frame->line : 0;
	text__printf(&key, "%" PRIu64 " %" PRIu64, line.function_id, address);
	location.id = number_of(pprof, &pprof->locations, &key, &is_new);
	if (!is_new)
		return location.id;
	location.mapping_id = mapping_id;
	location.address = address;
	location.n_line = 1;
	location.line = lines;
	profile.n_location = 1;
	profile.location = locations;
	pprof__put(pprof, &profile);
	return location.id;
}

uint64_t pprof__frame(struct pprof *pprof, const struct frame *frame)
{
	_cleanup_(text__free) struct text name = {0};

	frame__label(&name, frame);
	return put_place(pprof, &name, frame ? put_mapping(pprof, frame->module) : 0, frame);
}

uint64_t pprof__gap(struct pprof *pprof, const char *words)
{
	const struct text name = {.data = (char *)words, .length = strlen(words)};

	return put_place(pprof, &name, 0, NULL);
}
