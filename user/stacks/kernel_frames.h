/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include "bpf/stack_sample.h"
#include "stacks/dictionary.h"
#include "stacks/modules.h"

/*
 * Frames of the kernel, of page faults that were taken in it: its functions while the system call
 * ran, then the system call itself ("[read]"), which a reader wants to know first, which stands for
 * all of them in text, and which is there alone where the kernel does not say where its functions
 * are. The kernel is a module named "[kernel]", its modules are "[ext4]"; their addresses are told
 * from where they begin, which is the same after each boot and tells nobody where this kernel lies.
 */
struct kernel_frames;

/* A descriptor of the kernel's names, which show addresses if we may see them now. 0: it has none.
 */
int kernel_frames__open_names(void);

struct kernel_frames_options {
	int kallsyms_fd;                  /* of kernel_frames__open_names(), and the caller's */
	void (*meanwhile)(void *context); /* as struct kernel_reading has it */
	void *meanwhile_context;
	struct modules *modules;
	struct dictionary *dictionary;
	const struct stack_sink *sink;
};

#define KERNEL_FRAMES_MAX (1 + STACK_KERNEL_FRAMES)

/* 0 or -ENOMEM. */
int kernel_frames__new(struct kernel_frames **out, const struct kernel_frames_options *options);
void kernel_frames__free(struct kernel_frames *frames);

/* The numbers of those of a sample, innermost first, told if need be; up to KERNEL_FRAMES_MAX.
 * `call`: that one frame alone; every program begins with execve(2), and reading the kernel's names
 * takes its time. NULL: the system call's that it was. 0 or -ENOMEM, or what the sink said. */
int kernel_frames__of(struct kernel_frames *frames, const struct stack_sample *sample,
		      const char *call, uint64_t now_ns, uint32_t *numbers, size_t *count);

/* How often there was no memory for the names. */
uint64_t kernel_frames__too_large(const struct kernel_frames *frames);
size_t kernel_frames__bytes(const struct kernel_frames *frames); /* of heap */
