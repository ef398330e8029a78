/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * One ELF file as unwinding and naming need it: the sections wanted are read into memory and the
 * file is not needed any more, because an open file pins the file system of a container. What the
 * file holds was written by somebody hostile: every size is bounded, every offset checked.
 *
 * 64 bit, little endian, x86-64 and aarch64: the programs that this program follows.
 */
struct object;

/* Of each section, and of all of them in one file. */
#define OBJECT_SECTION_MAX_BYTES (128U << 20)
#define OBJECT_MAX_BYTES         (256U << 20)

/* Takes what is needed out of the file behind `fd` (not consumed): a regular file, read with
 * pread(2), never mapped: a mapping of a file that is cut meanwhile is a SIGBUS. -errno: -EINVAL no
 * ELF file that can be used, or it changed while it was read; -EFBIG a section beyond its bound;
 * -ENOEXEC another machine's; -ENOMEM. `why`: one sentence. */
int object__read(struct object **out, int fd, char *why, size_t why_size);
/* The same from memory (a file inside a section), which may go away afterwards. */
int object__read_memory(struct object **out, const void *data, size_t bytes, char *why,
			size_t why_size);

/* One owner after object__read(); the last object__unref() frees. Both from any thread. */
struct object *object__ref(struct object *object);
void object__unref(struct object *object);

int object__machine(const struct object *object);    /* EM_X86_64, EM_AARCH64 */
uint64_t object__entry(const struct object *object); /* where a program begins; 0: a library */

/* NULL: it has none. */
const uint8_t *object__build_id(const struct object *object, size_t *bytes);

/* The link-time address of what lies at `file_offset`, by the loadable segments; executable ones
 * first, since segments may share a page of the file. */
bool object__vaddr(const struct object *object, uint64_t file_offset, uint64_t *vaddr);

struct object_section {
	const uint8_t *data; /* NULL: only its place is known; a NUL follows behind `bytes` */
	size_t bytes;        /* 0: no such section, or it is empty */
	uint64_t vaddr;      /* link-time address; 0: is not loaded */
};

/* With data: .eh_frame .eh_frame_hdr .debug_frame .symtab .strtab .dynsym .dynstr .gopclntab
 * .data.rel.ro.gopclntab .gnu_debugdata .gnu_debuglink; compressed ones (zlib) inflated. Only their
 * place: .debug_line .zdebug_line .text .plt .plt.got .plt.sec .init .fini. Where a file has no
 * section headers, .eh_frame_hdr and .eh_frame are found by the segments; the latter then ends with
 * its segment. */
struct object_section object__section(const struct object *object, const char *name);

/* The same in everything above, byte for byte? A build-id can be anybody's claim. */
bool object__equal(const struct object *a, const struct object *b);

size_t object__bytes(const struct object *object); /* heap held */
