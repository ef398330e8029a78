/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/gzip.h"
#include "report/folded.h"
#include "report/pprof_internal.h"
#include "report/wording.h"

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

	label->key = pprof__words(pprof, "pid");
	label->num = row->task.pid;
	if (!process)
		return;
	label = add_label(sample);
	label->key = pprof__words(pprof, "comm");
	label->str =
		pprof__escaped(pprof, process->comm, strnlen(process->comm, sizeof(process->comm)));
	if (process->cgroup_id == 0)
		return;
	path = model__cgroup_path(pprof->model, process->cgroup_id);
	pprof->failed |= !path;
	if (!path)
		return;
	label = add_label(sample);
	label->key = pprof__words(pprof, "cgroup");
	label->str = pprof__escaped(pprof, path, strlen(path));
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
	label->key = pprof__words(pprof, "file");
	label->str = pprof__words(pprof, words.data);
}

/* The samples are counted once, with the first class that there is. */
static void put_class(struct pprof *pprof, struct sample *sample, const char *class, int64_t bytes,
		      int64_t stayed_bytes)
{
	Oomtrail__Profile profile = OOMTRAIL__PROFILE__INIT;
	Oomtrail__Sample *samples[] = {&sample->message};

	sample->labels[sample->message.n_label - 1].str = pprof__words(pprof, class);
	sample->values[VALUE_GROWTH] = bytes;
	sample->values[VALUE_RESIDENT] = stayed_bytes;
	profile.n_sample = 1;
	profile.sample = samples;
	pprof__put(pprof, &profile);
	sample->values[VALUE_SAMPLES] = 0;
}

static uint64_t *put_chain(struct pprof *pprof, const struct stack *stack, size_t *count)
{
	uint64_t *ids = calloc((stack ? stack->count : 0) + 1, sizeof(*ids));

	*count = 0;
	if (!ids)
		return NULL;
	if (!stack)
		ids[(*count)++] = pprof__gap(pprof, "[no stack]");
	/* Outermost first: readers take the first mapping of all for the program's own. */
	for (size_t i = stack ? stack->count : 0; i-- > 0; (*count)++)
		ids[i] = pprof__frame(pprof, stack->frames[i]);
	if (stack && stack->end != STACK_END_COMPLETE)
		ids[(*count)++] = pprof__gap(pprof, "[callers unknown]");
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
	add_label(&sample)->key = pprof__words(pprof, "class");
	/* Readers add values up without their sign: what replaced something, as a page of the
	 * process's own a file's page, is one sample with what is left. */
	if (row->anon_bytes < 0 || row->file_bytes < 0 || row->shmem_bytes < 0) {
		put_class(pprof, &sample, growth_row__class(row), row->bytes, row->stay.bytes);
		return;
	}
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
	int64_t comment = pprof__string(pprof, words);

	profile.n_comment = 1;
	profile.comment = &comment;
	pprof__put(pprof, &profile);
}

/* A value cannot say that it is not known. */
static void comment_on_resident(struct pprof *pprof, const struct growths *growths)
{
	_cleanup_(text__free) struct text unknown = {0}, past = {0};

	text__string(&unknown, "resident: not known, and 0 here, of ");
	growths__say_stay_unknown(&unknown, growths);
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

	growth.type = pprof__words(pprof, "growth_bytes");
	growth.unit = pprof__words(pprof, "bytes");
	resident.type = pprof__words(pprof, "resident_bytes");
	resident.unit = growth.unit;
	samples.type = pprof__words(pprof, "samples");
	samples.unit = pprof__words(pprof, "count");
	profile.n_sample_type = VALUES;
	profile.sample_type = types;
	profile.default_sample_type = growth.type;
	profile.time_nanos = time_ns == EVENT_UNKNOWN ? 0 : time_ns;
	profile.duration_nanos = (int64_t)(span.last_ns - span.first_ns);
	profile.period_type = &growth;
	/* How much a sample stands for, in the mean. */
	if (growths->samples > 0 && growths->samples <= INT64_MAX)
		profile.period = growths->sampled_bytes / (int64_t)growths->samples;
	pprof__put(pprof, &profile);
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
	pprof__words(&pprof, "");
	put_types(&pprof, &growths);
	comment_on_resident(&pprof, &growths);
	for (size_t i = 0; i < growths.count && !pprof.failed; i++)
		put_row(&pprof, &growths.rows[i]);
	if (pprof.failed || !text__ok(&pprof.packed))
		return -ENOMEM;
	return gzip__append(out, pprof.packed.data, pprof.packed.length);
}
