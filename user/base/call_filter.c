/* SPDX-License-Identifier: GPL-2.0-only */
#include "base/call_filter.h"

#include <errno.h>
#include <sys/prctl.h>

#include <linux/audit.h>

#if defined(__x86_64__)
#define THIS_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define THIS_ARCH AUDIT_ARCH_AARCH64
#endif

static void put(struct call_filter *filter, struct sock_filter instruction)
{
	if (filter->count < CALL_FILTER_MAX)
		filter->at[filter->count++] = instruction;
}

static void load(struct call_filter *filter, size_t offset)
{
	put(filter, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset));
}

static void result(struct call_filter *filter, uint32_t what)
{
	put(filter, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, what));
}

/* Unless equal, `skip` instructions are left out. */
static void unless_equal_skip(struct call_filter *filter, uint32_t value, uint8_t skip)
{
	put(filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, skip));
}

static size_t low_half(int argument)
{
	return offsetof(struct seccomp_data, args) + sizeof(uint64_t) * (size_t)argument;
}

/* Of both machines the byte order is little-endian. */
static size_t high_half(int argument)
{
	return low_half(argument) + sizeof(uint32_t);
}

static void load_number(struct call_filter *filter)
{
	load(filter, offsetof(struct seccomp_data, nr));
}

void call_filter__begin(struct call_filter *filter, uint32_t elsewhere)
{
	filter->count = 0;
	load(filter, offsetof(struct seccomp_data, arch));
	unless_equal_skip(filter, THIS_ARCH, 1);
	put(filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JA, 1, 0, 0));
	result(filter, elsewhere);
	load_number(filter);
}

void call_filter__call(struct call_filter *filter, long number, uint32_t what)
{
	unless_equal_skip(filter, (uint32_t)number, 1);
	result(filter, what);
}

void call_filter__calls(struct call_filter *filter, const long *numbers, size_t count,
			uint32_t what)
{
	for (size_t i = 0; i < count; i++)
		call_filter__call(filter, numbers[i], what);
}

void call_filter__allow_without(struct call_filter *filter, long number, int argument,
				uint32_t bits)
{
	unless_equal_skip(filter, (uint32_t)number, 4);
	load(filter, low_half(argument));
	put(filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, bits, 1, 0));
	result(filter, SECCOMP_RET_ALLOW);
	load_number(filter);
}

void call_filter__allow_with(struct call_filter *filter, long number, int argument, uint32_t value)
{
	unless_equal_skip(filter, (uint32_t)number, 4);
	load(filter, low_half(argument));
	unless_equal_skip(filter, value, 1);
	result(filter, SECCOMP_RET_ALLOW);
	load_number(filter);
}

void call_filter__allow_with_pointer(struct call_filter *filter, long number, int argument,
				     const void *pointer)
{
	const uint64_t value = (uint64_t)(uintptr_t)pointer;

	unless_equal_skip(filter, (uint32_t)number, 6);
	load(filter, low_half(argument));
	unless_equal_skip(filter, (uint32_t)value, 3);
	load(filter, high_half(argument));
	unless_equal_skip(filter, (uint32_t)(value >> 32), 1);
	result(filter, SECCOMP_RET_ALLOW);
	load_number(filter);
}

int call_filter__end(struct call_filter *filter, uint32_t otherwise)
{
	struct sock_fprog program = {.filter = filter->at};

	result(filter, otherwise);
	if (filter->count == CALL_FILTER_MAX)
		return -E2BIG;
	program.len = filter->count;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) ? -errno : 0;
}
