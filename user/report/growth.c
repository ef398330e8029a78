/* SPDX-License-Identifier: GPL-2.0-only */
#include "report/growth.h"

#include <stdlib.h>

#include "report/growth_internal.h"
#include "report/reading.h"

static int64_t add_known(int64_t sum, int64_t bytes)
{
	if (bytes == EVENT_UNKNOWN)
		return sum;
	return sum == EVENT_UNKNOWN ? bytes : add(sum, bytes);
}

static uint64_t square_root(uint64_t square)
{
	uint64_t root = 0;

	for (uint64_t bit = 1ULL << 31; bit != 0; bit >>= 1) {
		if ((root | bit) * (root | bit) <= square)
			root |= bit;
	}
	return root;
}

static int64_t error_bytes(uint64_t variance_pages, uint64_t page_bytes)
{
	int64_t bytes;

	if (page_bytes == 0)
		return EVENT_UNKNOWN;
	if (__builtin_mul_overflow(square_root(variance_pages), page_bytes, &bytes))
		return INT64_MAX;
	return bytes;
}

int64_t growth_row__error_bytes(const struct growth_row *row, uint64_t page_bytes)
{
	return error_bytes(row->variance_pages, page_bytes);
}

static void sum_samples(struct growths *growths, const struct model *model)
{
	const struct event_host *host = model__host(model);
	uint64_t variance_pages = 0, variance_of_all = 0;

	for (size_t i = 0; i < growths->count; i++) {
		const struct growth_row *row = &growths->rows[i];
		int64_t *kind = &growths->no_stack_bytes;

		switch (stack__quality(row->stack)) {
		case STACK_EXPLAINED:
			kind = &growths->explained_bytes;
			variance_pages = add_count(variance_pages, row->variance_pages);
			break;
		case STACK_UNNAMED:
			kind = &growths->unnamed_bytes;
			break;
		case STACK_INCOMPLETE:
			kind = &growths->incomplete_bytes[row->stack->end];
			break;
		case STACK_UNKNOWN:
			break;
		}
		variance_of_all = add_count(variance_of_all, row->variance_pages);
		*kind = add(*kind, row->bytes);
		growths->sampled_bytes = add(growths->sampled_bytes, row->bytes);
		growths->from_swap_bytes = add(growths->from_swap_bytes, row->from_swap_bytes);
		growths->samples = add_count(growths->samples, row->samples);
	}
	growths->error_bytes = error_bytes(variance_pages, host ? host->page_bytes : 0);
	growths->not_seen_error_bytes = error_bytes(variance_of_all, host ? host->page_bytes : 0);
}

static void sum_process(struct growths *growths, const struct model *model,
			const struct growth_row *row)
{
	const struct process *process = row->process;

	growths->processes++;
	growths->rose_bytes = add_known(growths->rose_bytes, model__rose_bytes(model, &row->task));
	if (!process)
		return;
	growths->net_bytes =
		add_known(growths->net_bytes, process__span(model, process).grew_bytes);
	if (process->born_here)
		growths->inherited_bytes =
			add_known(growths->inherited_bytes, memory__resident(&process->first));
	else
		growths->before_bytes =
			add_known(growths->before_bytes, memory__resident(&process->first));
}

static int compare_rows_by_task(const void *left, const void *right)
{
	const struct growth_row *a = left, *b = right;

	return task__compare(&a->task, &b->task);
}

/* Before rows are merged: each process once. */
static void sum_processes(struct growths *growths, const struct model *model)
{
	struct growth_row *rows = growths->rows;

	growths->rose_bytes = growths->net_bytes = EVENT_UNKNOWN;
	growths->before_bytes = growths->inherited_bytes = EVENT_UNKNOWN;
	growths->not_seen_bytes = growths->lost_at_most_bytes = EVENT_UNKNOWN;
	qsort(rows, growths->count, sizeof(*rows), compare_rows_by_task);
	for (size_t i = 0; i < growths->count; i++) {
		if (i == 0 || compare_rows_by_task(&rows[i - 1], &rows[i]) != 0)
			sum_process(growths, model, &rows[i]);
	}
	growths__sum_stay(growths);
}

/* How far the last that was told of counters may be from what they came to (bpf/rss.bpf.c). */
static int64_t untold_bytes(const struct growths *growths, const struct model *model)
{
	const struct event_host *host = model__host(model);
	const int64_t share = growths->rose_bytes / 64;
	int64_t steps;

	if (!host || __builtin_mul_overflow(host->step_bytes, growths->processes, &steps))
		return share;
	return share > steps ? share : steps;
}

static void find_not_seen(struct growths *growths, const struct model *model)
{
	const int64_t seen = add(growths->sampled_bytes, growths->from_swap_bytes);

	if (growths->rose_bytes == EVENT_UNKNOWN)
		return;
	if (growths->not_seen_error_bytes != EVENT_UNKNOWN)
		growths->not_seen_error_bytes =
			add(add(growths->not_seen_error_bytes, growths->not_seen_error_bytes),
			    untold_bytes(growths, model));
	growths->not_seen_bytes = 0;
	if (growths->rose_bytes > seen &&
	    __builtin_sub_overflow(growths->rose_bytes, seen, &growths->not_seen_bytes))
		growths->not_seen_bytes = INT64_MAX;
}

int growths__read(struct growths *growths, const struct model *model,
		  const struct growth_filter *filter, enum growth_rows rows)
{
	static const struct growth_filter everybody = {0};
	int err;

	*growths = (struct growths){0};
	err = growths__read_rows(growths, model, filter ? filter : &everybody);
	if (err < 0 || growths->count == 0)
		return err;
	sum_processes(growths, model);
	err = growths__read_files(growths);
	if (err == 0)
		err = growths__merge_rows(growths, rows);
	if (err < 0)
		return err;
	sum_samples(growths, model);
	find_not_seen(growths, model);
	growths__find_lost(growths, model);
	return 0;
}

void growths__free(struct growths *growths)
{
	free(growths->rows);
	free(growths->files);
	*growths = (struct growths){0};
}

int64_t growths__incomplete_bytes(const struct growths *growths)
{
	int64_t sum = 0;

	for (size_t end = 0; end < STACK_END_COUNT; end++)
		sum = add(sum, growths->incomplete_bytes[end]);
	return sum;
}

const char *growth_row__class(const struct growth_row *row)
{
	if (row->anon_bytes >= row->file_bytes && row->anon_bytes >= row->shmem_bytes)
		return "anon";
	return row->file_bytes >= row->shmem_bytes ? "file" : "shmem";
}

const char *stack_end__words(enum stack_end end)
{
	static const char *const words[] = {
#define X(name, text) text,
		STACK_ENDS(X)
#undef X
	};

	return end < STACK_END_COUNT ? words[end] : "unknown to this version";
}

const char *frame_kind__name(enum frame_kind kind)
{
	static const char *const names[] = {
#define X(name, text) text,
		FRAME_KINDS(X)
#undef X
	};

	return kind < FRAME_KIND_END ? names[kind] : "unknown";
}
