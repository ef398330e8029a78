/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <linux/filter.h>
#include <linux/seccomp.h>

#define CALL_FILTER_MAX 512

/*
 * A filter of system calls (seccomp), made line by line: the first line that is about a call and
 * its arguments decides. `what`: SECCOMP_RET_... and its data. What is too long for it is -E2BIG in
 * the end, never shorter than it should be.
 */
struct call_filter {
	struct sock_filter at[CALL_FILTER_MAX];
	unsigned short count;
};

/* `elsewhere`: calls as another machine numbers them. */
void call_filter__begin(struct call_filter *filter, uint32_t elsewhere);
void call_filter__call(struct call_filter *filter, long number, uint32_t what);
void call_filter__calls(struct call_filter *filter, const long *numbers, size_t count,
			uint32_t what);
/* Allowed if none of these bits is set in the argument's lower half; else nothing is decided. */
void call_filter__allow_without(struct call_filter *filter, long number, int argument,
				uint32_t bits);
/* Allowed if the argument's lower half is this. */
void call_filter__allow_with(struct call_filter *filter, long number, int argument, uint32_t value);
/* Likewise, of all of it. */
void call_filter__allow_with_pointer(struct call_filter *filter, long number, int argument,
				     const void *pointer);
/* For this process and its children, for good, with this for every other call. 0 or -errno. */
int call_filter__end(struct call_filter *filter, uint32_t otherwise);
