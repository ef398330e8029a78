/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/unit/symbols/made.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#include "symbols/lines.h"

#define BUDGET_NS 60000000000ULL
#define THIS_FILE "tests/unit/symbols/lines_test.c"

/* An instruction of a known line each. */
void first_place(void);
void second_place(void);

static __attribute__((noinline, used)) void places(void)
{
	__asm__ volatile(".globl first_place\nfirst_place: nop");
	__asm__ volatile(".globl second_place\nsecond_place: nop");
}
enum { FIRST_LINE = __LINE__ - 3, SECOND_LINE = __LINE__ - 2 };

/* Within two others. */
void inlined_place(void);

static inline __attribute__((always_inline)) void inner(void)
{
	__asm__ volatile(".globl inlined_place\ninlined_place: nop");
}

static inline __attribute__((always_inline)) void outer(void)
{
	__asm__ volatile("nop");
	inner();
}

static __attribute__((noinline, used)) void caller(int times)
{
	for (int i = 0; i < times; i++) {
		int again = i;

		__asm__ volatile("nop" : "+r"(again));
		outer();
	}
}
enum { CALLER_LINE = __LINE__ - 3 };

static char folder[64];

static int make_folder(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/lines_test.XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	run("cp /proc/%d/exe %s/whole", (int)getpid(), folder);
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	run("rm -r %s", folder);
	return 0;
}

static int open_file(const char *name)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), name[0] == '/' ? "%s%s" : "%s/%s",
		 name[0] == '/' ? "" : folder, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

static int find_in(const char *name, struct source_line *lines, const uint64_t *vaddrs,
		   size_t count)
{
	int fd = open_file(name);
	int error = lines__find(lines, vaddrs, count, fd, BUDGET_NS);

	close(fd);
	/* Whatever happened, the child is gone. */
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
	return error;
}

static void assert_line(const struct source_line *line, unsigned int expected)
{
	const char *end;

	assert_non_null(line->file);
	end = line->file + strlen(line->file) - strlen(THIS_FILE);
	assert_true(end >= line->file);
	assert_string_equal(end, THIS_FILE);
	assert_int_equal(line->line, expected);
}

static void assert_knows_this_program(const char *name)
{
	const uint64_t vaddrs[] = {
		0,
		vaddr_of(second_place),
		UINT64_MAX,
		vaddr_of(first_place),
		vaddr_of(second_place),
		vaddr_of(inlined_place),
	};
	struct source_line lines[6];

	assert_int_equal(find_in(name, lines, vaddrs, 6), 0);
	assert_null(lines[0].file);
	assert_line(&lines[1], SECOND_LINE);
	assert_null(lines[2].file);
	assert_line(&lines[3], FIRST_LINE);
	assert_line(&lines[4], SECOND_LINE);
	assert_line(&lines[5], CALLER_LINE);
	lines__free(lines, 6);
	assert_null(lines[1].file);
}

static void test_this_program(void **state)
{
	(void)state;
	assert_knows_this_program("/proc/self/exe");
}

static void test_a_separate_debug_file(void **state)
{
	(void)state;
	run("objcopy --only-keep-debug %s/whole %s/debug", folder, folder);
	assert_knows_this_program("debug");
}

static void test_compressed(void **state)
{
	(void)state;
	run("objcopy --compress-debug-sections=zlib %s/whole %s/compressed", folder, folder);
	assert_knows_this_program("compressed");
}

/* clang writes none. */
static void test_without_an_index(void **state)
{
	(void)state;
	run("objcopy --remove-section .debug_aranges %s/whole %s/unindexed", folder, folder);
	assert_knows_this_program("unindexed");
}

static void test_no_lines(void **state)
{
	const uint64_t vaddr = vaddr_of(first_place);
	struct source_line line;

	(void)state;
	run("objcopy --strip-debug %s/whole %s/stripped", folder, folder);
	assert_int_equal(find_in("stripped", &line, &vaddr, 1), -ENODATA);
	assert_null(line.file);
	run("objcopy --remove-section .debug_line %s/whole %s/no_lines", folder, folder);
	assert_int_equal(find_in("no_lines", &line, &vaddr, 1), -ENODATA);
	assert_int_equal(find_in("/usr/bin/python3", &line, &vaddr, 1), -ENODATA);
}

static void test_what_is_no_file(void **state)
{
	static uint64_t vaddrs[LINES_MAX_ADDRESSES + 1];
	static struct source_line lines[LINES_MAX_ADDRESSES + 1];
	int ends[2];

	(void)state;
	assert_int_equal(find_in("/etc/passwd", lines, vaddrs, 1), -EBADMSG);
	assert_int_equal(find_in("/dev/null", lines, vaddrs, 1), -EBADMSG);
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(lines__find(lines, vaddrs, 1, ends[0], BUDGET_NS), -EBADMSG);
	close(ends[0]);
	close(ends[1]);
	assert_int_equal(lines__find(lines, vaddrs, 1, -1, BUDGET_NS), -EBADMSG);
	assert_int_equal(find_in("whole", lines, vaddrs, LINES_MAX_ADDRESSES), 0);
	assert_int_equal(find_in("whole", lines, vaddrs, LINES_MAX_ADDRESSES + 1), -E2BIG);
}

static void test_no_time(void **state)
{
	const uint64_t vaddr = vaddr_of(first_place);
	struct source_line line;
	int fd = open_file("whole");

	(void)state;
	assert_int_equal(lines__find(&line, &vaddr, 1, fd, 0), -ETIME);
	assert_null(line.file);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
	/* Its position is the caller's. */
	assert_int_equal(lseek(fd, 7, SEEK_SET), 7);
	assert_int_equal(lines__find(&line, &vaddr, 1, fd, UINT64_MAX), 0);
	assert_line(&line, FIRST_LINE);
	assert_int_equal(lseek(fd, 0, SEEK_CUR), 7);
	lines__free(&line, 1);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_this_program), cmocka_unit_test(test_a_separate_debug_file),
		cmocka_unit_test(test_compressed),   cmocka_unit_test(test_without_an_index),
		cmocka_unit_test(test_no_lines),     cmocka_unit_test(test_what_is_no_file),
		cmocka_unit_test(test_no_time),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
