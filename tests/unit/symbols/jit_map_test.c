/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "symbols/jit_map.h"
#include "symbols/safe_open.h"

static int new_file(void)
{
	int fd = memfd_create("map", MFD_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static void put(int fd, const char *text)
{
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static struct jit_map *map_of(int fd)
{
	struct jit_map *map;

	assert_int_equal(jit_map__new(&map), 0);
	assert_int_equal(jit_map__read(map, fd), 0);
	return map;
}

static void assert_is(const struct jit_map *map, uint64_t address, const char *name)
{
	struct symbol symbol;

	if (!jit_map__find(map, address, &symbol))
		fail_msg("nothing at %llx", (unsigned long long)address);
	assert_string_equal(symbol.name, name);
	assert_true(address - symbol.start < symbol.bytes);
}

static void assert_nothing(const struct jit_map *map, uint64_t address)
{
	struct symbol symbol;

	if (jit_map__find(map, address, &symbol))
		fail_msg("%s at %llx", symbol.name, (unsigned long long)address);
}

static void test_lines_become_functions(void **state)
{
	int fd = new_file();
	struct jit_map *map;
	struct symbol symbol;

	(void)state;
	put(fd, "3ef414c0 398 RegExp:[{(]\n"
		"3ef418a0 1a JS:*grow /srv/app.js:10:5\n"
		"0x7f00dead0000 0x10 with prefix\r\n");
	map = map_of(fd);
	assert_int_equal(jit_map__entries(map), 3);
	assert_int_equal(jit_map__skipped(map), 0);
	assert_nothing(map, 0);
	assert_nothing(map, 0x3ef414bf);
	assert_is(map, 0x3ef414c0, "RegExp:[{(]");
	assert_is(map, 0x3ef41857, "RegExp:[{(]");
	assert_nothing(map, 0x3ef41858);
	assert_is(map, 0x3ef418b9, "JS:*grow /srv/app.js:10:5");
	assert_nothing(map, 0x3ef418ba);
	assert_is(map, 0x7f00dead0008, "with prefix");
	assert_nothing(map, UINT64_MAX);
	assert_true(jit_map__find(map, 0x3ef418b0, &symbol));
	assert_int_equal(symbol.start, 0x3ef418a0);
	assert_int_equal(symbol.bytes, 0x1a);
	jit_map__free(map);
	close(fd);
}

static void test_the_last_entry_holds(void **state)
{
	int fd = new_file();
	struct jit_map *map;
	struct symbol symbol;

	(void)state;
	put(fd, "1000 1000 old\n"
		"1400 100 inside\n"
		"3000 100 small\n"
		"2f00 400 around\n"
		"5000 100 same\n"
		"5000 100 same again\n"
		"6000 100 left\n"
		"6080 100 right\n");
	map = map_of(fd);
	assert_is(map, 0x13ff, "old");
	assert_is(map, 0x1400, "inside");
	assert_is(map, 0x14ff, "inside");
	assert_is(map, 0x1500, "old");
	assert_true(jit_map__find(map, 0x1fff, &symbol));
	assert_int_equal(symbol.start, 0x1000);
	assert_int_equal(symbol.bytes, 0x1000);
	assert_is(map, 0x3050, "around");
	assert_is(map, 0x5000, "same again");
	assert_is(map, 0x607f, "left");
	assert_is(map, 0x6080, "right");
	assert_is(map, 0x617f, "right");

	/* Also over what was read before; and back to what is as it was. */
	put(fd, "1480 2000 later\n"
		"1000 400 old again\n");
	assert_int_equal(jit_map__read(map, fd), 0);
	assert_is(map, 0x13ff, "old again");
	assert_is(map, 0x147f, "inside");
	assert_is(map, 0x1480, "later");
	assert_is(map, 0x347f, "later");
	assert_nothing(map, 0x3480);
	assert_is(map, 0x5000, "same again");
	jit_map__free(map);
	close(fd);
}

/* Every address of a small space, against the plain meaning of the rule. */
static void test_overlaps_of_every_kind(void **state)
{
	unsigned int seed = 1;

	(void)state;
	for (int round = 0; round < 200; round++) {
		char expected[64][8] = {{0}};
		int fd = new_file();
		struct jit_map *map = NULL;

		for (int i = 0; i < 30; i++) {
			unsigned int start = (unsigned int)rand_r(&seed) % 60;
			unsigned int bytes = 1 + (unsigned int)rand_r(&seed) % (63 - start);
			char line[64];

			snprintf(line, sizeof(line), "%x %x f%d\n", start, bytes, i);
			put(fd, line);
			for (unsigned int at = start; at < start + bytes; at++)
				snprintf(expected[at], sizeof(expected[at]), "f%d", i);
			if (i % 10 != 9)
				continue;
			if (!map)
				map = map_of(fd);
			else
				assert_int_equal(jit_map__read(map, fd), 0);
		}
		for (unsigned int at = 0; at < 64; at++) {
			if (expected[at][0])
				assert_is(map, at, expected[at]);
			else
				assert_nothing(map, at);
		}
		jit_map__free(map);
		close(fd);
	}
}

static void test_an_unfinished_line_waits(void **state)
{
	int fd = new_file();
	struct jit_map *map;

	(void)state;
	put(fd, "1000 10 whole\n2000 10 unfi");
	map = map_of(fd);
	assert_is(map, 0x1000, "whole");
	assert_nothing(map, 0x2000);
	put(fd, "nished\n3000 10 next\n");
	assert_int_equal(jit_map__read(map, fd), 0);
	assert_is(map, 0x2000, "unfinished");
	assert_is(map, 0x3000, "next");
	assert_int_equal(jit_map__entries(map), 3);
	assert_int_equal(jit_map__read(map, fd), 0);
	assert_int_equal(jit_map__entries(map), 3);
	jit_map__free(map);
	close(fd);
}

static void test_another_file_starts_anew(void **state)
{
	int fd = new_file();
	struct jit_map *map;

	(void)state;
	put(fd, "1000 10 first\n2000 10 second\n");
	map = map_of(fd);
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	put(fd, "3000 10 third\n");
	assert_int_equal(jit_map__read(map, fd), 0);
	assert_nothing(map, 0x1000);
	assert_is(map, 0x3000, "third");
	close(fd);

	fd = new_file();
	put(fd, "4000 10 fourth\n5000 10 a longer file than before\n");
	assert_int_equal(jit_map__read(map, fd), 0);
	assert_nothing(map, 0x3000);
	assert_is(map, 0x4000, "fourth");
	jit_map__free(map);
	close(fd);
}

static void test_hostile_lines_are_skipped(void **state)
{
	static const char nul[] = "a000 10 a\0b\n";
	static char line[200000];
	int fd = new_file();
	struct jit_map *map;
	struct symbol symbol;

	(void)state;
	put(fd, "1000 10 good\n"
		"\n"
		"name\n"
		"2000\n"
		"2000 10\n"
		"2000 10 \n"
		"2000  10 two blanks\n"
		"2000 0 nothing\n"
		"-2000 10 negative\n"
		"2000 g no number\n"
		"0x 10 no digits\n"
		"12345678901234567 10 too many digits\n"
		"ffffffffffffffff 10 beyond the end\n"
		"2000 ffffffffff too long\n");
	assert_int_equal(write(fd, nul, sizeof(nul) - 1), sizeof(nul) - 1);
	memset(line, 'x', sizeof(line) - 2);
	memcpy(line, "3000 10 ", 8);
	line[sizeof(line) - 2] = '\n';
	put(fd, line);
	put(fd, "4000 10 also good\n");
	line[5000] = '\n';
	line[5001] = '\0';
	memcpy(line, "5000 10 ", 8);
	put(fd, line);
	map = map_of(fd);
	assert_is(map, 0x1000, "good");
	assert_nothing(map, 0x2000);
	assert_nothing(map, 0x3000);
	assert_nothing(map, 0xa000);
	assert_is(map, 0x4000, "also good");
	assert_true(jit_map__find(map, 0x5000, &symbol));
	assert_int_equal(strlen(symbol.name), SYMBOL_NAME_MAX_BYTES - 1);
	assert_int_equal(jit_map__entries(map), 3);
	assert_int_equal(jit_map__skipped(map), 15);
	assert_false(jit_map__cut(map));
	jit_map__free(map);
	close(fd);
}

static void test_a_large_file_is_bounded(void **state)
{
	int fd = new_file();
	struct jit_map *map;

	(void)state;
	/* 1 TiB of nothing, which is one line. */
	put(fd, "1000 10 first\n");
	assert_int_equal(ftruncate(fd, 1LL << 40), 0);
	map = map_of(fd);
	assert_true(jit_map__cut(map));
	assert_is(map, 0x1000, "first");
	assert_true(jit_map__bytes(map) < 1U << 20);
	jit_map__free(map);
	close(fd);
}

static void test_many_entries_are_bounded(void **state)
{
	int fd = new_file();
	FILE *file = fdopen(dup(fd), "w");
	struct jit_map *map;

	(void)state;
	assert_non_null(file);
	for (uint64_t i = 0; i < JIT_MAP_MAX_ENTRIES + 10; i++)
		assert_true(fprintf(file, "%llx 8 f%llx\n", 0x1000 + 16ULL * i,
				    (unsigned long long)i) > 0);
	assert_int_equal(fclose(file), 0);
	map = map_of(fd);
	assert_true(jit_map__cut(map));
	assert_int_equal(jit_map__entries(map), JIT_MAP_MAX_ENTRIES);
	assert_is(map, 0x1000 + 16ULL * 0xabcde, "fabcde");
	assert_is(map, 0x1000 + 16ULL * (JIT_MAP_MAX_ENTRIES - 1), "ffffff");
	assert_nothing(map, 0x1000 + 16ULL * JIT_MAP_MAX_ENTRIES);
	/* It stays so, and quickly. */
	assert_int_equal(jit_map__read(map, fd), 0);
	assert_int_equal(jit_map__entries(map), JIT_MAP_MAX_ENTRIES);
	jit_map__free(map);
	close(fd);
}

static void test_is_found_below_a_root(void **state)
{
	char folder[] = "/tmp/jit_map_test.XXXXXX", path[128];
	struct jit_map *map;
	int root, fd;

	(void)state;
	assert_non_null(mkdtemp(folder));
	root = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_true(root >= 0);
	assert_int_equal(mkdirat(root, "tmp", 0700), 0);
	assert_int_equal(jit_map__new(&map), 0);
	assert_int_equal(jit_map__update(map, root, 7, getuid(), 0), -ENOENT);

	fd = openat(root, "tmp/perf-7.map", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	put(fd, "1000 10 seven\n");
	close(fd);
	assert_int_equal(jit_map__update(map, root, 7, getuid(), 0), 0);
	assert_is(map, 0x1008, "seven");

	/* A FIFO in its place: nobody writes to it, and nobody waits. */
	assert_int_equal(unlinkat(root, "tmp/perf-7.map", 0), 0);
	assert_int_equal(mkfifoat(root, "tmp/perf-7.map", 0600), 0);
	alarm(20);
	assert_int_equal(jit_map__update(map, root, 7, getuid(), 0), -EPIPE);
	alarm(0);
	assert_is(map, 0x1008, "seven");
	assert_int_equal(symlinkat("/etc/passwd", root, "tmp/perf-8.map"), 0);
	assert_int_equal(jit_map__update(map, root, 8, getuid(), 0), -ELOOP);
	jit_map__free(map);

	assert_int_equal(unlinkat(root, "tmp/perf-7.map", 0), 0);
	assert_int_equal(unlinkat(root, "tmp/perf-8.map", 0), 0);
	snprintf(path, sizeof(path), "%s/tmp", folder);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(rmdir(folder), 0);
	close(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines_become_functions),
		cmocka_unit_test(test_the_last_entry_holds),
		cmocka_unit_test(test_overlaps_of_every_kind),
		cmocka_unit_test(test_an_unfinished_line_waits),
		cmocka_unit_test(test_another_file_starts_anew),
		cmocka_unit_test(test_hostile_lines_are_skipped),
		cmocka_unit_test(test_a_large_file_is_bounded),
		cmocka_unit_test(test_many_entries_are_bounded),
		cmocka_unit_test(test_is_found_below_a_root),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
