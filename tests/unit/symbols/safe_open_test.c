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
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "symbols/safe_open.h"

/* A folder that plays the root of a process, with a file beside it that is out of reach. */
struct world {
	char folder[64];
	int root;
};

static const struct safe_open any = {.owner = SAFE_OPEN_ANY_OWNER};
static const struct safe_open follow = {.owner = SAFE_OPEN_ANY_OWNER, .follow = true};

static void write_file(const struct world *world, const char *path, const char *text)
{
	char whole[256];
	FILE *file;

	snprintf(whole, sizeof(whole), "%s/%s", world->folder, path);
	file = fopen(whole, "we");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static int make_world(void **state)
{
	static struct world world;
	char path[256];

	snprintf(world.folder, sizeof(world.folder), "/tmp/safe_open_test.XXXXXX");
	if (!mkdtemp(world.folder))
		return -1;
	snprintf(path, sizeof(path), "%s/root", world.folder);
	if (mkdir(path, 0700) < 0)
		return -1;
	world.root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (world.root < 0 || mkdirat(world.root, "tmp", 0700) < 0)
		return -1;
	write_file(&world, "outside", "outside");
	write_file(&world, "root/tmp/file", "inside");
	write_file(&world, "root/outside", "also inside");
	*state = &world;
	return 0;
}

static int remove_world(void **state)
{
	struct world *world = *state;
	char command[256];

	close(world->root);
	snprintf(command, sizeof(command), "rm -rf '%s'", world->folder);
	return system(command);
}

static void assert_opens(int root, const char *path, const struct safe_open *wanted,
			 const char *content)
{
	char bytes[64] = "";
	int fd = safe_open(root, path, wanted);

	if (fd < 0)
		fail_msg("%s: %s", path, safe_open__why(fd));
	assert_true(read(fd, bytes, sizeof(bytes) - 1) >= 0);
	assert_string_equal(bytes, content);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDONLY);
	close(fd);
}

static void assert_refuses(int root, const char *path, const struct safe_open *wanted, int error)
{
	int fd = safe_open(root, path, wanted);

	if (fd != error)
		fail_msg("%s: %d, not %d", path, fd, error);
	assert_true(*safe_open__why(error));
}

static void test_files_open(void **state)
{
	const struct world *world = *state;

	assert_opens(world->root, "tmp/file", &any, "inside");
	assert_opens(world->root, "/tmp/file", &any, "inside");
	assert_opens(world->root, "/../../tmp/../tmp/file", &any, "inside");
	assert_refuses(world->root, "/tmp/none", &any, -ENOENT);
	assert_refuses(world->root, "/tmp/file/below", &any, -ENOTDIR);
	assert_refuses(world->root, "", &any, -ENOENT);
}

static void test_nothing_leads_out(void **state)
{
	const struct world *world = *state;
	char absolute[128];

	snprintf(absolute, sizeof(absolute), "%s/outside", world->folder);
	assert_int_equal(symlinkat("../../outside", world->root, "tmp/up"), 0);
	assert_int_equal(symlinkat(absolute, world->root, "tmp/absolute"), 0);
	assert_int_equal(symlinkat("../..", world->root, "tmp/folder"), 0);
	assert_int_equal(symlinkat("/tmp", world->root, "elsewhere"), 0);

	/* ".." stops at the root, where there happens to be a file of that name. */
	assert_opens(world->root, "../outside", &any, "also inside");
	assert_opens(world->root, "tmp/up", &follow, "also inside");
	assert_opens(world->root, "tmp/folder/outside", &any, "also inside");
	assert_refuses(world->root, "tmp/absolute", &follow, -ENOENT);
	assert_opens(world->root, "elsewhere/file", &any, "inside");
	/* Nor is any link followed that is the file itself, unless asked for. */
	assert_refuses(world->root, "tmp/up", &any, -ELOOP);
	assert_refuses(world->root, "tmp/absolute", &any, -ELOOP);
}

static void test_magic_links_are_refused(void **state)
{
	const struct world *world = *state;
	int slash = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	char path[128];
	int fd;

	assert_true(slash >= 0);
	snprintf(path, sizeof(path), "%s/outside", world->folder);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	/* /proc/self is of another process, seen from a root that is one's own. */
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)getpid(), fd);
	assert_refuses(slash, path, &follow, -ELOOP);
	snprintf(path, sizeof(path), "/proc/%d/root%s/outside", (int)getpid(), world->folder);
	assert_refuses(slash, path, &follow, -ELOOP);
	snprintf(path, sizeof(path), "/proc/%d/exe", (int)getpid());
	assert_refuses(slash, path, &follow, -ELOOP);
	close(fd);
	close(slash);
}

static void test_what_is_no_file_is_refused(void **state)
{
	const struct world *world = *state;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int slash = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(slash >= 0 && server >= 0);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/root/tmp/socket", world->folder);
	assert_int_equal(bind(server, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(mkfifoat(world->root, "tmp/fifo", 0600), 0);
	assert_int_equal(symlinkat("fifo", world->root, "tmp/to-fifo"), 0);
	assert_int_equal(symlinkat("itself", world->root, "tmp/itself"), 0);

	/* Nobody writes to the FIFO: to open it in the plain way would take for ever. */
	alarm(20);
	assert_refuses(world->root, "tmp/fifo", &any, -EPIPE);
	assert_refuses(world->root, "tmp/to-fifo", &follow, -EPIPE);
	alarm(0);
	assert_refuses(world->root, "tmp/socket", &any, -EPIPE);
	assert_refuses(world->root, "tmp", &any, -EISDIR);
	assert_refuses(world->root, "/", &any, -EISDIR);
	assert_refuses(world->root, "tmp/itself", &any, -ELOOP);
	assert_refuses(world->root, "tmp/itself", &follow, -ELOOP);
	assert_refuses(slash, "/dev/zero", &any, -ENODEV);
	close(server);
	close(slash);
}

static void test_size_and_owner(void **state)
{
	const struct world *world = *state;
	struct safe_open wanted = {.owner = geteuid(), .max_bytes = 6};

	assert_opens(world->root, "tmp/file", &wanted, "inside");
	wanted.max_bytes = 5;
	assert_refuses(world->root, "tmp/file", &wanted, -EFBIG);
	wanted = (struct safe_open){.owner = 4242};
	if (geteuid() != 0) {
		assert_refuses(world->root, "tmp/file", &wanted, -EPERM);
		return;
	}
	/* What root put there is taken, and the owner's own. */
	assert_opens(world->root, "tmp/file", &wanted, "inside");
	write_file(world, "root/tmp/other", "other's");
	assert_int_equal(fchownat(world->root, "tmp/other", 4243, 4243, 0), 0);
	assert_refuses(world->root, "tmp/other", &wanted, -EPERM);
	assert_opens(world->root, "tmp/other", &any, "other's");
	wanted.owner = 4243;
	assert_opens(world->root, "tmp/other", &wanted, "other's");
}

static void test_root_of_a_process(void **state)
{
	const struct world *world = *state;
	char path[128];
	int root = safe_open__root("/proc", (uint32_t)getpid());

	assert_true(root >= 0);
	snprintf(path, sizeof(path), "%s/root/tmp/file", world->folder);
	assert_opens(root, path, &any, "inside");
	close(root);
	assert_int_equal(safe_open__root("/proc", 0), -ENOENT);
	assert_int_equal(safe_open__root(world->folder, 1), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files_open),
		cmocka_unit_test(test_nothing_leads_out),
		cmocka_unit_test(test_magic_links_are_refused),
		cmocka_unit_test(test_what_is_no_file_is_refused),
		cmocka_unit_test(test_size_and_owner),
		cmocka_unit_test(test_root_of_a_process),
	};

	return cmocka_run_group_tests(tests, make_world, remove_world);
}
