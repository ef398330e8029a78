/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/gzip.h"
#include "profile.pb-c.h"
#include "report/folded.h"
#include "report/numbers.h"
#include "report/wording.h"

/*
 * Messages that are concatenated are one message whose lists are joined. So each entry is packed as
 * a profile of nothing else as soon as it is known, and no tree of them has to be kept.
 */
struct pprof {
	const struct model *model;
	struct text packed;
	struct numbers *strings; /* from 0, which is "" */
	struct numbers *mappings;
	struct numbers *functions;
	struct numbers *locations;
	bool failed;
};

static void pprof__free(struct pprof *pprof)
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

static void put(struct pprof *pprof, const Oomtrail__Profile *profile)
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

static int64_t put_string(struct pprof *pprof, const struct text *string)
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
		put(pprof, &profile);
	}
	return (int64_t)number - 1;
}

static int64_t put_words(struct pprof *pprof, const char *words)
{
	const struct text string = {.data = (char *)words, .length = strlen(words)};

	return put_string(pprof, &string);
}

static int64_t put_escaped(struct pprof *pprof, const char *bytes, size_t length)
{
	_cleanup_(text__free) struct text string = {0};

	text__escaped(&string, bytes, length);
	return put_string(pprof, &string);
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
	mapping.filename = put_escaped(pprof, module->path, strlen(module->path));
	mapping.build_id = put_string(pprof, &build_id);
	mapping.has_functions = true;
	profile.n_mapping = 1;
	profile.mapping = mappings;
	put(pprof, &profile);
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
	function.name = function.system_name = put_string(pprof, name);
	function.filename = put_escaped(pprof, file, strlen(file));
	profile.n_function = 1;
	profile.function = functions;
	put(pprof, &profile);
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
	put(pprof, &profile);
	return location.id;
}

static uint64_t put_frame(struct pprof *pprof, const struct frame *frame)
{
	_cleanup_(text__free) struct text name = {0};

	frame__label(&name, frame);
	return put_place(pprof, &name, frame ? put_mapping(pprof, frame->module) : 0, frame);
}

/* What is said in place of frames that nobody knows. */
static uint64_t put_gap(struct pprof *pprof, const char *words)
{
	const struct text name = {.data = (char *)words, .length = strlen(words)};

	return put_place(pprof, &name, 0, NULL);
}

/* --- samples ---------------------------------------------------------------------------------- */

enum { VALUE_GROWTH, VALUE_RESIDENT, VALUE_SAMPLES, VALUES };
#define LABELS_MAX 5

/* A row's chain and labels; only class and values change. */
struct sample {
	Oomtrail__Sample message;
	Oomtrail__Label labels[LABELS_MAX];
	Oomtrail__Label *label_pointers[LABELS_MAX];
	int64_t values[VALUES];
	int64_t class_key;
};

static Oomtrail__Label *add_label(struct sample *sample)
{
	Oomtrail__Label *label = &sample->labels[sample->message.n_label];

	oomtrail__label__init(label);
	sample->label_pointers[sample->message.n_label++] = label;
	sample->message.label = sample->label_pointers;
	return label;
}

static void label_whose(struct pprof *pprof, struct sample *sample, const struct growth_row *row)
{
	const struct process *process = row->process;
	_cleanup_(freep) char *path = NULL;
	Oomtrail__Label *label = add_label(sample);

	label->key = put_words(pprof, "pid");
	label->num = row->task.pid;
	if (!process)
		return;
	label = add_label(sample);
	label->key = put_words(pprof, "comm");
	label->str =
		put_escaped(pprof, process->comm, strnlen(process->comm, sizeof(process->comm)));
	if (process->cgroup_id == 0)
		return;
	path = model__cgroup_path(pprof->model, process->cgroup_id);
	pprof->failed |= !path;
	if (!path)
		return;
	label = add_label(sample);
	label->key = put_words(pprof, "cgroup");
	label->str = put_escaped(pprof, path, strlen(path));
}

static void label_file(struct pprof *pprof, struct sample *sample, const struct file *file)
{
	_cleanup_(text__free) struct text words = {0};
	Oomtrail__Label *label;

	if (!file)
		return;
	wording__file(&words, file);
	pprof->failed |= !text__ok(&words);
	if (!text__ok(&words))
		return;
	label = add_label(sample);
	label->key = put_words(pprof, "file");
	label->str = put_words(pprof, words.data);
}

/* The samples are counted once, with the first class that there is. */
static void put_class(struct pprof *pprof, struct sample *sample, const char *class, int64_t bytes,
		      int64_t stayed_bytes)
{
	Oomtrail__Profile profile = OOMTRAIL__PROFILE__INIT;
	Oomtrail__Sample *samples[] = {&sample->message};

	sample->labels[sample->message.n_label - 1].str = put_words(pprof, class);
	sample->values[VALUE_GROWTH] = bytes;
	sample->values[VALUE_RESIDENT] = stayed_bytes;
	profile.n_sample = 1;
	profile.sample = samples;
	put(pprof, &profile);
	sample->values[VALUE_SAMPLES] = 0;
}

static uint64_t *put_chain(struct pprof *pprof, const struct stack *stack, size_t *count)
{
	uint64_t *ids = calloc((stack ? stack->count : 0) + 1, sizeof(*ids));

	*count = 0;
	if (!ids)
		return NULL;
	if (!stack)
		ids[(*count)++] = put_gap(pprof, "[no stack]");
	/* Outermost first: readers take the first mapping of all for the program's own. */
	for (size_t i = stack ? stack->count : 0; i-- > 0; (*count)++)
		ids[i] = put_frame(pprof, stack->frames[i]);
	if (stack && stack->end != STACK_END_COMPLETE)
		ids[(*count)++] = put_gap(pprof, "[callers unknown]");
	return ids;
}

static void put_row(struct pprof *pprof, const struct growth_row *row)
{
	struct sample sample = {.message = OOMTRAIL__SAMPLE__INIT};
	_cleanup_(freep) uint64_t *ids =
		put_chain(pprof, row->stack, &sample.message.n_location_id);

	pprof->failed |= !ids;
	if (!ids)
		return;
	sample.message.location_id = ids;
	sample.message.n_value = VALUES;
	sample.message.value = sample.values;
	sample.values[VALUE_SAMPLES] = row->samples > INT64_MAX ? INT64_MAX : (int64_t)row->samples;
	label_whose(pprof, &sample, row);
	label_file(pprof, &sample, row->file);
	add_label(&sample)->key = put_words(pprof, "class");
	/* Of nothing but pages that came back from swap, there are samples all the same. */
	if (row->anon_bytes != 0 || (row->file_bytes == 0 && row->shmem_bytes == 0))
		put_class(pprof, &sample, "anon", row->anon_bytes, row->stay.anon_bytes);
	if (row->file_bytes != 0)
		put_class(pprof, &sample, "file", row->file_bytes, row->stay.file_bytes);
	if (row->shmem_bytes != 0)
		put_class(pprof, &sample, "shmem", row->shmem_bytes, row->stay.shmem_bytes);
}

/* --- the profile ------------------------------------------------------------------------------ */

static void put_comment(struct pprof *pprof, const struct text *words)
{
	Oomtrail__Profile profile = OOMTRAIL__PROFILE__INIT;
	int64_t comment = put_string(pprof, words);

	profile.n_comment = 1;
	profile.comment = &comment;
	put(pprof, &profile);
}

/* A value cannot say that it is not known. */
static void comment_on_resident(struct pprof *pprof, const struct growths *growths)
{
	_cleanup_(text__free) struct text unknown = {0}, past = {0};

	text__string(&unknown, "resident: not known, and 0 here, of ");
	wording__bytes(&unknown, growths->sampled_bytes - growths->looked_for_bytes);
	text__string(&unknown, " of growth, of ");
	wording__counted(&unknown, growths->stay_unknown, "process", "processes");
	if (growths->stay_unknown > 0)
		put_comment(pprof, &unknown);
	text__string(&past, "resident: when last looked at, of ");
	wording__counted(&past, growths->stay_past, "ended process", "ended processes");
	if (growths->stay_past > 0)
		put_comment(pprof, &past);
}

static void put_types(struct pprof *pprof, const struct growths *growths)
{
	Oomtrail__Profile profile = OOMTRAIL__PROFILE__INIT;
	Oomtrail__ValueType growth = OOMTRAIL__VALUE_TYPE__INIT;
	Oomtrail__ValueType resident = OOMTRAIL__VALUE_TYPE__INIT;
	Oomtrail__ValueType samples = OOMTRAIL__VALUE_TYPE__INIT;
	Oomtrail__ValueType *types[VALUES] = {&growth, &resident, &samples};
	const struct model_span span = model__span(pprof->model);
	const int64_t time_ns = model__realtime_ns(pprof->model, span.first_ns);

	growth.type = put_words(pprof, "growth");
	growth.unit = put_words(pprof, "bytes");
	resident.type = put_words(pprof, "resident");
	resident.unit = growth.unit;
	samples.type = put_words(pprof, "samples");
	samples.unit = put_words(pprof, "count");
	profile.n_sample_type = VALUES;
	profile.sample_type = types;
	profile.default_sample_type = growth.type;
	profile.time_nanos = time_ns == EVENT_UNKNOWN ? 0 : time_ns;
	profile.duration_nanos = (int64_t)(span.last_ns - span.first_ns);
	profile.period_type = &growth;
	/* How much a sample stands for, in the mean. */
	if (growths->samples > 0 && growths->samples <= INT64_MAX)
		profile.period = growths->sampled_bytes / (int64_t)growths->samples;
	put(pprof, &profile);
}

int report__pprof(const struct model *model, const struct growth_filter *filter, struct text *out)
{
	_cleanup_(growths__free) struct growths growths = {0};
	_cleanup_(pprof__free) struct pprof pprof = {.model = model};
	int err;

	err = growths__read(&growths, model, filter, GROWTH_EXACT);
	if (err < 0)
		return err;
	if (growths.count == 0)
		return -ENOENT;
	put_words(&pprof, "");
	put_types(&pprof, &growths);
	comment_on_resident(&pprof, &growths);
	for (size_t i = 0; i < growths.count && !pprof.failed; i++)
		put_row(&pprof, &growths.rows[i]);
	if (pprof.failed || !text__ok(&pprof.packed))
		return -ENOMEM;
	return gzip__append(out, pprof.packed.data, pprof.packed.length);
}
