/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "symbols/kernel.h"

static char why[256];

/* The symbols of a host whose kallsyms is `text`. */
static int read_text(struct kernel_symbols **out, const char *text)
{
	char root[] = "/tmp/kernel_test.XXXXXX", path[128];
	FILE *file;
	int error, fd;

	assert_non_null(mkdtemp(root));
	snprintf(path, sizeof(path), "%s/proc", root);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/proc/kallsyms", root);
	file = fopen(path, "we");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
	why[0] = '\0';
	fd = kernel_symbols__open(root);
	assert_true(fd >= 0);
	/* Wherever others have read up to. */
	assert_int_equal(lseek(fd, 7, SEEK_SET), 7);
	error = kernel_symbols__new(out, &(struct kernel_reading){.fd = fd}, why, sizeof(why));
	assert_int_equal(close(fd), 0);
	assert_true(error ? *why && !*out : *out != NULL);
	assert_int_equal(unlink(path), 0);
	snprintf(path, sizeof(path), "%s/proc", root);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(rmdir(root), 0);
	return error;
}

static void assert_is(const struct kernel_symbols *symbols, uint64_t address, const char *name,
		      const char *expected_module, uint64_t base)
{
	struct kernel_function found;

	if (!kernel_symbols__find(symbols, address, &found))
		fail_msg("nothing at %llx", (unsigned long long)address);
	assert_string_equal(found.symbol.name, name);
	assert_string_equal(found.module ? found.module : "kernel", expected_module);
	assert_true(address - found.symbol.start < found.symbol.bytes);
	assert_int_equal(found.base, base);
}

static void assert_nothing(const struct kernel_symbols *symbols, uint64_t address)
{
	struct kernel_function found;

	if (kernel_symbols__find(symbols, address, &found))
		fail_msg("%s at %llx", found.symbol.name, (unsigned long long)address);
}

static void test_functions_and_modules(void **state)
{
	struct kernel_symbols *symbols;

	(void)state;
	assert_int_equal(read_text(&symbols, "0000000000000000 A fixed_percpu_data\n"
					     "ffffffff81000000 T _text\n"
					     "ffffffff81000000 t startup\n"
					     "ffffffff81000200 T handle_mm_fault\n"
					     "ffffffff81000300 t __do_fault\n"
					     "ffffffff81000300 T do_fault\n"
					     "ffffffff81000300 W a_weak_one\n"
					     "ffffffff81000400 D some_data\n"
					     "ffffffff81000500 T behind_the_data\n"
					     "ffffffffc0000000 t first\t[ext4]\n"
					     "ffffffffc0000100 d table\t[ext4]\n"
					     "ffffffffc0000080 t second\t[ext4]\n"
					     "ffffffffc0200020 t bpf_prog_1\t[bpf]\n"
					     "nonsense\n"
					     "ffffffffc0200040\n"
					     "ffffffffc0300000 t \n"),
			 0);
	assert_int_equal(kernel_symbols__count(symbols), 10);
	assert_nothing(symbols, 0);
	assert_nothing(symbols, 0xffffffff80ffffff);
	assert_is(symbols, 0xffffffff81000000, "_text", "kernel", 0xffffffff81000000);
	assert_is(symbols, 0xffffffff810001ff, "_text", "kernel", 0xffffffff81000000);
	assert_is(symbols, 0xffffffff81000200, "handle_mm_fault", "kernel", 0xffffffff81000000);
	assert_is(symbols, 0xffffffff81000350, "do_fault", "kernel", 0xffffffff81000000);
	assert_nothing(symbols, 0xffffffff81000400);
	assert_nothing(symbols, 0xffffffff810004ff);
	assert_is(symbols, 0xffffffff81000500, "behind_the_data", "kernel", 0xffffffff81000000);
	/* Between the kernel and the first module there is nothing of either. */
	assert_is(symbols, 0xffffffff810014ff, "behind_the_data", "kernel", 0xffffffff81000000);
	assert_nothing(symbols, 0xffffffff81001500);
	assert_is(symbols, 0xffffffffc000007f, "first", "ext4", 0xffffffffc0000000);
	assert_is(symbols, 0xffffffffc0000080, "second", "ext4", 0xffffffffc0000000);
	assert_nothing(symbols, 0xffffffffc0000100);
	assert_is(symbols, 0xffffffffc020101f, "bpf_prog_1", "bpf", 0xffffffffc0200000);
	assert_nothing(symbols, 0xffffffffc0201020);
	assert_nothing(symbols, UINT64_MAX);
	kernel_symbols__free(symbols);
}

static void test_hidden_addresses_are_told(void **state)
{
	struct kernel_symbols *symbols;

	(void)state;
	assert_int_equal(read_text(&symbols, "0000000000000000 T _text\n"
					     "0000000000000000 t first\t[ext4]\n"),
			 -EPERM);
	assert_string_equal(why, "the kernel hides its addresses (kernel.kptr_restrict, "
				 "CAP_SYSLOG)");
	assert_int_equal(read_text(&symbols, ""), -ENODATA);
	assert_string_equal(why, "the kernel names none of its functions (CONFIG_KALLSYMS)");
	assert_int_equal(read_text(&symbols, "ffffffff81000400 D some_data\n"), -ENODATA);
	assert_int_equal(kernel_symbols__open("/nowhere"), -ENOENT);
	assert_int_equal(
		kernel_symbols__new(&symbols, &(struct kernel_reading){.fd = -1}, why, sizeof(why)),
		-EBADF);
	assert_null(symbols);
	assert_string_equal(why, "/proc/kallsyms cannot be read: Bad file descriptor");
}

static void count_call(void *context)
{
	++*(size_t *)context;
}

/* Every function of this kernel is found at its own address, under its name or an alias; and
 * whoever reads them can do something else meanwhile. */
static void test_this_kernel(void **state)
{
	char line[1024], name[600], type;
	struct kernel_symbols *symbols;
	unsigned long long address, last = 0;
	struct kernel_function found;
	size_t same = 0, functions = 0, calls = 0;
	const int fd = kernel_symbols__open("");
	const struct kernel_reading reading = {
		.fd = fd, .meanwhile = count_call, .context = &calls};
	FILE *file;

	(void)state;
	if (kernel_symbols__new(&symbols, &reading, why, sizeof(why))) {
		print_message("%s\n", why);
		skip();
	}
	file = fopen("/proc/kallsyms", "re");
	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%llx %c %599s", &address, &type, name) != 3 || !address ||
		    !strchr("tTwW", type))
			continue;
		/* Modules and BPF programs come and go between the two readings. */
		if (strchr(line, '['))
			continue;
		functions++;
		if (!kernel_symbols__find(symbols, address, &found))
			fail_msg("nothing at %llx, %s", address, name);
		assert_int_equal(found.symbol.start, address);
		same += !strcmp(found.symbol.name, name) || address == last;
		last = address;
	}
	fclose(file);
	assert_true(kernel_symbols__count(symbols) >= functions);
	assert_true(functions > 10000);
	assert_in_range(calls, functions / 8192, functions);
	assert_true(same > functions * 9 / 10);
	assert_true(kernel_symbols__bytes(symbols) < 24U << 20);
	kernel_symbols__free(symbols);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_functions_and_modules),
		cmocka_unit_test(test_hidden_addresses_are_told),
		cmocka_unit_test(test_this_kernel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
