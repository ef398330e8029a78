/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "report/growth_internal.h"
#include "report/reading.h"

/* --- order by content ------------------------------------------------------------------------- */

static int module__compare(const struct module *a, const struct module *b, enum growth_rows rows)
{
	int order;

	if (a == b)
		return 0;
	if (!a || !b)
		return a ? 1 : -1;
	order = strcmp(a->path, b->path);
	if (order != 0 || rows == GROWTH_BY_FUNCTION)
		return order;
	if (a->build_id_bytes != b->build_id_bytes)
		return ORDER(a->build_id_bytes, b->build_id_bytes);
	return memcmp(a->build_id, b->build_id, a->build_id_bytes);
}

/* A function is its name; its start would set two builds of one program apart. Code made at run
 * time that has no name is one, wherever it lies. */
static int frame__compare(const struct frame *a, const struct frame *b, enum growth_rows rows)
{
	int order;

	if (a == b)
		return 0;
	if (!a || !b)
		return a ? 1 : -1;
	if (rows == GROWTH_BY_FUNCTION && frame__is_unnamed_jit(a) && frame__is_unnamed_jit(b))
		return 0;
	if (!a->name || !b->name)
		order = (a->name != NULL) - (b->name != NULL);
	else
		order = strcmp(a->name, b->name);
	if (order == 0)
		order = module__compare(a->module, b->module, rows);
	if (order == 0)
		order = ORDER(a->kind, b->kind);
	if (order == 0 && (rows == GROWTH_EXACT || !a->name))
		order = ORDER(a->address, b->address);
	return order;
}

static size_t stack__first(const struct stack *stack, enum growth_rows rows)
{
	return rows == GROWTH_EXACT ? 0 : stack__first_said(stack);
}

static size_t stack__next(const struct stack *stack, size_t at, enum growth_rows rows)
{
	return rows == GROWTH_EXACT ? at + 1 : stack__after(stack, at);
}

static int stack__compare(const struct stack *a, const struct stack *b, enum growth_rows rows)
{
	size_t i, j;

	if (a == b)
		return 0;
	if (!a || !b)
		return a ? -1 : 1;
	i = stack__first(a, rows);
	j = stack__first(b, rows);
	while (i < a->count && j < b->count) {
		const int order = frame__compare(a->frames[i], b->frames[j], rows);

		if (order != 0)
			return order;
		i = stack__next(a, i, rows);
		j = stack__next(b, j, rows);
	}
	if (i < a->count || j < b->count)
		return i < a->count ? 1 : -1;
	return ORDER(a->end, b->end);
}

static int row__compare(const struct growth_row *a, const struct growth_row *b,
			enum growth_rows rows)
{
	int order = rows == GROWTH_EXACT ? task__compare(&a->task, &b->task) : 0;

	if (order == 0)
		order = stack__compare(a->stack, b->stack, rows);
	if (order == 0 && rows == GROWTH_EXACT)
		order = file__compare(a->file, b->file);
	return order;
}

/* What says the same side by side; of that, the process that grew most first. */
static int compare_to_merge(const void *left, const void *right, void *context)
{
	const struct growth_row *a = left, *b = right;
	const int order = row__compare(a, b, *(enum growth_rows *)context);

	if (order != 0)
		return order;
	if (a->bytes != b->bytes)
		return a->bytes > b->bytes ? -1 : 1;
	return row__compare(a, b, GROWTH_EXACT);
}

static int compare_to_show(const void *left, const void *right, void *context)
{
	const struct growth_row *a = left, *b = right;

	if (a->bytes != b->bytes)
		return a->bytes > b->bytes ? -1 : 1;
	return row__compare(a, b, *(enum growth_rows *)context);
}

/* --- processes -------------------------------------------------------------------------------- */

static int compare_processes(const void *left, const void *right)
{
	const struct process *a = *(const struct process *const *)left;
	const struct process *b = *(const struct process *const *)right;
	const int order = task__compare(&a->task, &b->task);

	return order != 0 ? order : ORDER(a->seen_ns, b->seen_ns);
}

static int compare_to_task(const void *key, const void *element)
{
	return task__compare(key, &(*(const struct process *const *)element)->task);
}

struct process_index {
	const struct process **sorted;
	size_t count;
};

static int process_index__read(struct process_index *index, const struct model *model)
{
	index->count = model__process_count(model);
	index->sorted = calloc(index->count ? index->count : 1, sizeof(struct process *));
	if (!index->sorted)
		return -ENOMEM;
	for (size_t i = 0; i < index->count; i++)
		index->sorted[i] = model__process(model, i);
	qsort(index->sorted, index->count, sizeof(*index->sorted), compare_processes);
	return 0;
}

static const struct process *process_index__find(const struct process_index *index,
						 const struct task_ref *task)
{
	const struct process **found =
		bsearch(task, index->sorted, index->count, sizeof(*index->sorted), compare_to_task);

	return found ? *found : NULL;
}

/* --- whose ------------------------------------------------------------------------------------ */

/* -ENOMEM, or whether the process is in the cgroup or below it. */
static int is_below(const struct model *model, const struct process *process, const char *cgroup)
{
	size_t length = strlen(cgroup);
	_cleanup_(freep) char *path = NULL;

	if (!process)
		return false;
	path = model__cgroup_path(model, process->cgroup_id);
	if (!path)
		return -ENOMEM;
	while (length > 0 && cgroup[length - 1] == '/')
		length--;
	return strncmp(path, cgroup, length) == 0 && (path[length] == '\0' || path[length] == '/');
}

static bool is_listed(const struct growth_filter *filter, const struct task_ref *task)
{
	bool listed = filter->task_count == 0;

	for (size_t i = 0; i < filter->task_count; i++)
		listed |= task_ref__same(&filter->tasks[i], task);
	return listed && (filter->pid == 0 || filter->pid == task->pid);
}

static int is_meant(const struct model *model, const struct growth_filter *filter,
		    const struct task_ref *task, const struct process *process)
{
	if (!is_listed(filter, task))
		return false;
	return filter->cgroup ? is_below(model, process, filter->cgroup) : true;
}

/* At most so many rows: an incident's are few of all that a busy host's samples make. */
static size_t count_listed(const struct model *model, const struct growth_filter *filter)
{
	size_t count = 0;

	for (size_t i = 0; i < model__growth_count(model); i++)
		count += is_listed(filter, &model__growth(model, i)->task);
	return count;
}

/* --- rows ------------------------------------------------------------------------------------- */

static struct growth_row row__of(const struct model *model, const struct growth *growth,
				 const struct process *process)
{
	return (struct growth_row){
		.stack = growth->stack,
		.task = growth->task,
		.process = process,
		.processes = 1,
		.file = growth->file,
		.files = growth->file != NULL,
		.bytes = growth__bytes(growth),
		.anon_bytes = growth->anon_bytes,
		.file_bytes = growth->file_bytes,
		.shmem_bytes = growth->shmem_bytes,
		.from_swap_bytes = growth->from_swap_bytes,
		.in_kernel_bytes = growth->in_kernel_bytes,
		.samples = growth->samples,
		.variance_pages = growth->variance_pages,
		.first_ns = growth->first_ns,
		.last_ns = growth->last_ns,
		.stay = growth_stay__of(model, growth, process),
	};
}

int growths__read_rows(struct growths *growths, const struct model *model,
		       const struct growth_filter *filter)
{
	const size_t all = model__growth_count(model), listed = count_listed(model, filter);
	_cleanup_(freep) const struct process **sorted = NULL;
	struct process_index index = {0};

	if (listed == 0)
		return 0;
	growths->rows = calloc(listed, sizeof(*growths->rows));
	if (!growths->rows || process_index__read(&index, model) < 0)
		return -ENOMEM;
	sorted = index.sorted;
	for (size_t i = 0; i < all; i++) {
		const struct growth *growth = model__growth(model, i);
		const struct process *process = process_index__find(&index, &growth->task);
		const int meant = is_meant(model, filter, &growth->task, process);

		if (meant < 0)
			return meant;
		if (meant)
			growths->rows[growths->count++] = row__of(model, growth, process);
	}
	return 0;
}

static void row__add(struct growth_row *row, const struct growth_row *more)
{
	row->bytes = add(row->bytes, more->bytes);
	row->anon_bytes = add(row->anon_bytes, more->anon_bytes);
	row->file_bytes = add(row->file_bytes, more->file_bytes);
	row->shmem_bytes = add(row->shmem_bytes, more->shmem_bytes);
	row->from_swap_bytes = add(row->from_swap_bytes, more->from_swap_bytes);
	row->in_kernel_bytes = add(row->in_kernel_bytes, more->in_kernel_bytes);
	row->samples = add_count(row->samples, more->samples);
	row->variance_pages = add_count(row->variance_pages, more->variance_pages);
	row->first_ns = more->first_ns < row->first_ns ? more->first_ns : row->first_ns;
	row->last_ns = more->last_ns > row->last_ns ? more->last_ns : row->last_ns;
	growth_stay__add(&row->stay, &more->stay);
}

static int compare_tasks(const void *left, const void *right)
{
	return task__compare(left, right);
}

/* Rows [from, to) say the same: they become one. `tasks` and `files` have room for them. */
static struct growth_row merged(const struct growth_row *rows, size_t from, size_t to,
				struct task_ref *tasks, struct growth_file *files)
{
	struct growth_row row = rows[from];

	row.files = 0;
	for (size_t i = from; i < to; i++) {
		tasks[i - from] = rows[i].task;
		if (rows[i].file)
			files[row.files++] = (struct growth_file){
				rows[i].file, add(rows[i].file_bytes, rows[i].shmem_bytes)};
		if (i > from)
			row__add(&row, &rows[i]);
	}
	row.files = growth_files__sum(files, row.files);
	row.file = row.files > 0 ? files[0].file : NULL;
	qsort(tasks, to - from, sizeof(*tasks), compare_tasks);
	for (size_t i = 1; i < to - from; i++)
		row.processes += compare_tasks(&tasks[i - 1], &tasks[i]) != 0;
	return row;
}

int growths__merge_rows(struct growths *growths, enum growth_rows rows)
{
	_cleanup_(freep) struct task_ref *tasks = calloc(growths->count, sizeof(*tasks));
	_cleanup_(freep) struct growth_file *files = calloc(growths->count, sizeof(*files));
	size_t count = 0, end;

	if (!tasks || !files)
		return -ENOMEM;
	qsort_r(growths->rows, growths->count, sizeof(*growths->rows), compare_to_merge, &rows);
	for (size_t i = 0; i < growths->count; i = end) {
		end = i + 1;
		while (end < growths->count &&
		       row__compare(&growths->rows[i], &growths->rows[end], rows) == 0)
			end++;
		growths->rows[count++] = merged(growths->rows, i, end, tasks, files);
	}
	growths->count = count;
	qsort_r(growths->rows, count, sizeof(*growths->rows), compare_to_show, &rows);
	return 0;
}
