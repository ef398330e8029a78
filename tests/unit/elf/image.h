/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/* ELF files of this machine and ones made up, for tests of what reads them. */

#include <elf.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "elf/object.h"

/* A whole file in memory. */
struct image {
	uint8_t *data;
	size_t bytes;
};

static inline struct image image__of(const char *path)
{
	struct image image;
	struct stat status;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &status), 0);
	image.bytes = (size_t)status.st_size;
	image.data = malloc(image.bytes);
	assert_non_null(image.data);
	assert_int_equal(read(fd, image.data, image.bytes), image.bytes);
	close(fd);
	return image;
}

/* A descriptor of a file in memory with these bytes. */
static inline int image__fd(const void *data, size_t bytes)
{
	int fd = memfd_create("image", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, bytes), bytes);
	return fd;
}

/* Where libc.so.6 of this process lies on the disk. */
static inline int image__note_libc(struct dl_phdr_info *info, size_t size, void *path)
{
	(void)size;
	if (!strstr(info->dlpi_name, "/libc.so.6"))
		return 0;
	snprintf(path, PATH_MAX, "%s", info->dlpi_name);
	return 1;
}

static inline const char *image__libc(void)
{
	static char path[PATH_MAX];

	assert_int_equal(dl_iterate_phdr(image__note_libc, path), 1);
	return path;
}

static inline struct object *object_of(const char *path)
{
	struct object *object = NULL;
	char why[256] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	if (object__read(&object, fd, why, sizeof(why)))
		fail_msg("%s: %s", path, why);
	close(fd);
	return object;
}

/* The section header of that name inside `image`, to be changed there. */
static inline Elf64_Shdr *image__section(struct image *image, const char *name)
{
	Elf64_Ehdr *elf = (Elf64_Ehdr *)image->data;
	Elf64_Shdr *headers = (Elf64_Shdr *)(image->data + elf->e_shoff);
	const char *names = (char *)image->data + headers[elf->e_shstrndx].sh_offset;

	for (size_t i = 0; i < elf->e_shnum; i++) {
		if (!strcmp(names + headers[i].sh_name, name))
			return &headers[i];
	}
	return NULL;
}
