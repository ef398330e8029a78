/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <stdlib.h>

#include "model/model_internal.h"

/* As of a machine's memory: sums of a thousand such values still fit. */
#define SUM_MAX (1LL << 52)

static int64_t sum__add(int64_t a, int64_t b)
{
	int64_t sum = bytes__add(a, b);

	if (sum > SUM_MAX)
		return SUM_MAX;
	return sum < -SUM_MAX ? -SUM_MAX : sum;
}

static uint64_t count__add(uint64_t a, uint64_t b)
{
	uint64_t sum;

	return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

/* --- what the memory of sampled processes has risen by --------------------------------------- */

static struct grower *find_grower(const struct model *model, const struct process_slot *slot)
{
	struct grower *grower;

	HASH_FIND(hh, model->growths.growers, &slot, sizeof(slot), grower);
	return grower;
}

const struct grower *growth__grower(const struct model *model, const struct process_slot *slot)
{
	return find_grower(model, slot);
}

static int64_t rise(int64_t before, int64_t after)
{
	return before >= 0 && after > before ? after - before : 0;
}

/* Before its first sample: as far as its history is kept. */
static int64_t rose_before(const struct process *process)
{
	int64_t rose = 0, before = EVENT_UNKNOWN;

	for (size_t i = 0; i < series__count(process->series); i++) {
		struct memory memory;
		int64_t now;

		memory__from_columns(&memory, series__values(process->series, i));
		now = memory__resident(&memory);
		rose = sum__add(rose, rise(before, now));
		before = now;
	}
	return rose;
}

void growth__note_memory(struct model *model, const struct process_slot *slot,
			 const struct memory *next)
{
	struct grower *grower = model->growths.growers ? find_grower(model, slot) : NULL;

	if (grower)
		grower->rose_bytes =
			sum__add(grower->rose_bytes, rise(memory__resident(&slot->process.now),
							  memory__resident(next)));
}

static int reach_grower(struct model *model, const struct process_slot *slot, struct grower **out)
{
	struct grower *grower = find_grower(model, slot);

	*out = grower;
	if (grower)
		return 0;
	grower = calloc(1, sizeof(*grower));
	if (!grower)
		return -ENOMEM;
	grower->slot = slot;
	grower->rose_bytes = rose_before(&slot->process);
	HASH_ADD_PTR(model->growths.growers, slot, grower);
	if (!grower->hh.tbl) {
		free(grower);
		return -ENOMEM;
	}
	*out = grower;
	return 0;
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
	int error = reach_grower(model, slot, &grower);

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
	growth->anon_bytes = sum__add(growth->anon_bytes, more->anon_bytes);
	growth->file_bytes = sum__add(growth->file_bytes, more->file_bytes);
	growth->shmem_bytes = sum__add(growth->shmem_bytes, more->shmem_bytes);
	growth->from_swap_bytes = sum__add(growth->from_swap_bytes, more->from_swap_bytes);
	growth->in_kernel_bytes = sum__add(growth->in_kernel_bytes, more->in_kernel_bytes);
	growth->square_pages = count__add(growth->square_pages, more->square_pages);
}

static void part__add(int64_t *part, int64_t more, int64_t whole)
{
	const int64_t sum = sum__add(*part, more > 0 ? more : 0);

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

static uint64_t square(uint64_t pages)
{
	uint64_t square;

	return __builtin_mul_overflow(pages, pages, &square) ? UINT64_MAX : square;
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
	growth.square_pages = square((uint64_t)(bytes < 0 ? -bytes : bytes) / (uint64_t)page_bytes);
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
	error = process__reach(model, &sample->task, event->time_ns, NULL, &slot);
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
	struct grower *grower = slot ? find_grower(model, slot) : NULL;
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
		.square_pages = kept->square_pages,
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
	grower = find_grower(model, slot);
	if (kept->looked_ns > grower->looked_ns)
		grower->looked_ns = kept->looked_ns;
	if (kept->rose_bytes >= 0)
		grower->rose_bytes = sum__add(kept->rose_bytes, 0);
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

/* Stacks by their contents: under which numbers they were told shows in no report. */
/* Recordings from before there were source lines keep their digests. */
static void digest__lines(struct digest *digest, const struct stack *stack)
{
	for (size_t i = 0; stack && i < stack->count; i++) {
		const struct frame *frame = stack->frames[i];

		if (!frame || !frame->file)
			continue;
		digest__text(digest, frame->file);
		digest__u64(digest, frame->line);
	}
}

void digest__growth(struct digest *digest, const struct model *model)
{
	const struct growths *growths = &model->growths;

	/* Recordings from before there were samples keep their digests. */
	if (!growths->growers)
		return;
	digest__u64(digest, growths->count);
	for (size_t i = 0; i < growths->count; i++) {
		const struct growth *growth = &growths->slots[i]->growth;
		const struct definition *stack = (const struct definition *)growth->stack;

		digest__task(digest, &growth->task);
		digest__u64(digest, stack != NULL);
		digest__u64(digest, stack ? stack->hash : 0);
		digest__lines(digest, growth->stack);
		digest__u64(digest, growth->first_ns);
		digest__u64(digest, growth->last_ns);
		digest__u64(digest, growth->samples);
		digest__u64(digest, (uint64_t)growth->anon_bytes);
		digest__u64(digest, (uint64_t)growth->file_bytes);
		digest__u64(digest, (uint64_t)growth->shmem_bytes);
		digest__u64(digest, (uint64_t)growth->from_swap_bytes);
		digest__u64(digest, (uint64_t)growth->in_kernel_bytes);
		digest__u64(digest, growth->square_pages);
		digest__u64(digest, (uint64_t)growths->slots[i]->key.grower->rose_bytes);
		digest__u64(digest, growth->gone_samples);
		digest__u64(digest, (uint64_t)growth->gone_anon_bytes);
		digest__u64(digest, (uint64_t)growth->gone_file_bytes);
		digest__u64(digest, (uint64_t)growth->gone_shmem_bytes);
		digest__u64(digest, (uint64_t)growth->gone_from_swap_bytes);
		digest__u64(digest, growths->slots[i]->key.grower->looked_ns);
		if (growth->unwatched)
			digest__u64(digest, 1);
		if (growth->file)
			digest__u64(digest, ((const struct definition *)growth->file)->hash);
	}
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

uint64_t model__pages_looked_ns(const struct model *model, const struct task_ref *task)
{
	const struct process_slot *slot = process_table__find(&model->processes, task);
	const struct grower *grower = slot ? find_grower(model, slot) : NULL;

	return grower ? grower->looked_ns : 0;
}

int64_t model__rose_bytes(const struct model *model, const struct task_ref *task)
{
	const struct process_slot *slot = process_table__find(&model->processes, task);
	const struct grower *grower = slot ? find_grower(model, slot) : NULL;

	return grower ? grower->rose_bytes : EVENT_UNKNOWN;
}
