/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "report/growth_internal.h"

static int text__compare(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) : (a != NULL) - (b != NULL);
}

int file__compare(const struct file *a, const struct file *b)
{
	int order;

	if (a == b)
		return 0;
	if (!a || !b)
		return a ? 1 : -1;
	order = strcmp(a->path, b->path);
	if (order == 0)
		order = text__compare(a->mount, b->mount);
	return order != 0 ? order : ORDER(a->flags, b->flags);
}

static int compare_to_sum(const void *left, const void *right)
{
	const struct growth_file *a = left, *b = right;

	return file__compare(a->file, b->file);
}

static int compare_to_show(const void *left, const void *right)
{
	const struct growth_file *a = left, *b = right;

	if (a->bytes != b->bytes)
		return a->bytes > b->bytes ? -1 : 1;
	return file__compare(a->file, b->file);
}

size_t growth_files__sum(struct growth_file *files, size_t count)
{
	size_t left = 0;

	if (count == 0)
		return 0;
	qsort(files, count, sizeof(*files), compare_to_sum);
	for (size_t i = 1; i < count; i++) {
		if (compare_to_sum(&files[left], &files[i]) == 0)
			files[left].bytes = add(files[left].bytes, files[i].bytes);
		else
			files[++left] = files[i];
	}
	left++;
	qsort(files, left, sizeof(*files), compare_to_show);
	return left;
}

int growths__read_files(struct growths *growths)
{
	growths->files = calloc(growths->count, sizeof(*growths->files));
	if (!growths->files)
		return -ENOMEM;
	for (size_t i = 0; i < growths->count; i++) {
		const struct growth_row *row = &growths->rows[i];

		if (row->file)
			growths->files[growths->file_count++] = (struct growth_file){
				row->file, add(row->file_bytes, row->shmem_bytes)};
	}
	growths->file_count = growth_files__sum(growths->files, growths->file_count);
	return 0;
}
