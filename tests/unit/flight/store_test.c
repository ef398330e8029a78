/* SPDX-License-Identifier: GPL-2.0-only */
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "base/cleanup.h"
#include "folder.h"

static void assert_mode(const struct folder *folder, const char *what, mode_t mode)
{
	assert_int_equal(folder__stat(folder, what).st_mode & 07777, mode);
}

static void check_modes_under(struct folder *folder, mode_t mask)
{
	const mode_t before = umask(mask);

	folder__open(folder);
	umask(before);
	close(folder__chunk(folder, 0, "chunk"));
	umask(mask);
	assert_int_equal(store__prepare(folder->store, JSON_BYTES), 0);
	folder__publish(folder, "20261121T020000Z-a-1", 0, "{}");
	assert_int_equal(
		store__replace(folder->store, "20261121T020000Z-a-1", "report.txt", "text", 4), 0);
	umask(before);
	assert_mode(folder, "", 0700);
	assert_mode(folder, "lock", 0600);
	assert_mode(folder, "window", 0700);
	assert_mode(folder, "incidents", 0700);
	assert_mode(folder, "incidents/20261121T020000Z-a-1", 0700);
	assert_mode(folder, "incidents/20261121T020000Z-a-1/incident.json", 0600);
	assert_mode(folder, "incidents/20261121T020000Z-a-1/report.txt", 0600);
}

static void test_private_under_a_loose_umask(void **state)
{
	check_modes_under(*state, 0);
}

static void test_private_under_a_strict_umask(void **state)
{
	check_modes_under(*state, 0777);
}

/* --- who may, who does ------------------------------------------------------------------------ */

static void assert_refused(const char *dir, int err, const char *words)
{
	struct store *store = NULL;
	struct store_holder holder;
	char why[512] = "";

	assert_int_equal(store__open(&store, dir, &holder, why, sizeof(why)), err);
	assert_null(store);
	if (!strstr(why, words))
		fail_msg("'%s' lacks '%s'", why, words);
}

static void test_refuses_what_others_may_write(void **state)
{
	struct folder *folder = *state;

	assert_int_equal(mkdir(folder->dir, 0700), 0);
	assert_int_equal(chmod(folder->dir, 0770), 0);
	assert_refused(folder->dir, -EPERM, "others may write");
	assert_int_equal(chmod(folder->dir, 0702), 0);
	assert_refused(folder->dir, -EPERM, "mode 0702");
	assert_int_equal(chmod(folder->dir, 0755), 0);
	folder__open(folder);
	folder__close(folder);
	assert_int_equal(chmod(folder__path(folder, "window"), 0777), 0);
	assert_refused(folder->dir, -EPERM, "store/window");
}

static void test_refuses_what_belongs_to_others(void **state)
{
	struct folder *folder = *state;

	if (geteuid() != 0) {
		print_message("only root can give a folder away\n");
		skip();
	}
	assert_int_equal(mkdir(folder->dir, 0700), 0);
	assert_int_equal(chown(folder->dir, 65534, 65534), 0);
	assert_refused(folder->dir, -EPERM, "belongs to user 65534");
}

static void test_follows_no_link(void **state)
{
	struct folder *folder = *state;
	char link[96], slash[96];
	struct store *store = NULL;
	char why[256];

	folder__open(folder);
	folder__close(folder);
	snprintf(link, sizeof(link), "%s/link", folder->top);
	snprintf(slash, sizeof(slash), "%s//", link);
	assert_int_equal(symlink("store", link), 0);
	assert_refused(link, -ELOOP, "symbolic link");
	assert_refused(slash, -ELOOP, "symbolic link");
	assert_int_equal(store__open_to_read(&store, link, why, sizeof(why)), -ELOOP);

	assert_int_equal(rmdir(folder__path(folder, "window")), 0);
	assert_int_equal(symlink("incidents", folder__path(folder, "window")), 0);
	assert_refused(folder->dir, -ELOOP, "store/window");
	assert_int_equal(unlink(folder__path(folder, "window")), 0);
	assert_int_equal(unlink(folder__path(folder, "lock")), 0);
	assert_int_equal(symlink("/etc/passwd", folder__path(folder, "lock")), 0);
	assert_refused(folder->dir, -ELOOP, "lock");
}

static void test_refuses_what_is_no_folder(void **state)
{
	struct folder *folder = *state;
	char below[96];

	snprintf(below, sizeof(below), "%s/no/store", folder->top);
	assert_refused(below, -ENOENT, "cannot make the folder");
	assert_refused("", -ENOENT, "empty");
	close(open(folder->dir, O_CREAT | O_WRONLY, 0600));
	assert_refused(folder->dir, -ENOTDIR, "is not a folder");
}

static void test_a_second_one_hears_who_holds_it(void **state)
{
	struct folder *folder = *state;
	struct store *second = NULL;
	struct store_holder holder;
	char why[256], words[64];
	int pipes[2], status;
	char byte;
	pid_t child;

	assert_int_equal(pipe(pipes), 0);
	child = fork();
	if (child == 0) {
		folder__open(folder);
		(void)!write(pipes[1], "x", 1);
		pause();
		_exit(0);
	}
	assert_true(child > 0);
	assert_int_equal(read(pipes[0], &byte, 1), 1);
	assert_int_equal(store__open(&second, folder->dir, &holder, why, sizeof(why)),
			 -EWOULDBLOCK);
	assert_int_equal(holder.pid, child);
	assert_int_equal(strlen(holder.since), strlen("2026-11-21T02:08:49Z"));
	snprintf(words, sizeof(words), "pid %d, since %s", child, holder.since);
	assert_non_null(strstr(why, words));

	assert_int_equal(store__open_to_read(&second, folder->dir, why, sizeof(why)), 0);
	holder.pid = 0;
	assert_true(store__is_watched(second, &holder));
	assert_int_equal(holder.pid, child);
	/* Asking takes nothing from whoever wants the lock next. */
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_false(store__is_watched(second, &holder));
	assert_int_equal(holder.pid, 0);
	store__free(second);
	folder__open(folder);
	close(pipes[0]);
	close(pipes[1]);
}

static void test_opening_to_read_changes_nothing(void **state)
{
	struct folder *folder = *state;
	struct store_holder holder;
	struct store *store = NULL;
	char(*ids)[STORE_ID_BYTES];
	struct store_chunk *chunks;
	size_t count = 1;
	char why[256];

	assert_int_equal(store__open_to_read(&store, folder->dir, why, sizeof(why)), -ENOENT);
	assert_non_null(strstr(why, "there is no folder"));
	assert_int_equal(mkdir(folder->dir, 0755), 0);
	assert_int_equal(store__open_to_read(&store, folder->dir, why, sizeof(why)), 0);
	assert_string_equal(store__dir(store), folder->dir);
	assert_int_equal(store__incidents(store, &ids, &count), 0);
	assert_int_equal(count, 0);
	free(ids);
	assert_int_equal(store__chunks(store, &chunks, &count), 0);
	assert_int_equal(count, 0);
	free(chunks);
	assert_false(store__is_watched(store, &holder));
	assert_int_equal(store__open_file(store, "20261121T020000Z-a-1", "report.txt"), -ENOENT);
	store__free(store);
	assert_int_equal(rmdir(folder->dir), 0); /* still empty */
}

static void test_a_relative_folder_stays_where_it_was(void **state)
{
	struct folder *folder = *state;
	char cwd[4096], why[256];
	struct store_holder holder;

	assert_non_null(getcwd(cwd, sizeof(cwd)));
	assert_int_equal(chdir(folder->top), 0);
	assert_int_equal(store__open(&folder->store, "store/", &holder, why, sizeof(why)), 0);
	assert_int_equal(chdir(cwd), 0);
	assert_string_equal(store__dir(folder->store), folder->dir);
	assert_true(store__is_there(folder->store));
	remove_tree(folder->dir);
	assert_false(store__is_there(folder->store));
	assert_int_equal(store__revive(folder->store), 0);
	assert_true(folder__has(folder, "incidents"));
}

/* --- after the folder was taken away ---------------------------------------------------------- */

static void test_revives(void **state)
{
	struct folder *folder = *state;
	struct store *second = NULL;
	struct store_holder holder;
	char why[256];

	folder__open(folder);
	assert_int_equal(store__revive(folder->store), 0); /* nothing had happened */
	assert_int_equal(store__open(&second, folder->dir, &holder, why, sizeof(why)),
			 -EWOULDBLOCK);
	remove_tree(folder->dir);
	assert_int_equal(store__revive(folder->store), 0);
	assert_true(store__is_there(folder->store));
	close(folder__chunk(folder, 3, "chunk"));
	folder__assert_holds(folder, "window/0000000000000003.trail", "chunk");
	assert_int_equal(store__open(&second, folder->dir, &holder, why, sizeof(why)),
			 -EWOULDBLOCK);
	assert_int_equal(holder.pid, getpid());

	remove_tree(folder__path(folder, "window"));
	assert_false(store__is_there(folder->store));
	assert_int_equal(store__revive(folder->store), 0);
	assert_true(folder__has(folder, "window"));
	assert_int_equal(store__open(&second, folder->dir, &holder, why, sizeof(why)),
			 -EWOULDBLOCK);
}

static void test_revives_only_what_is_free(void **state)
{
	struct folder *folder = *state;
	struct store *second = NULL;
	struct store_holder holder;
	char why[256];

	folder__open(folder);
	remove_tree(folder->dir);
	assert_int_equal(store__open(&second, folder->dir, &holder, why, sizeof(why)), 0);
	assert_int_equal(store__revive(folder->store), -EWOULDBLOCK);
	store__free(second);
	assert_int_equal(store__revive(folder->store), 0);
	remove_tree(folder->top);
	assert_int_equal(store__revive(folder->store), -ENOENT);
	assert_int_equal(mkdir(folder->top, 0700), 0);
	assert_int_equal(store__revive(folder->store), 0);
}

/* --- the window ------------------------------------------------------------------------------- */

static void test_chunks_are_numbered(void **state)
{
	struct folder *folder = *state;
	struct store *store = folder__open(folder);
	struct store_chunk *chunks = NULL;
	uint64_t number = 7;
	size_t count = 0;
	int fd;

	assert_int_equal(store__next_chunk(store, &number), 0);
	assert_int_equal(number, 0);
	close(folder__chunk(folder, 0x1f, "b"));
	close(folder__chunk(folder, 2, "aaa"));
	folder__write(folder, "window/0000000000000FFF.trail", "upper case");
	folder__write(folder, "window/00000000000000ff.trail.bak", "x");
	folder__write(folder, "window/ff.trail", "x");
	assert_int_equal(mkdir(folder__path(folder, "window/0000000000000fff.trail"), 0700), 0);
	assert_int_equal(store__next_chunk(store, &number), 0);
	assert_int_equal(number, 0x20);
	assert_int_equal(store__chunks(store, &chunks, &count), 0);
	assert_int_equal(count, 2);
	assert_int_equal(chunks[0].number, 2);
	assert_int_equal(chunks[1].number, 0x1f);
	assert_true(chunks[0].bytes > 0);
	assert_true(chunks[0].modified_ns > 1700000000LL * 1000000000);
	free(chunks);

	fd = store__open_chunk(store, 2);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(
		symlink("/etc/passwd", folder__path(folder, "window/0000000000000003.trail")), 0);
	assert_int_equal(store__open_chunk(store, 3), -ELOOP);
	assert_int_equal(store__open_chunk(store, 0xfff), -EINVAL);
	assert_int_equal(store__remove_chunk(store, 2), 0);
	assert_int_equal(store__remove_chunk(store, 2), -ENOENT);

	close(folder__chunk(folder, UINT64_MAX, "last"));
	assert_int_equal(store__next_chunk(store, &number), -ERANGE);
}

static void set_age(struct folder *folder, const char *what, int64_t seconds)
{
	struct timespec times[2];

	clock_gettime(CLOCK_REALTIME, &times[0]);
	times[0].tv_sec -= seconds;
	times[1] = times[0];
	assert_int_equal(utimensat(AT_FDCWD, folder__path(folder, what), times, 0), 0);
}

static uint64_t lowest_chunk(struct folder *folder, size_t *count)
{
	struct store_chunk *chunks = NULL;
	uint64_t number;

	assert_int_equal(store__chunks(folder->store, &chunks, count), 0);
	number = *count ? chunks[0].number : UINT64_MAX;
	free(chunks);
	return number;
}

static void test_trims_the_window_by_bytes(void **state)
{
	static char data[64 << 10];
	struct folder *folder = *state;
	uint64_t one;
	size_t removed = 9, count;
	struct store_chunk *chunks;

	memset(data, 'x', sizeof(data) - 1);
	folder__open(folder);
	for (uint64_t i = 0; i < 6; i++)
		close(folder__chunk(folder, i, data));
	assert_int_equal(store__chunks(folder->store, &chunks, &count), 0);
	one = chunks[0].bytes;
	free(chunks);
	assert_int_equal(store__trim_window(folder->store, 6, 6 * one, UINT64_MAX, &removed), 0);
	assert_int_equal(removed, 0);
	assert_int_equal(store__trim_window(folder->store, 6, 4 * one + 1, UINT64_MAX, &removed),
			 0);
	assert_int_equal(removed, 2);
	assert_int_equal(lowest_chunk(folder, &count), 2);
	/* Those that are kept count, and stay. */
	assert_int_equal(store__trim_window(folder->store, 4, one, UINT64_MAX, &removed), 0);
	assert_int_equal(removed, 2);
	assert_int_equal(lowest_chunk(folder, &count), 4);
	assert_int_equal(count, 2);
}

static void test_trims_the_window_by_age(void **state)
{
	const uint64_t hour_ns = 3600ULL * 1000000000;
	struct folder *folder = *state;
	size_t removed, count;

	folder__open(folder);
	for (uint64_t i = 0; i < 4; i++)
		close(folder__chunk(folder, i, "x"));
	set_age(folder, "window/0000000000000000.trail", 7200);
	set_age(folder, "window/0000000000000001.trail", 3700);
	set_age(folder, "window/0000000000000002.trail", 3500);
	assert_int_equal(store__trim_window(folder->store, 1, UINT64_MAX, hour_ns, &removed), 0);
	assert_int_equal(removed, 1);
	assert_int_equal(store__trim_window(folder->store, 9, UINT64_MAX, hour_ns, &removed), 0);
	assert_int_equal(removed, 1);
	assert_int_equal(lowest_chunk(folder, &count), 2);
	/* After the clock was set back. */
	set_age(folder, "window/0000000000000002.trail", -7200);
	assert_int_equal(store__trim_window(folder->store, 9, UINT64_MAX, hour_ns, &removed), 0);
	assert_int_equal(removed, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, folder__setup, folder__teardown)
		TEST(test_private_under_a_loose_umask),
		TEST(test_private_under_a_strict_umask),
		TEST(test_refuses_what_others_may_write),
		TEST(test_refuses_what_belongs_to_others),
		TEST(test_follows_no_link),
		TEST(test_refuses_what_is_no_folder),
		TEST(test_a_second_one_hears_who_holds_it),
		TEST(test_opening_to_read_changes_nothing),
		TEST(test_a_relative_folder_stays_where_it_was),
		TEST(test_revives),
		TEST(test_revives_only_what_is_free),
		TEST(test_chunks_are_numbered),
		TEST(test_trims_the_window_by_bytes),
		TEST(test_trims_the_window_by_age),
	};

	return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
