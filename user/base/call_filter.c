/* SPDX-License-Identifier: GPL-2.0-only */
#include "base/call_filter.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

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

static void jump(struct call_filter *filter, uint16_t test, uint32_t value, uint8_t if_true,
		 uint8_t if_false)
{
	put(filter, (struct sock_filter)BPF_JUMP(BPF_JMP | test | BPF_K, value, if_true, if_false));
}

/* Two instructions, with what is to be skipped where it does not hold. */
static void demand(struct call_filter *filter, const struct call_condition *condition, uint8_t skip)
{
	const bool low = condition->test == CALL_WITH || condition->test == CALL_WITHOUT;

	load(filter, low ? low_half(condition->argument) : high_half(condition->argument));
	switch (condition->test) {
	case CALL_WITH:
	case CALL_HIGH_IS:
		jump(filter, BPF_JEQ, condition->value, 0, skip);
		break;
	case CALL_WITHOUT:
		jump(filter, BPF_JSET, condition->value, skip, 0);
		break;
	case CALL_HIGH_ABOVE:
		jump(filter, BPF_JGT, condition->value, 0, skip);
		break;
	case CALL_HIGH_BELOW:
		jump(filter, BPF_JGE, condition->value, skip, 0);
		break;
	}
}

void call_filter__allow_if(struct call_filter *filter, long number,
			   const struct call_condition *conditions, size_t count)
{
	/* A line that is left out allows nothing. */
	if (count > CALL_CONDITIONS_MAX)
		return;
	unless_equal_skip(filter, (uint32_t)number, (uint8_t)(2 * count + 2));
	for (size_t i = 0; i < count; i++)
		demand(filter, &conditions[i], (uint8_t)(2 * (count - 1 - i) + 1));
	result(filter, SECCOMP_RET_ALLOW);
	load_number(filter);
}

void call_filter__allow_without(struct call_filter *filter, long number, int argument,
				uint32_t bits)
{
	const struct call_condition condition = {argument, CALL_WITHOUT, bits};

	call_filter__allow_if(filter, number, &condition, 1);
}

void call_filter__allow_with(struct call_filter *filter, long number, int argument, uint32_t value)
{
	const struct call_condition condition = {argument, CALL_WITH, value};

	call_filter__allow_if(filter, number, &condition, 1);
}

void call_filter__allow_with_pointer(struct call_filter *filter, long number, int argument,
				     const void *pointer)
{
	const uint64_t value = (uint64_t)(uintptr_t)pointer;
	const struct call_condition conditions[] = {
		{argument, CALL_WITH, (uint32_t)value},
		{argument, CALL_HIGH_IS, (uint32_t)(value >> 32)},
	};

	call_filter__allow_if(filter, number, conditions, 2);
}

void call_filter__allow_file_flags(struct call_filter *filter)
{
	static const uint32_t commands[] = {F_GETFD, F_SETFD, F_GETFL, F_DUPFD, F_DUPFD_CLOEXEC};
	/* Whoever owns it would be told with a signal. */
	static const struct call_condition quiet[] = {{1, CALL_WITH, F_SETFL},
						      {2, CALL_WITHOUT, O_ASYNC}};

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		call_filter__allow_with(filter, __NR_fcntl, 1, commands[i]);
	call_filter__allow_if(filter, __NR_fcntl, quiet, 2);
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
