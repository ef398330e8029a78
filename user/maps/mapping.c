/* SPDX-License-Identifier: GPL-2.0-only */
#include "maps/mapping.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Without it uthash ends the program when memory is short. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

struct mapped_file {
	struct mapped_files *files;
	size_t references;
	UT_hash_handle hh;
	struct file_id id; /* the key begins here and goes on to the end of the path */
	char path[];
};

struct mapped_files {
	struct mapped_file *by_key;
	size_t bytes;
};

_Static_assert(sizeof(struct file_id) == 48, "a key has no holes");

int mapped_files__new(struct mapped_files **out)
{
	*out = calloc(1, sizeof(**out));
	return *out ? 0 : -ENOMEM;
}

void mapped_files__free(struct mapped_files *files)
{
	free(files);
}

size_t mapped_files__bytes(const struct mapped_files *files)
{
	return files->bytes;
}

static size_t file_bytes(size_t length)
{
	return sizeof(struct mapped_file) + length + 1;
}

struct mapped_file *mapped_files__take(struct mapped_files *files, const struct file_id *id,
				       const char *path)
{
	size_t length = strnlen(path, MAPPING_PATH_MAX_BYTES);
	struct mapped_file *file, *made = calloc(1, file_bytes(length));

	if (!made)
		return NULL;
	made->id = *id;
	memset(made->id.padding, 0, sizeof(made->id.padding));
	memcpy(made->path, path, length);
	HASH_FIND(hh, files->by_key, &made->id, sizeof(made->id) + length, file);
	if (file) {
		free(made);
		return mapped_file__ref(file);
	}
	made->files = files;
	made->references = 1;
	HASH_ADD(hh, files->by_key, id, sizeof(made->id) + length, made);
	if (!made->hh.tbl) {
		free(made);
		return NULL;
	}
	files->bytes += file_bytes(length);
	return made;
}

struct mapped_file *mapped_file__ref(struct mapped_file *file)
{
	if (file)
		file->references++;
	return file;
}

void mapped_file__unref(struct mapped_file *file)
{
	if (!file || --file->references > 0)
		return;
	file->files->bytes -= file_bytes(strlen(file->path));
	HASH_DELETE(hh, file->files->by_key, file);
	free(file);
}

const struct file_id *mapped_file__id(const struct mapped_file *file)
{
	return &file->id;
}

const char *mapped_file__path(const struct mapped_file *file)
{
	return file->path;
}

enum mapping_kind mapping__kind(const char *name, uint64_t inode, bool has_build_id)
{
	if (inode || has_build_id)
		return MAPPING_FILE;
	if (!strcmp(name, "[vdso]"))
		return MAPPING_VDSO;
	/* A program may run on its heap or stack, and may name what it mapped. */
	if (!*name || !strcmp(name, "//anon") || !strcmp(name, "[heap]") ||
	    !strcmp(name, "[stack]") || !strncmp(name, "[anon:", strlen("[anon:")))
		return MAPPING_ANONYMOUS;
	return name[0] == '/' && name[1] != '/' ? MAPPING_FILE : MAPPING_OTHER;
}

bool mapping__cut_deleted(char *path)
{
	static const char mark[] = " (deleted)";
	size_t length = strlen(path);

	if (length < sizeof(mark) || strcmp(path + length - strlen(mark), mark))
		return false;
	path[length - strlen(mark)] = '\0';
	return true;
}
