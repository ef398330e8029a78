/* SPDX-License-Identifier: GPL-2.0-only */
#include "stacks/kernel_stack.h"

#include <string.h>

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/* What the kernel handles a page fault with, by architecture: called from where it is entered. */
static const char *const handlers[] = {
	"exc_page_fault", /* x86-64 */
	"do_mem_abort",   /* arm64 */
};

/* What stands between that and what was interrupted: the entry of the exception, in assembly, by
 * whichever way the processor or a hypervisor delivers it. Beginnings of names. */
static const char *const exception_entries[] = {
	"asm_exc_",                 /* x86-64 */
	"xen_asm_exc_", "pvm_",     /* of a guest that knows its hypervisor */
	"asm_fred_",    "fred_",    /* 6.9, where the processor has FRED */
	"el1_",         "el1h_64_", /* arm64 */
};

/* What enters the kernel for a system call. Beginnings of names. */
static const char *const call_entries[] = {
	"do_syscall_", /* x86-64 */
	"x64_sys_call", "entry_SYSCALL_", "__x64_sys_",    "pvm_",
	"asm_fred_",    "fred_",          "ret_from_fork", "ia32_sys_call", /* of 32-bit programs */
	"do_int80_",    "__do_fast_sys",  "do_fast_sysc",  "entry_SYSENT",
	"entry_INT80",  "__ia32_",        "el0_svc", /* arm64 */
	"el0t_",        "do_el0_svc",     "invoke_sysca",  "__arm64_sys_",
};

/* A system call's own function, in front of its name. */
static const char *const own_entries[] = {"__x64_sys_", "__arm64_sys_", "__ia32_sys_", "__do_sys_"};

static const char *behind(const char *name, const char *beginning)
{
	const size_t length = strlen(beginning);

	return strncmp(name, beginning, length) ? NULL : name + length;
}

static bool begins_as(const char *name, const char *const *beginnings, size_t count)
{
	for (size_t i = 0; name && i < count; i++) {
		if (behind(name, beginnings[i]))
			return true;
	}
	return false;
}

/* "do_mem_abort.isra.0" as well. */
static bool is_handler(const char *name)
{
	for (size_t i = 0; name && i < LENGTH(handlers); i++) {
		const char *rest = behind(name, handlers[i]);

		if (rest && (!*rest || *rest == '.'))
			return true;
	}
	return false;
}

bool kernel_stack__cut(const char *const *names, size_t count, struct kernel_part *out)
{
	struct kernel_part part = {.to = count};

	while (part.from < count && !is_handler(names[part.from]))
		part.from++;
	if (part.from == count)
		return false;
	part.from++;
	while (part.from < count &&
	       begins_as(names[part.from], exception_entries, LENGTH(exception_entries)))
		part.from++;
	while (part.to > part.from &&
	       begins_as(names[part.to - 1], call_entries, LENGTH(call_entries)))
		part.to--;
	*out = part;
	return true;
}

const char *kernel_stack__system_call(const char *const *names, size_t count)
{
	for (size_t i = count; i-- > 0;) {
		for (size_t j = 0; names[i] && j < LENGTH(own_entries); j++) {
			const char *name = behind(names[i], own_entries[j]);

			if (name && *name)
				return name;
		}
	}
	return NULL;
}
