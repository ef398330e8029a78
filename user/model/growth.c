/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <stdlib.h>

#include "model/model_internal.h"

static uint64_t count__add(uint64_t a, uint64_t b)
{
	uint64_t sum;

	return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

/* --- sums ----------------------------------------------------------------------------------- */

/* The sums of this process, stack and file; NULL in *out: no room. */
static int growth__reach(struct model *model, const struct process_slot *slot,
			 struct definition *stack, struct definition *file, uint64_t time_ns,
			 struct growth_slot **out)
{
	struct growths *growths = &model->growths;
	struct growth_key key = {.stack = stack ? &stack->stack : NULL,
				 .file = file ? &file->file : NULL};
	struct growth_slot *made;
	struct grower *grower;
	int error = growth__reach_grower(model, slot, &grower);

	*out = NULL;
	if (error)
		return error;
	key.grower = grower;
	HASH_FIND(hh, growths->by_key, &key, sizeof(key), *out);
	if (*out || growths->count >= GROWTHS_MAX)
		return 0;
	error = array__reserve(&growths->slots, growths->count, &growths->capacity,
			       sizeof(growths->slots[0]));
	if (error)
		return error;
	made = calloc(1, sizeof(*made));
	if (!made)
		return -ENOMEM;
	made->key = key;
	made->growth = (struct growth){
		.task = slot->process.task,
		.stack = key.stack,
		.file = key.file,
		.first_ns = time_ns,
		.last_ns = time_ns,
	};
	HASH_ADD(hh, growths->by_key, key, sizeof(key), made);
	if (!made->hh.tbl) {
		free(made);
		return -ENOMEM;
	}
	if (stack) {
		definition__get(stack);
		stack->grown = true;
	}
	if (file) {
		definition__get(file);
		file->grown = true;
	}
	growths->slots[growths->count++] = made;
	*out = made;
	return 0;
}

/* What adds to the sums; its times are from the first to the last of its samples. */
static void growth__add(struct growth *growth, const struct growth *more)
{
	if (more->first_ns < growth->first_ns)
		growth->first_ns = more->first_ns;
	if (more->last_ns > growth->last_ns)
		growth->last_ns = more->last_ns;
	growth->samples = count__add(growth->samples, more->samples);
	growth->anon_bytes = growth__sum(growth->anon_bytes, more->anon_bytes);
	growth->file_bytes = growth__sum(growth->file_bytes, more->file_bytes);
	growth->shmem_bytes = growth__sum(growth->shmem_bytes, more->shmem_bytes);
	growth->from_swap_bytes = growth__sum(growth->from_swap_bytes, more->from_swap_bytes);
	growth->in_kernel_bytes = growth__sum(growth->in_kernel_bytes, more->in_kernel_bytes);
	growth->variance_pages = count__add(growth->variance_pages, more->variance_pages);
}

static void part__add(int64_t *part, int64_t more, int64_t whole)
{
	const int64_t sum = growth__sum(*part, more > 0 ? more : 0);

	if (whole < 0)
		whole = 0;
	*part = sum < whole ? sum : whole;
}

/* Never more than has come: of files' pages that can become less. */
static void growth__take_off(struct growth *growth, uint64_t samples,
			     const int64_t bytes[GROWTH_MEMBERS])
{
	growth->gone_samples = count__add(growth->gone_samples, samples);
	if (growth->gone_samples > growth->samples)
		growth->gone_samples = growth->samples;
	part__add(&growth->gone_anon_bytes, bytes[GROWTH_ANON], growth->anon_bytes);
	part__add(&growth->gone_file_bytes, bytes[GROWTH_FILE], growth->file_bytes);
	part__add(&growth->gone_shmem_bytes, bytes[GROWTH_SHMEM], growth->shmem_bytes);
	part__add(&growth->gone_from_swap_bytes, bytes[GROWTH_SWAP], growth->from_swap_bytes);
}

/* In square pages, of an estimate by one sample of a page, or several that come together: those of
 * one in `ratio` blocks are chosen. (Horvitz and Thompson: y pages count ratio y, with a variance
 * of y y ratio (ratio - 1); where every page is a sample there is none.) */
static uint64_t variance(uint64_t pages, uint64_t ratio)
{
	uint64_t square;

	return __builtin_mul_overflow(pages, pages, &square) ? UINT64_MAX : square - square / ratio;
}

/* The pages are few and the block is small: event__check() and is_sound() see to it. */
static struct growth growth__of(const struct model *model, const struct event_growth *sample)
{
	const int64_t block_bytes = (int64_t)sample->block_bytes;
	const int64_t page_bytes = model->host.page_bytes ? model->host.page_bytes : 4096;
	const int64_t anon = sample->pages[GROWTH_ANON];
	int64_t back = sample->pages[GROWTH_SWAP] < 0 ? -(int64_t)sample->pages[GROWTH_SWAP] : 0;
	struct growth growth;
	int64_t bytes;

	if (back > anon)
		back = anon > 0 ? anon : 0;
	growth = (struct growth){
		.first_ns = sample->came_ns,
		.last_ns = sample->came_ns,
		.samples = 1,
		.anon_bytes = (anon - back) * block_bytes,
		.file_bytes = sample->pages[GROWTH_FILE] * block_bytes,
		.shmem_bytes = sample->pages[GROWTH_SHMEM] * block_bytes,
		.from_swap_bytes = back * block_bytes,
	};
	bytes = growth.anon_bytes + growth.file_bytes + growth.shmem_bytes;
	if (sample->flags & GROWTH_IN_KERNEL)
		growth.in_kernel_bytes = bytes;
	growth.variance_pages =
		variance((uint64_t)(bytes < 0 ? -bytes : bytes) / (uint64_t)page_bytes,
			 block_bytes > page_bytes ? (uint64_t)(block_bytes / page_bytes) : 1);
	return growth;
}

static bool is_sound(const struct event_growth *sample)
{
	if (sample->block_bytes < GROWTH_BLOCK_MIN || sample->block_bytes > GROWTH_BLOCK_MAX)
		return false;
	for (int i = 0; i < GROWTH_MEMBERS; i++) {
		if (sample->pages[i] > GROWTH_PAGES_MAX || sample->pages[i] < -GROWTH_PAGES_MAX)
			return false;
	}
	return sample->task.pid != 0;
}

/* Samples are told when they have been named. Of one that came before this part of the recording
 * began everybody is known who was alive then, but whose birth and all that followed were lost: who
 * is not had ended, and is not to be taken for alive again. */
static int reach_grower(struct model *model, const struct event_growth *sample,
			struct process_slot **out)
{
	const bool was_known = process_table__find(&model->processes, &sample->task);
	const uint64_t begin_ns = model->state_seen ? model->state.header.time_ns : 0;
	int error = process__reach(model, &sample->task, sample->header.time_ns, NULL, out);

	if (!error && *out && !was_known && sample->came_ns <= begin_ns)
		process_table__end_unseen(&model->processes, *out, sample->header.time_ns);
	return error;
}

int growth__on_growth(struct model *model, const struct event_header *event)
{
	const struct event_growth *sample = (const struct event_growth *)event;
	struct definition *stack, *file;
	struct growth_slot *sums;
	struct process_slot *slot;
	const int64_t nothing[GROWTH_MEMBERS] = {0};
	struct growth more;
	int error;

	if (!is_sound(sample))
		return loss__count(model, LOSS_MALFORMED, event->kind);
	if (model->growths.limited &&
	    (sample->came_ns < model->growths.from_ns || sample->came_ns > model->growths.to_ns))
		return 0;
	stack = definitions__refer(model, event, DEFINITION_STACK, sample->stack_id);
	file = definitions__refer(model, event, DEFINITION_FILE, sample->file_id);
	error = reach_grower(model, sample, &slot);
	if (error || !slot)
		return error;
	error = growth__reach(model, slot, stack, file, sample->came_ns, &sums);
	if (error)
		return error;
	if (!sums)
		return loss__count(model, LOSS_MODEL_FULL, event->kind);
	more = growth__of(model, sample);
	growth__add(&sums->growth, &more);
	growth__take_off(&sums->growth, 0, nothing);
	return 0;
}

/* The sums are found, not made: what was not counted when it came has not gone either. */
int growth__on_gone(struct model *model, const struct event_header *event)
{
	const struct event_growth_gone *gone = (const struct event_growth_gone *)event;
	const struct process_slot *slot = process_table__find(&model->processes, &gone->task);
	struct grower *grower = slot ? growth__find_grower(model, slot) : NULL;
	struct growth_key key = {.grower = grower};
	struct growth_slot *sums;

	if (!grower)
		return 0;
	/* It does not say when that had come: of a later part's samples nothing may be taken off.
	 */
	if (model->growths.limited &&
	    (model->growths.from_ns || event->time_ns > model->growths.to_ns))
		return 0;
	if (event->time_ns > grower->looked_ns)
		grower->looked_ns = event->time_ns;
	if (gone->stack_id) {
		const struct number *number =
			definitions__number(model, DEFINITION_STACK, gone->stack_id);

		if (!number)
			return loss__count(model, LOSS_MODEL_FULL, event->kind);
		key.stack = &number->definition->stack;
	}
	if (gone->file_id) {
		const struct number *number =
			definitions__number(model, DEFINITION_FILE, gone->file_id);

		/* As the samples were counted that nobody could tell the file of. */
		key.file = number ? &number->definition->file : NULL;
	}
	HASH_FIND(hh, model->growths.by_key, &key, sizeof(key), sums);
	if (sums)
		growth__take_off(&sums->growth, gone->samples, (const int64_t *)gone->bytes);
	return 0;
}

void growth__stop_watching(struct model *model)
{
	for (size_t i = 0; i < model->growths.count; i++)
		if (model->growths.slots[i])
			model->growths.slots[i]->growth.unwatched = true;
}

/* --- the state block read ------------------------------------------------------------------- */

static struct growth growth__of_kept(const struct event_kept_growth *kept)
{
	return (struct growth){
		.first_ns = kept->first_ns,
		.last_ns = kept->header.time_ns,
		.samples = kept->samples,
		.anon_bytes = kept->bytes[GROWTH_ANON],
		.file_bytes = kept->bytes[GROWTH_FILE],
		.shmem_bytes = kept->bytes[GROWTH_SHMEM],
		.from_swap_bytes = kept->bytes[GROWTH_SWAP],
		.in_kernel_bytes = kept->in_kernel_bytes,
		.variance_pages = kept->variance_pages,
	};
}

int growth__on_kept(struct model *model, const struct event_header *event)
{
	const struct event_kept_growth *kept = (const struct event_kept_growth *)event;
	struct process_slot *slot = process_table__find(&model->processes, &kept->task);
	const struct growth more = growth__of_kept(kept);
	struct growth_slot *sums;
	struct number *number, *file;
	struct grower *grower;
	int error;

	if (!model->restoring || !slot)
		return loss__count(model, LOSS_MALFORMED, event->kind);
	/* How much of it came when is not known any more. */
	if (model->growths.limited && model->growths.from_ns)
		return 0;
	number = definitions__number(model, DEFINITION_STACK, kept->stack_id);
	file = definitions__number(model, DEFINITION_FILE, kept->file_id);
	error = growth__reach(model, slot, number ? number->definition : NULL,
			      file ? file->definition : NULL, event->time_ns, &sums);
	if (error)
		return error;
	if (!sums)
		return loss__count(model, LOSS_MODEL_FULL, event->kind);
	growth__add(&sums->growth, &more);
	growth__take_off(&sums->growth, kept->gone_samples, (const int64_t *)kept->gone_bytes);
	sums->growth.unwatched |= kept->flags & KEPT_GROWTH_UNWATCHED;
	grower = growth__find_grower(model, slot);
	if (kept->looked_ns > grower->looked_ns)
		grower->looked_ns = kept->looked_ns;
	if (kept->rose_bytes >= 0)
		grower->rose_bytes = growth__sum(kept->rose_bytes, 0);
	return 0;
}

/* --- all of them ---------------------------------------------------------------------------- */

void growth__free_all(struct model *model)
{
	struct growths *growths = &model->growths;
	struct grower *grower, *next;

	HASH_CLEAR(hh, growths->by_key);
	for (size_t i = 0; i < growths->count; i++) {
		if (!growths->slots[i])
			continue;
		definition__put(model, (struct definition *)growths->slots[i]->growth.stack);
		definition__put(model, (struct definition *)growths->slots[i]->growth.file);
		free(growths->slots[i]);
	}
	free(growths->slots);
	HASH_ITER (hh, growths->growers, grower, next) {
		HASH_DEL(growths->growers, grower);
		free(grower);
	}
	*growths = (struct growths){0};
}

size_t growth__heap_bytes(const struct model *model)
{
	const struct growths *growths = &model->growths;

	return growths->capacity * sizeof(growths->slots[0]) +
	       growths->count * (sizeof(struct growth_slot) + 2 * sizeof(void *)) +
	       HASH_COUNT(growths->growers) * (sizeof(struct grower) + 2 * sizeof(void *));
}

/* --- what model.h offers -------------------------------------------------------------------- */

void model__limit_growth(struct model *model, uint64_t from_ns, uint64_t to_ns)
{
	model->growths.limited = true;
	model->growths.from_ns = from_ns;
	model->growths.to_ns = to_ns;
}

size_t model__growth_count(const struct model *model)
{
	return model->growths.count;
}

const struct growth *model__growth(const struct model *model, size_t index)
{
	return &model->growths.slots[index]->growth;
}

int64_t growth__bytes(const struct growth *growth)
{
	return growth->anon_bytes + growth->file_bytes + growth->shmem_bytes;
}

int64_t growth__stayed_bytes(const struct growth *growth)
{
	return growth__bytes(growth) - growth->gone_anon_bytes - growth->gone_file_bytes -
	       growth->gone_shmem_bytes;
}
