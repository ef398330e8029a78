/* SPDX-License-Identifier: GPL-2.0-only */
#include <elf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/user.h>

#include <cmocka.h>

#include <asm/ptrace.h>

#include "stacks/registers.h"

/* The kernel's own structure, by names, against numbers of DWARF. */
static void test_each_is_where_dwarf_has_it(void **state)
{
	struct unwind_state out;
	__u64 saved[STACK_REGISTERS] = {0};

	(void)state;
#if defined(__x86_64__)
	struct user_regs_struct regs = {
		.rax = 100,
		.rdx = 101,
		.rcx = 102,
		.rbx = 103,
		.rsi = 104,
		.rdi = 105,
		.rbp = 106,
		.rsp = 107,
		.r8 = 108,
		.r9 = 109,
		.r10 = 110,
		.r11 = 111,
		.r12 = 112,
		.r13 = 113,
		.r14 = 114,
		.r15 = 115,
		.rip = 116,
		.orig_rax = 1,
		.cs = 2,
		.eflags = 3,
		.ss = 4,
	};
	unsigned int count = 17;

	/* Behind ss it has more than the kernel saves. */
	memcpy(saved, &regs, offsetof(struct user_regs_struct, fs_base));
#elif defined(__aarch64__)
	struct user_pt_regs regs = {.sp = 131, .pc = 132, .pstate = 1};
	unsigned int count = 32;

	for (unsigned int i = 0; i < 31; i++)
		regs.regs[i] = 100 + i;
	memcpy(saved, &regs, sizeof(regs));
#endif
	memset(&out, 0xff, sizeof(out));
	registers__read(&out, saved);
	for (unsigned int i = 0; i < count; i++)
		assert_int_equal(out.registers[i], 100 + i);
	assert_int_equal(out.known, (1ULL << count) - 1);
#if defined(__x86_64__)
	assert_int_equal(out.machine, EM_X86_64);
	assert_int_equal(out.pc, 116);
#else
	assert_int_equal(out.machine, EM_AARCH64);
	assert_int_equal(out.pc, 132);
#endif
	for (unsigned int i = count; i < UNWIND_REGISTERS; i++)
		assert_int_equal(out.registers[i], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_is_where_dwarf_has_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
