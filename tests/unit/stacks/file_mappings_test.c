/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/units.h"
#include "stacks/file_mappings.h"

#define BEGIN_NS (1000 * NS_PER_S)

struct world {
	char folder[64];
	struct file_mappings *mappings;
};

static const struct file_process seven = {.pid = 7, .start_ns = 70, .mm_id = 700};

static void write_file(const struct world *world, const char *name, const char *text)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/7/%s", world->folder, name);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static int make_world(void **state)
{
	static struct world world;
	char path[128];

	snprintf(world.folder, sizeof(world.folder), "/tmp/file-mappings-XXXXXX");
	assert_non_null(mkdtemp(world.folder));
	snprintf(path, sizeof(path), "%s/7", world.folder);
	assert_int_equal(mkdir(path, 0700), 0);
	*state = &world;
	return file_mappings__new(&world.mappings, world.folder);
}

static void process_goes(const struct world *world)
{
	static const char *const names[] = {"7/maps", "7/mountinfo", "7"};
	char path[128];

	for (size_t i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s/%s", world->folder, names[i]);
		remove(path);
	}
}

static int remove_world(void **state)
{
	struct world *world = *state;

	process_goes(world);
	rmdir(world->folder);
	file_mappings__free(world->mappings);
	return 0;
}

static bool find(struct world *world, uint64_t address, uint64_t now_ns, struct file_mapping *out)
{
	return file_mappings__find(world->mappings, &seven, address, now_ns, now_ns, out);
}

static void assert_found(struct world *world, uint64_t address, const char *path, const char *mount,
			 uint32_t flags)
{
	struct file_mapping found;

	if (!find(world, address, BEGIN_NS, &found))
		fail_msg("nothing found at %#llx", (unsigned long long)address);
	assert_string_equal(found.path, path);
	assert_int_equal(found.flags, flags);
	if (mount) {
		assert_non_null(found.mount);
		assert_string_equal(found.mount, mount);
	} else {
		assert_null(found.mount);
	}
}

static void test_what_is_behind_an_address(void **state)
{
	struct world *world = *state;
	struct file_mapping found;

	write_file(world, "maps",
		   "1000-2000 r--p 00000000 fd:01 11 /usr/lib/a b.so\n"
		   "3000-4000 rw-s 00000000 00:19 12 /dev/shm/x\n"
		   "5000-6000 rw-s 00000000 00:19 13 /dev/shm/y (deleted)\n"
		   "7000-8000 rw-s 00000000 00:01 14 /memfd:frames (deleted)\n"
		   "9000-a000 rw-s 00000000 00:01 0 /SYSV0000162e (deleted)\n"
		   "b000-c000 rw-s 00000000 00:01 15 /dev/zero (deleted)\n"
		   "d000-e000 rw-p 00000000 00:00 0 \n"
		   "f000-10000 rw-s 00000000 00:1e 16 /srv/a\\012b/c\n"
		   "11000-12000 rw-s 00000000 fd:01 17 /memfd:not (deleted)\n"
		   "13000-14000 rw-s 00000000 00:2a 18 /overlay\n");
	write_file(world, "mountinfo",
		   "20 1 fd:01 / / rw - ext4 /dev/vda rw\n"
		   "21 20 0:25 / /srv/other rw shared:3 - tmpfs tmpfs rw\n"
		   "22 20 0:25 / /dev/shm rw,nosuid shared:3 master:2 - tmpfs tmpfs rw\n"
		   "23 20 0:25 / /dev rw - tmpfs tmpfs rw\n"
		   "24 20 0:30 / /srv/a\\012b rw - tmpfs - rw\n"
		   "25 20 0:42 / / rw - overlay tmpfs rw\n"
		   "26 20 0:42 / / rw - tmpfs");
	assert_found(world, 0x1000, "/usr/lib/a b.so", NULL, 0);
	assert_found(world, 0x1fff, "/usr/lib/a b.so", NULL, 0);
	assert_found(world, 0x3000, "/dev/shm/x", "/dev/shm", FILE_TMPFS);
	assert_found(world, 0x5800, "/dev/shm/y", "/dev/shm", FILE_TMPFS | FILE_DELETED);
	assert_found(world, 0x7000, "memfd:frames", NULL, FILE_MEMFD);
	assert_found(world, 0x9000, "SYSV0000162e", NULL, FILE_SYSV);
	assert_found(world, 0xb000, "/dev/zero", NULL, FILE_ANONYMOUS);
	assert_found(world, 0xf000, "/srv/a\nb/c", "/srv/a\nb", FILE_TMPFS);
	assert_found(world, 0x11000, "/memfd:not", NULL, FILE_DELETED);
	assert_found(world, 0x13000, "/overlay", NULL, 0);
	assert_int_equal(file_mappings__reads(world->mappings), 1);
	assert_false(find(world, 0xd000, BEGIN_NS, &found));
	assert_false(find(world, 0x2000, BEGIN_NS, &found));
	assert_false(find(world, 0xfff, BEGIN_NS, &found));
	assert_false(find(world, 0x14000, BEGIN_NS, &found));
}

static void test_it_is_read_again_when_that_can_help(void **state)
{
	struct world *world = *state;
	const uint64_t soon_ns = BEGIN_NS + FILE_MAPPINGS_LINE_NS;
	struct file_mapping found;

	write_file(world, "maps", "1000-2000 rw-s 00000000 fd:01 11 /a\n");
	assert_true(find(world, 0x1000, BEGIN_NS, &found));
	/* Mapped since: not at once, but before long. */
	write_file(world, "maps",
		   "1000-2000 rw-s 00000000 fd:01 11 /a\n"
		   "3000-4000 rw-s 00000000 fd:01 12 /b\n");
	assert_false(find(world, 0x3000, soon_ns - 1, &found));
	assert_int_equal(file_mappings__reads(world->mappings), 1);
	assert_true(find(world, 0x3000, soon_ns, &found));
	assert_string_equal(found.path, "/b");
	assert_int_equal(file_mappings__reads(world->mappings), 2);
	/* Another one in its place: found out within a second. */
	write_file(world, "maps", "3000-4000 rw-s 00000000 fd:01 12 /c\n");
	assert_true(find(world, 0x3000, soon_ns + FILE_MAPPINGS_AGAIN_NS - 1, &found));
	assert_string_equal(found.path, "/b");
	assert_true(find(world, 0x3000, soon_ns + FILE_MAPPINGS_AGAIN_NS, &found));
	assert_string_equal(found.path, "/c");
	assert_int_equal(file_mappings__reads(world->mappings), 3);
	/* For a page that came before, a later reading says nothing better. */
	assert_true(file_mappings__find(world->mappings, &seven, 0x3000, BEGIN_NS,
					soon_ns + 3 * FILE_MAPPINGS_AGAIN_NS, &found));
	assert_int_equal(file_mappings__reads(world->mappings), 3);
	/* What has gone by the time of a reading that came later is not looked for. */
	assert_false(file_mappings__find(world->mappings, &seven, 0x9000, BEGIN_NS,
					 soon_ns + 3 * FILE_MAPPINGS_AGAIN_NS, &found));
	assert_int_equal(file_mappings__reads(world->mappings), 3);
	/* What is not there is looked for less and less often, in the end once in a second. */
	for (uint64_t ms = 0; ms < 2000; ms++)
		assert_false(find(world, 0x9000, BEGIN_NS + 9 * NS_PER_S + ms * NS_PER_MS, &found));
	assert_int_equal(file_mappings__reads(world->mappings), 3 + 11);
	assert_false(find(world, 0x9000, BEGIN_NS + 20 * NS_PER_S, &found));
	assert_false(find(world, 0x9000, BEGIN_NS + 21 * NS_PER_S - 1, &found));
	assert_int_equal(file_mappings__reads(world->mappings), 3 + 12);
	/* Not for ever. */
	assert_true(find(world, 0x3000, BEGIN_NS + 21 * NS_PER_S, &found));
	assert_false(find(world, 0x9000, BEGIN_NS + 21 * NS_PER_S + NS_PER_MS, &found));
	assert_false(find(world, 0x9000, BEGIN_NS + 21 * NS_PER_S + 2 * NS_PER_MS, &found));
	assert_int_equal(file_mappings__reads(world->mappings), 3 + 15);
}

static void test_of_a_process_that_has_gone_what_was_read_is_known(void **state)
{
	const struct file_process next = {.pid = 7, .start_ns = 71, .mm_id = 701};
	const struct file_process program = {.pid = 7, .start_ns = 70, .mm_id = 702};
	struct world *world = *state;
	struct file_mapping found;

	write_file(world, "maps", "1000-2000 rw-s 00000000 fd:01 11 /a\n");
	assert_true(find(world, 0x1000, BEGIN_NS, &found));
	process_goes(world);
	assert_true(find(world, 0x1000, BEGIN_NS + 5 * NS_PER_S, &found));
	assert_string_equal(found.path, "/a");
	assert_false(find(world, 0x3000, BEGIN_NS + 9 * NS_PER_S, &found));
	assert_false(
		file_mappings__find(world->mappings, &next, 0x1000, BEGIN_NS, BEGIN_NS, &found));
	assert_false(
		file_mappings__find(world->mappings, &program, 0x1000, BEGIN_NS, BEGIN_NS, &found));
}

/* More than there may be of anything, and what the kernel never writes. */
static void test_hostile_processes_take_no_more_than_their_room(void **state)
{
	const size_t lines = 40000, length = 3000, room = lines * (length + 64);
	struct world *world = *state;
	char *maps = malloc(room), *at = maps, *name = malloc(length + 1);
	struct file_mapping found;
	size_t bytes;

	assert_true(maps && name);
	memset(name, 'n', length);
	name[length] = '\0';
	/* Backwards and one over another first. */
	at += sprintf(at, "9000-a000 rw-s 0 00:01 1 /late\n1000-2000 rw-s 0 00:01 1 /early\n"
			  "9800-b000 rw-s 0 00:01 1 /over\nnonsense\n");
	for (size_t i = 0; i < 5000; i++)
		at += sprintf(at, "%zx-%zx rw-s 0 00:01 %zu /%s%zu\n", (i + 16) << 12,
			      (i + 17) << 12, i, name, i);
	write_file(world, "maps", maps);
	assert_false(find(world, 0x1000, BEGIN_NS, &found));
	assert_true(find(world, 0x9900, BEGIN_NS, &found));
	assert_string_equal(found.path, "/late");
	assert_true(find(world, 0x11000, BEGIN_NS, &found));
	bytes = file_mappings__bytes(world->mappings);
	assert_true(bytes > MIB);
	/* Others, with paths of their own. */
	for (uint64_t i = 0; i < 3; i++) {
		const struct file_process other = {.pid = 7, .start_ns = 100 + i, .mm_id = i};

		for (char *line = maps; (line = strstr(line, "/")); line++)
			line[1] = (char)('A' + i);
		write_file(world, "maps", maps);
		assert_true(file_mappings__find(world->mappings, &other, 0x11000, BEGIN_NS,
						BEGIN_NS, &found));
		assert_true(file_mappings__bytes(world->mappings) < FILE_MAPPINGS_PATHS + 4 * MIB);
	}
	/* Many processes with little each. */
	write_file(world, "maps", "1000-2000 rw-s 00000000 fd:01 11 /a\n");
	for (uint64_t i = 0; i < 1000; i++) {
		const struct file_process other = {.pid = 7, .start_ns = 1000 + i, .mm_id = i};

		assert_true(file_mappings__find(world->mappings, &other, 0x1000, BEGIN_NS, BEGIN_NS,
						&found));
	}
	assert_true(file_mappings__bytes(world->mappings) < bytes);
	free(maps);
	free(name);
}

static void test_the_memory_of_a_real_process(void **state)
{
	const struct file_process self = {.pid = (uint64_t)getpid(), .start_ns = 1, .mm_id = 1};
	const int memfd = memfd_create("a name", MFD_CLOEXEC);
	const int segment = shmget(IPC_PRIVATE, 65536, IPC_CREAT | 0600);
	struct file_mappings *mappings;
	struct file_mapping found;
	void *named, *unnamed, *attached;
	uint64_t now_ns = BEGIN_NS;

	(void)state;
	assert_true(memfd >= 0 && segment >= 0 && ftruncate(memfd, 65536) == 0);
	named = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_SHARED, memfd, 0);
	unnamed = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	attached = shmat(segment, NULL, 0);
	shmctl(segment, IPC_RMID, NULL);
	assert_true(named != MAP_FAILED && unnamed != MAP_FAILED && attached != (void *)-1);
	assert_int_equal(file_mappings__new(&mappings, NULL), 0);
	assert_true(file_mappings__find(mappings, &self, (uintptr_t)named, now_ns, now_ns, &found));
	assert_int_equal(found.flags, FILE_MEMFD);
	assert_string_equal(found.path, "memfd:a name");
	assert_true(
		file_mappings__find(mappings, &self, (uintptr_t)unnamed, now_ns, now_ns, &found));
	assert_int_equal(found.flags, FILE_ANONYMOUS);
	assert_true(
		file_mappings__find(mappings, &self, (uintptr_t)attached, now_ns, now_ns, &found));
	assert_int_equal(found.flags, FILE_SYSV);
	assert_string_equal(found.path, "SYSV00000000");
	file_mappings__free(mappings);
	munmap(named, 65536);
	munmap(unnamed, 65536);
	shmdt(attached);
	close(memfd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_what_is_behind_an_address, make_world,
						remove_world),
		cmocka_unit_test_setup_teardown(test_it_is_read_again_when_that_can_help,
						make_world, remove_world),
		cmocka_unit_test_setup_teardown(
			test_of_a_process_that_has_gone_what_was_read_is_known, make_world,
			remove_world),
		cmocka_unit_test_setup_teardown(test_hostile_processes_take_no_more_than_their_room,
						make_world, remove_world),
		cmocka_unit_test(test_the_memory_of_a_real_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
