/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stacks/kernel_stack.h"

#define FRAMES_MAX 48

/* "a b c": what is left of it, likewise; "?" is a function without a name. */
static const char *cut(const char *stack, const char **call)
{
	static char words[1024], left[1024];
	const char *names[FRAMES_MAX];
	struct kernel_part part;
	size_t count = 0;

	snprintf(words, sizeof(words), "%s", stack);
	for (char *word = strtok(words, " "); word; word = strtok(NULL, " "))
		names[count++] = strcmp(word, "?") != 0 ? word : NULL;
	assert_true(count < FRAMES_MAX);
	*call = kernel_stack__system_call(names, count);
	if (!kernel_stack__cut(names, count, &part))
		return NULL;
	assert_true(part.from <= part.to && part.to <= count);
	left[0] = '\0';
	for (size_t i = part.from; i < part.to; i++) {
		strcat(left, i > part.from ? " " : "");
		strcat(left, names[i] ? names[i] : "?");
	}
	return left;
}

#define BY_US "bpf_prog_1_on_rss_stat bpf_trace_run2 __traceiter_rss_stat do_anonymous_page "
#define FAULT BY_US "__handle_mm_fault handle_mm_fault do_user_addr_fault exc_page_fault "
#define ENTRY " do_syscall_64 entry_SYSCALL_64_after_hwframe"

static void test_what_ran_is_left(void **state)
{
	const char *call;

	(void)state;
	assert_string_equal(cut(FAULT "asm_exc_page_fault rep_stos_alternative read_zero vfs_read "
				      "ksys_read __x64_sys_read x64_sys_call" ENTRY,
				&call),
			    "rep_stos_alternative read_zero vfs_read ksys_read");
	assert_string_equal(call, "read");
	assert_string_equal(cut(FAULT "xen_asm_exc_page_fault copy_out vfs_read" ENTRY, &call),
			    "copy_out vfs_read");
	assert_null(call);
	assert_string_equal(cut(FAULT "fred_entry_from_kernel asm_fred_entrypoint_kernel _copy "
				      "__x64_sys_getcwd do_syscall_64 fred_entry_from_user "
				      "asm_fred_entrypoint_user",
				&call),
			    "_copy");
	assert_string_equal(call, "getcwd");
}

static void test_arm64(void **state)
{
	const char *call;

	(void)state;
	assert_string_equal(
		cut("perf_swevent_event do_page_fault do_translation_fault do_mem_abort.isra.0 "
		    "el1_abort el1h_64_sync_handler el1h_64_sync __arch_copy_to_user filemap_read "
		    "vfs_read ksys_read __arm64_sys_read invoke_syscall.constprop.0 "
		    "el0_svc_common.constprop.0 do_el0_svc el0_svc el0t_64_sync_handler "
		    "el0t_64_sync",
		    &call),
		"__arch_copy_to_user filemap_read vfs_read ksys_read");
	assert_string_equal(call, "read");
}

/* The innermost page fault is the one; what it interrupted may be the end of another. */
static void test_a_page_fault_within_another(void **state)
{
	const char *call;

	(void)state;
	assert_string_equal(cut(FAULT "asm_exc_page_fault __put_user_8 rseq_handle "
				      "exit_to_user_mode exc_page_fault asm_exc_page_fault",
				&call),
			    "__put_user_8 rseq_handle exit_to_user_mode exc_page_fault "
			    "asm_exc_page_fault");
	assert_null(call);
}

static void test_what_has_no_name_stays(void **state)
{
	const char *call;

	(void)state;
	assert_string_equal(cut(FAULT "asm_exc_page_fault ? vfs_read ?" ENTRY, &call),
			    "? vfs_read ?");
}

static void test_an_entry_that_was_merged(void **state)
{
	const char *call;

	(void)state;
	assert_string_equal(
		cut(FAULT "asm_exc_page_fault getname __do_sys_newfstatat" ENTRY, &call),
		"getname __do_sys_newfstatat");
	assert_string_equal(call, "newfstatat");
}

static void test_nothing_is_left_of_what_is_only_entry(void **state)
{
	const char *call;

	(void)state;
	assert_string_equal(cut(FAULT "asm_exc_page_fault __x64_sys_time" ENTRY, &call), "");
	assert_string_equal(call, "time");
	assert_string_equal(cut(FAULT, &call), "");
}

static void test_no_page_fault_to_be_seen(void **state)
{
	const char *call;

	(void)state;
	assert_null(cut("", &call));
	assert_null(cut("? ? ?", &call));
	assert_null(cut(BY_US "exc_page_faults vfs_read __x64_sys_" ENTRY, &call));
	assert_null(call);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_ran_is_left),
		cmocka_unit_test(test_arm64),
		cmocka_unit_test(test_a_page_fault_within_another),
		cmocka_unit_test(test_what_has_no_name_stays),
		cmocka_unit_test(test_an_entry_that_was_merged),
		cmocka_unit_test(test_nothing_is_left_of_what_is_only_entry),
		cmocka_unit_test(test_no_page_fault_to_be_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
