/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/unit/maps/told.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "maps/proc_maps.h"

static bool parse(const char *line, struct told_mapping *out, bool *executable)
{
	static char copy[1024];

	snprintf(copy, sizeof(copy), "%s", line);
	return proc_maps__parse(copy, out, executable);
}

static void assert_told(const char *line, enum mapping_kind kind, const char *path, bool deleted)
{
	struct told_mapping told;
	bool executable;

	if (!parse(line, &told, &executable))
		fail_msg("not taken: %s", line);
	assert_true(executable);
	assert_int_equal(told.kind, kind);
	assert_string_equal(told.path, path);
	assert_int_equal(told.file.deleted, deleted);
}

static void test_lines(void **state)
{
	struct told_mapping told;
	bool executable;

	(void)state;
	assert_true(
		parse("7f00a000-7f00c000 r-xp 0001f000 fd:1a 1049                 /usr/lib/a.so",
		      &told, &executable));
	assert_true(executable);
	assert_int_equal(told.start, 0x7f00a000);
	assert_int_equal(told.end, 0x7f00c000);
	assert_int_equal(told.offset, 0x1f000);
	assert_int_equal(told.file.major, 0xfd);
	assert_int_equal(told.file.minor, 0x1a);
	assert_int_equal(told.file.inode, 1049);
	assert_string_equal(told.path, "/usr/lib/a.so");
	assert_true(parse("ffffffffff600000-ffffffffff601000 r--p 00000000 00:00 0", &told,
			  &executable));
	assert_false(executable);

	assert_told("1000-2000 rwxp 00000000 00:00 0 ", MAPPING_ANONYMOUS, "", false);
	assert_told("1000-2000 r-xp 00000000 00:00 0 [vdso]", MAPPING_VDSO, "[vdso]", false);
	assert_told("1000-2000 r-xp 00000000 00:00 0 [uprobes]", MAPPING_OTHER, "[uprobes]", false);
	/* Names that a program gives to its memory. */
	assert_told("1000-2000 r-xp 00000000 00:00 0 [anon:[vdso]]", MAPPING_ANONYMOUS,
		    "[anon:[vdso]]", false);
	assert_told("1000-2000 rwxp 00000000 00:00 0 [heap]", MAPPING_ANONYMOUS, "[heap]", false);
	assert_told("1000-2000 r-xp 00000000 00:01 7 /memfd:jit (deleted)", MAPPING_FILE,
		    "/memfd:jit", true);
	/* Names of files that look like something else. */
	assert_told("1000-2000 r-xp 00000000 08:01 7 /tmp/a b  c", MAPPING_FILE, "/tmp/a b  c",
		    false);
	assert_told("1000-2000 r-xp 00000000 08:01 7 /tmp/x\\0121000-2000 r-xp 0 08:01 8 /y",
		    MAPPING_FILE, "/tmp/x\n1000-2000 r-xp 0 08:01 8 /y", false);
	assert_told("1000-2000 r-xp 00000000 08:01 7 [vdso]", MAPPING_FILE, "[vdso]", false);
	assert_told("1000-2000 r-xp 00000000 08:01 7 /a (deleted) (deleted)", MAPPING_FILE,
		    "/a (deleted)", true);
	assert_told("1000-2000 r-xp 00000000 08:01 7 /a\\01", MAPPING_FILE, "/a\\01", false);
}

static void test_lines_that_are_none(void **state)
{
	static const char *const lines[] = {
		"",
		"-",
		"1000",
		"1000-",
		"1000-2000",
		"1000-2000 ",
		"1000-2000 r-xp",
		"1000-2000 r-xp ",
		"1000-2000 r-xp 0",
		"1000-2000 r-xp 0 08",
		"1000-2000 r-xp 0 08:01",
		"1000-2000 r-xp 0 08:01 ",
		"1000-2000 r-xp 0 08:01 7x /a",
		"1000-2000 r-xp 0 08:01 -7 /a",
		"1000-2000 rxp 0 08:01 7 /a",
		"1000-2000 r-yp 0 08:01 7 /a",
		"1000-2000 r-xp 0 0800000001:01 7 /a",
		"1000-2000 r-xp 10000000000000000 08:01 7 /a",
		"1000-2000 r-xp 0 08:01 99999999999999999999 /a",
		"2000-1000 r-xp 0 08:01 7 /a",
		"1000-1000 r-xp 0 08:01 7 /a",
		"g000-h000 r-xp 0 08:01 7 /a",
		" 1000-2000 r-xp 0 08:01 7 /a",
	};
	struct told_mapping told;
	bool executable;

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		/* On the heap, where the sanitizer sees its end. */
		char *line = strdup(lines[i]);

		if (proc_maps__parse(line, &told, &executable))
			fail_msg("taken: %s", lines[i]);
		free(line);
	}
}

struct seen {
	unsigned int count;
	uint64_t address; /* in which mapping? */
	struct told_mapping around;
	char path[MAPPING_PATH_MAX_BYTES + 1];
	int answer;
};

static int on_mapping(void *context, const struct told_mapping *told)
{
	struct seen *seen = context;

	seen->count++;
	if (told->start <= seen->address && seen->address < told->end) {
		seen->around = *told;
		snprintf(seen->path, sizeof(seen->path), "%s", told->path);
	}
	return seen->answer;
}

/* A process of a /proc of our own, with this in its maps. */
static int read_made(const char *text, size_t bytes, struct seen *seen, uint64_t *skipped)
{
	char folder[] = "/tmp/proc_maps_test.XXXXXX", path[128];
	int fd, error;

	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/12", folder);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/12/maps", folder);
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, bytes), bytes);
	close(fd);
	error = proc_maps__read(folder, 12, false, on_mapping, seen, skipped);
	assert_int_equal(unlink(path), 0);
	snprintf(path, sizeof(path), "%s/12", folder);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(rmdir(folder), 0);
	return error;
}

static void test_hostile_text(void **state)
{
	static const char good[] = "1000-2000 r-xp 00000000 08:01 7 /a\n";
	static const char torn[] = "1000-2000 r-xp 0 08:01 7 /a\0b\n1000-2000 r-xp";
	struct seen seen = {.address = 0x1000};
	size_t bytes = 200000;
	char *text = malloc(bytes);
	uint64_t skipped = 0;

	(void)state;
	/* A line longer than any, good ones around it. */
	memset(text, 'x', bytes);
	memcpy(text, good, strlen(good));
	text[150000] = '\n';
	memcpy(text + 150001, good, strlen(good));
	assert_int_equal(read_made(text, 150001 + strlen(good), &seen, &skipped), 0);
	assert_int_equal(seen.count, 2);
	assert_int_equal(skipped, 1);
	/* A NUL inside, and no newline at the end. */
	seen.count = 0;
	skipped = 0;
	assert_int_equal(read_made(torn, sizeof(torn) - 1, &seen, &skipped), 0);
	assert_int_equal(seen.count, 0);
	assert_int_equal(skipped, 2);
	/* Nothing: a process that has no memory any more. */
	assert_int_equal(read_made("", 0, &seen, &skipped), -ESRCH);
	/* The sink's own answer. */
	seen.answer = -ENOMEM;
	assert_int_equal(read_made(good, strlen(good), &seen, &skipped), -ENOMEM);
	free(text);
}

static void test_no_more_than_so_much(void **state)
{
	static const char good[] = "1000-2000 r-xp 00000000 08:01 7 /a\n";
	size_t count = PROC_MAPS_MAX_BYTES / strlen(good) + 5000;
	char *text = malloc(count * strlen(good));
	struct seen seen = {0};
	uint64_t skipped = 0;

	(void)state;
	for (size_t i = 0; i < count; i++)
		memcpy(text + i * strlen(good), good, strlen(good));
	assert_int_equal(read_made(text, count * strlen(good), &seen, &skipped), 0);
	assert_true(seen.count < count);
	assert_true(seen.count > count - 10000);
	assert_int_equal(skipped, 1);
	free(text);
}

static void test_ourselves(void **state)
{
	struct seen seen = {.address = (uintptr_t)&getpid}, all = {.address = getauxval(AT_RANDOM)};
	uint64_t skipped = 0;

	(void)state;
	assert_int_equal(
		proc_maps__read("/proc", (uint32_t)getpid(), false, on_mapping, &seen, &skipped),
		0);
	assert_non_null(strstr(seen.path, "/libc.so.6"));
	assert_int_equal(seen.around.kind, MAPPING_FILE);
	assert_true(seen.around.file.inode > 0);
	/* The stack is nothing to run, unless all is asked for. */
	assert_int_equal(
		proc_maps__read("/proc", (uint32_t)getpid(), true, on_mapping, &all, &skipped), 0);
	assert_string_equal(all.path, "[stack]");
	assert_true(all.count > seen.count);
	assert_int_equal(skipped, 0);
}

/* A real name with a newline, from a file that is gone. */
static void test_a_name_with_a_newline(void **state)
{
	char folder[] = "/tmp/proc_maps_test.XXXXXX", path[128];
	struct seen seen = {0};
	uint64_t skipped = 0;
	struct stat status;
	void *page;
	int fd;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/a\n1000-2000 r-xp 0 08:01 7 \\b c", folder);
	fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0700);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, 4096), 0);
	assert_int_equal(fstat(fd, &status), 0);
	page = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	assert_ptr_not_equal(page, MAP_FAILED);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(folder), 0);
	seen.address = (uintptr_t)page;
	assert_int_equal(
		proc_maps__read("/proc", (uint32_t)getpid(), false, on_mapping, &seen, &skipped),
		0);
	assert_string_equal(seen.path, path);
	assert_true(seen.around.file.deleted);
	assert_int_equal(seen.around.file.inode, status.st_ino);
	assert_int_equal(skipped, 0);
	munmap(page, 4096);
	close(fd);
}

static void test_processes_that_are_gone(void **state)
{
	struct seen seen = {0};
	uint64_t skipped = 0;
	siginfo_t info;
	pid_t pid = fork();

	(void)state;
	if (pid == 0)
		_exit(0);
	assert_true(pid > 0);
	/* A zombie has a file of maps still, and nothing in it. */
	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	assert_int_equal(
		proc_maps__read("/proc", (uint32_t)pid, false, on_mapping, &seen, &skipped),
		-ESRCH);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(
		proc_maps__read("/proc", (uint32_t)pid, false, on_mapping, &seen, &skipped),
		-ESRCH);
	assert_int_equal(seen.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_lines_that_are_none),
		cmocka_unit_test(test_hostile_text),
		cmocka_unit_test(test_no_more_than_so_much),
		cmocka_unit_test(test_ourselves),
		cmocka_unit_test(test_a_name_with_a_newline),
		cmocka_unit_test(test_processes_that_are_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
