/* SPDX-License-Identifier: GPL-2.0-only */
#include "unwind/sigreturn.h"

#include <elf.h>
#include <string.h>

#define SYMBOL            "__kernel_rt_sigreturn"
#define SYMBOLS_MAX       256 /* the vDSO has a handful; no other object is searched */
#define INSTRUCTION_BYTES 4
#define TRAMPOLINE_BYTES  8 /* mov x8, #139; svc #0 */

/* struct rt_sigframe: siginfo, then ucontext with its sigcontext, all of it kernel interface. */
#define SIGINFO_BYTES     128
#define SIGCONTEXT_AT     (SIGINFO_BYTES + 176)
#define REGISTERS_AT      (SIGCONTEXT_AT + 8) /* behind the fault's address: x0 ... x30, sp, pc */

void sigreturn__init(struct sigreturn *sigreturn, const struct object *object)
{
	const struct object_section symbols = object__section(object, ".dynsym");
	const struct object_section names = object__section(object, ".dynstr");
	size_t count = symbols.bytes / sizeof(Elf64_Sym);

	sigreturn->vaddr = 0;
	if (object__machine(object) != EM_AARCH64 || !symbols.data || !names.data ||
	    count > SYMBOLS_MAX)
		return;
	for (size_t i = 0; i < count; i++) {
		Elf64_Sym symbol;

		memcpy(&symbol, symbols.data + i * sizeof(symbol), sizeof(symbol));
		/* A NUL stands behind every section's data. */
		if (symbol.st_name < names.bytes &&
		    !strcmp((const char *)names.data + symbol.st_name, SYMBOL))
			sigreturn->vaddr = symbol.st_value;
	}
}

bool sigreturn__rule(const struct sigreturn *sigreturn, uint64_t vaddr, struct unwind_rule *out)
{
	/* A handler returns to its first instruction, and is looked up one byte before that. */
	if (!sigreturn->vaddr ||
	    vaddr - (sigreturn->vaddr - INSTRUCTION_BYTES) >= INSTRUCTION_BYTES + TRAMPOLINE_BYTES)
		return false;
	*out = (struct unwind_rule){
		.signal = true,
		.cfa_register = AARCH64_SP,
		.return_register = AARCH64_PC,
		.count = AARCH64_REGISTERS,
	};
	for (unsigned int i = 0; i < AARCH64_REGISTERS; i++) {
		out->registers[i] = (struct register_rule){
			.number = (uint8_t)i,
			.kind = RULE_AT_CFA,
			.value = REGISTERS_AT + (int32_t)(8 * i),
		};
	}
	return true;
}
