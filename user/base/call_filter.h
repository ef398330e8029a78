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
/* Of one argument; its halves are of 32 bits. */
enum call_test {
	CALL_WITH,       /* its lower half is this */
	CALL_WITHOUT,    /* none of these bits is set in its lower half */
	CALL_HIGH_IS,    /* its upper half is this */
	CALL_HIGH_ABOVE, /* ... is more */
	CALL_HIGH_BELOW, /* ... is less */
};

struct call_condition {
	int argument; /* from 0 on */
	enum call_test test;
	uint32_t value;
};

#define CALL_CONDITIONS_MAX 8

/* Allowed if all of these hold; else nothing is decided. */
void call_filter__allow_if(struct call_filter *filter, long number,
			   const struct call_condition *conditions, size_t count);
/* If this one does. */
void call_filter__allow_without(struct call_filter *filter, long number, int argument,
				uint32_t bits);
void call_filter__allow_with(struct call_filter *filter, long number, int argument, uint32_t value);
/* If all of the argument is this. */
void call_filter__allow_with_pointer(struct call_filter *filter, long number, int argument,
				     const void *pointer);
/* fcntl(2) for a process's own descriptors, and nothing by which a signal could be sent. */
void call_filter__allow_file_flags(struct call_filter *filter);
/* For this process and its children, for good, with this for every other call. 0 or -errno. */
int call_filter__end(struct call_filter *filter, uint32_t otherwise);
