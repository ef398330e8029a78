/* SPDX-License-Identifier: GPL-2.0-only */

/* Every function of real programs: the rules found here are those that libdw finds. */

#include "tests/unit/elf/image.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <libelf.h>

#include "unwind/cfi.h"
#include "unwind/cfi_table.h"

struct counts {
	unsigned int functions, addresses, refused, signals;
	unsigned int kinds[RULE_EXPRESSION + 1];
};

/* What libdw says of one register, in our words. */
struct said {
	enum rule_kind kind;
	int64_t value;
};

static struct said said_by(const Dwarf_Op *ops, size_t count, bool caller_owned)
{
	struct said said = {.kind = RULE_AT_EXPRESSION};

	if (count == 0)
		return (struct said){.kind = caller_owned ? RULE_UNDEFINED : RULE_SAME};
	if (ops[count - 1].atom == DW_OP_stack_value)
		said.kind = RULE_EXPRESSION;
	if (count == 1 && ops[0].atom == DW_OP_regx)
		return (struct said){.kind = RULE_REGISTER, .value = (int64_t)ops[0].number};
	if (!caller_owned || ops[0].atom != DW_OP_call_frame_cfa)
		return said;
	said.kind = said.kind == RULE_EXPRESSION ? RULE_CFA_PLUS : RULE_AT_CFA;
	if (count > 1 && ops[1].atom == DW_OP_plus_uconst)
		said.value = (int64_t)ops[1].number;
	return said;
}

static struct said found_by(const struct unwind_rule *rule, unsigned int number)
{
	for (unsigned int i = 0; i < rule->count; i++) {
		if (rule->registers[i].number == number)
			return (struct said){.kind = rule->registers[i].kind,
					     .value = rule->registers[i].value};
	}
	return (struct said){.kind = RULE_UNSPECIFIED};
}

static void compare_register(const struct unwind_rule *rule, Dwarf_Frame *frame,
			     unsigned int number, uint64_t vaddr, struct counts *counts)
{
	struct said found = found_by(rule, number), said;
	Dwarf_Op memory[3], *ops = memory;
	size_t count = 0;

	assert_int_equal(dwarf_frame_register(frame, (int)number, memory, &ops, &count), 0);
	said = said_by(ops, count, ops == memory);
	/* Where nobody mentions a register, libdw says what the platform says: as it was, lost, or,
	 * of the stack pointer, the CFA. */
	if (found.kind == RULE_UNSPECIFIED &&
	    (said.kind == RULE_SAME || said.kind == RULE_UNDEFINED ||
	     (said.kind == RULE_CFA_PLUS && said.value == 0)))
		return;
	counts->kinds[found.kind]++;
	if (found.kind == RULE_EXPRESSION || found.kind == RULE_AT_EXPRESSION)
		found.value = 0;
	if (found.kind != said.kind || found.value != said.value)
		fail_msg("%#llx, register %u: %d %lld, but libdw says %d %lld",
			 (unsigned long long)vaddr, number, (int)found.kind, (long long)found.value,
			 (int)said.kind, (long long)said.value);
}

/* libdw: breg(r)+offset, or an expression. */
static void compare_cfa(const struct unwind_rule *rule, Dwarf_Frame *frame, uint64_t vaddr)
{
	Dwarf_Op *ops = NULL;
	size_t count = 0;

	assert_int_equal(dwarf_frame_cfa(frame, &ops, &count), 0);
	if (rule->cfa_is_expression) {
		assert_true(count > 1);
	} else if (count != 1 || ops[0].atom != DW_OP_bregx ||
		   ops[0].number != rule->cfa_register ||
		   (int64_t)ops[0].number2 != rule->cfa_value) {
		fail_msg(
			"%#llx: CFA = r%u + %d, but libdw says something else (%zu: %#x %lld %lld)",
			(unsigned long long)vaddr, rule->cfa_register, rule->cfa_value, count,
			ops[0].atom, (long long)ops[0].number, (long long)ops[0].number2);
	}
}

static void compare_at(struct cfi *cfi, Dwarf_CFI *libdw, bool aarch64, uint64_t vaddr,
		       struct counts *counts)
{
	const struct unwind_rule *rule = cfi__rule(cfi, vaddr);
	Dwarf_Frame *frame = NULL;
	bool signal = false;
	int return_register;

	counts->addresses++;
	if (dwarf_cfi_addrframe(libdw, vaddr, &frame)) {
		assert_null(rule);
		counts->refused++;
		return;
	}
	if (!rule)
		fail_msg("%#llx: no rule, but libdw has one", (unsigned long long)vaddr);
	return_register = dwarf_frame_info(frame, NULL, NULL, &signal);
	assert_int_equal(rule->return_register, return_register);
	assert_int_equal(rule->signal, signal);
	counts->signals += signal;
	compare_cfa(rule, frame, vaddr);
	for (unsigned int number = 0; number < machine__registers(aarch64); number++)
		compare_register(rule, frame, number, vaddr, counts);
	free(frame);
}

/* The first address, the last, and some between: at most nine. */
static void compare_function(struct cfi *cfi, Dwarf_CFI *libdw, bool aarch64,
			     const struct frame_entry *entry, struct counts *counts)
{
	uint64_t bytes = entry->end - entry->start;

	counts->functions++;
	for (uint64_t i = 0; i < 8; i++)
		compare_at(cfi, libdw, aarch64, entry->start + bytes * i / 8, counts);
	compare_at(cfi, libdw, aarch64, entry->end - 1, counts);
}

static struct counts compare_file(const char *path)
{
	struct object *object = object_of(path);
	const bool aarch64 = object__machine(object) == EM_AARCH64;
	struct frame_section from = {.section = object__section(object, ".eh_frame")};
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct counts counts = {0};
	struct frame_entry entry;
	Dwarf_CFI *libdw;
	struct cfi *cfi;
	size_t next;
	Elf *elf;

	assert_true(elf_version(EV_CURRENT) != EV_NONE);
	elf = elf_begin(fd, ELF_C_READ, NULL);
	libdw = dwarf_getcfi_elf(elf);
	assert_non_null(libdw);
	assert_int_equal(cfi__new(&cfi, object), 0);
	for (size_t at = 0; at < from.section.bytes; at = next) {
		if (frame_entry__read(&from, at, &next, &entry) == ENTRY_FUNCTION)
			compare_function(cfi, libdw, aarch64, &entry, &counts);
		if (!next)
			break;
	}
	print_message("%s: %u functions, %u addresses, %u refused, %u signal, at CFA %u, "
		      "expressions %u\n",
		      path, counts.functions, counts.addresses, counts.refused, counts.signals,
		      counts.kinds[RULE_AT_CFA],
		      counts.kinds[RULE_AT_EXPRESSION] + counts.kinds[RULE_EXPRESSION]);
	dwarf_cfi_end(libdw);
	elf_end(elf);
	close(fd);
	cfi__free(cfi);
	object__unref(object);
	return counts;
}

static void test_libc(void **state)
{
	struct counts counts = compare_file(image__libc());

	(void)state;
	assert_true(counts.functions > 2000);
	assert_true(counts.kinds[RULE_AT_CFA] > counts.addresses);
	assert_int_equal(counts.refused, 0);
#if defined(__x86_64__)
	/* The trampoline behind signal handlers. */
	assert_true(counts.signals > 0);
	assert_true(counts.kinds[RULE_AT_EXPRESSION] > 0);
	assert_true(counts.kinds[RULE_UNDEFINED] > 0);
#endif
}

static void test_python(void **state)
{
	(void)state;
	assert_true(compare_file("/usr/bin/python3").functions > 5000);
}

/* Another machine's rules, where its C library is installed: 33 registers. */
static void test_libc_of_another_machine(void **state)
{
#if defined(__x86_64__)
	const char *path = "/usr/lib/aarch64-linux-gnu/libc.so.6";
#else
	const char *path = "/usr/lib/x86_64-linux-gnu/libc.so.6";
#endif

	(void)state;
	if (access(path, R_OK)) {
		print_message("%s is not there\n", path);
		skip();
	}
	assert_true(compare_file(path).functions > 2000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_libc),
		cmocka_unit_test(test_python),
		cmocka_unit_test(test_libc_of_another_machine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
