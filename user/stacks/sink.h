/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/events.h"

/*
 * What becomes of growth samples: definitions of modules, frames, stacks and files, each told
 * before what refers to it, and the samples. The numbers and when they are told again:
 * bpf/events.h.
 */

/* A definition that was not referred to for so long is told again. Earlier than events.h wants it:
 * whoever listens goes by the times of samples, which have waited for some time here. */
#define SINK_RETELL_NS (STACK_RETELL_NS / 2)

/* The last ones that were used: what is new is told under higher ones. */
struct stack_numbers {
	uint32_t module, frame, stack, file;
};

/* An ELF file. */
struct stack_module {
	uint32_t id;
	const uint8_t *build_id; /* NULL: it has none */
	size_t build_id_bytes;
	const char *path; /* as its process sees it: any bytes */
};

struct stack_frame {
	uint32_t id;
	uint32_t module;  /* 0: none */
	uint64_t address; /* link-time address in the module; without one, in the process */
	uint64_t start;   /* of the function, likewise; 0: it has no name */
	enum frame_kind kind;
	const char *name; /* readable; NULL: it has none */
};

struct stack_frame_line {
	uint32_t frame;
	const char *file; /* as the compiler noted it, also relative */
	uint32_t line;    /* 0: none in particular */
};

struct stack_chain {
	uint32_t id;
	enum stack_end end;
	const uint32_t *frames; /* innermost first */
	size_t count;           /* up to EVENT_STACK_FRAMES */
};

struct stack_file {
	uint32_t id;
	uint32_t flags;    /* enum file_flag */
	const char *path;  /* as its process sees it: any bytes */
	const char *mount; /* where its tmpfs is mounted; NULL: in none */
};

struct stack_growth {
	struct task_ref task; /* tid: the thread whose fault it was */
	uint64_t time_ns;     /* when the page came */
	uint64_t mm_id;
	uint64_t address;              /* of the page */
	uint64_t block_bytes;          /* the sample stands for so much address space */
	int32_t pages[GROWTH_MEMBERS]; /* that came with it */
	uint32_t stack;                /* 0: it could not be kept */
	uint32_t file;                 /* of the pages that are a file's or shared; 0: not known */
	bool in_kernel;                /* the fault was taken in a system call */
};

/* What came with samples and is not there any more: of one process and stack, since the last time.
 * The bytes are as growth is summed: what came back from swap is not among the anonymous ones. With
 * 0 samples: the process has been looked at, and everything is there. */
struct stack_gone {
	struct task_ref task; /* tid: the pid */
	uint32_t stack;       /* as it was told with the samples, however long ago */
	uint32_t file;        /* likewise */
	uint64_t samples;
	int64_t bytes[GROWTH_MEMBERS];
};

/* Each returns 0, or what ends the work. */
struct stack_sink {
	void *context;
	int (*module)(void *context, const struct stack_module *module);
	int (*frame)(void *context, const struct stack_frame *frame);
	int (*line)(void *context, const struct stack_frame_line *line);
	int (*stack)(void *context, const struct stack_chain *chain);
	int (*file)(void *context, const struct stack_file *file);
	int (*growth)(void *context, const struct stack_growth *growth);
	int (*gone)(void *context, const struct stack_gone *gone);
};
