/* SPDX-License-Identifier: GPL-2.0-only */
#include "stacks/registers.h"

#include <elf.h>
#include <string.h>

#if defined(__x86_64__)
/* struct pt_regs: r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax rip cs eflags
 * rsp ss; DWARF: rax rdx rcx rbx rsi rdi rbp rsp r8 ... r15, rip. */
static const unsigned char places[] = {10, 12, 11, 5, 13, 14, 4, 19, 9, 8, 7, 6, 3, 2, 1, 0, 16};
#define MACHINE EM_X86_64
#define PC      16
#elif defined(__aarch64__)
/* struct user_pt_regs: x0 ... x30, sp, pc, pstate; DWARF: x0 ... x30, sp. */
static const unsigned char places[] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10,
				       11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
				       22, 23, 24, 25, 26, 27, 28, 29, 30, 31};
#define MACHINE EM_AARCH64
#define PC      32
#else
#error "an architecture whose registers are not known here"
#endif

void registers__read(struct unwind_state *out, const __u64 saved[STACK_REGISTERS])
{
	memset(out, 0, sizeof(*out));
	out->machine = MACHINE;
	out->pc = saved[PC];
	for (size_t i = 0; i < sizeof(places); i++) {
		out->registers[i] = saved[places[i]];
		out->known |= 1ULL << i;
	}
}
