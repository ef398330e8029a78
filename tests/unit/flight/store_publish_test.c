/* SPDX-License-Identifier: GPL-2.0-only */
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/vfs.h>

#include <linux/fs.h>
#include <linux/magic.h>

#include "base/cleanup.h"
#include "folder.h"

#define ID       "20261121T020849Z-leaker-22760"
#define INCIDENT "incidents/" ID

static size_t allocations;

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
void *__libc_malloc(size_t size);

void *malloc(size_t size)
{
	allocations++;
	return __libc_malloc(size);
}
#endif

/* --- as it should be -------------------------------------------------------------------------- */

static void test_publishes_a_chunk(void **state)
{
	struct folder *folder = *state;
	struct store *store = folder__open(folder);
	char id[STORE_ID_BYTES] = ID;
	struct store_published result;
	int fd = folder__chunk(folder, 5, "chunk");
	size_t before;

	assert_int_equal(store__prepare(store, JSON_BYTES), 0);
	assert_true(folder__stat(folder, "incidents/.spare/incident.json").st_blocks >=
		    JSON_BYTES / 512);
	assert_int_equal(folder__stat(folder, "incidents/.spare/incident.json").st_size, 0);
	before = allocations;
	assert_int_equal(store__publish(store, id, 5, fd, "{\"a\": 1}", 8, &result), 0);
	assert_int_equal(allocations, before);
	assert_string_equal(id, ID);
	assert_int_equal(result.window, 0);
	assert_int_equal(result.durable, 0);
	assert_false(result.copied);
	assert_true(result.synced_ns > 0);
	folder__assert_holds(folder, INCIDENT "/incident.json", "{\"a\": 1}");
	folder__assert_holds(folder, INCIDENT "/window.trail", "chunk");
	assert_false(folder__has(folder, "incidents/.spare"));
	assert_false(folder__has(folder, INCIDENT "/report.txt"));
	/* The blocks that the JSON did not need are given back. */
	assert_true(folder__stat(folder, INCIDENT "/incident.json").st_blocks < JSON_BYTES / 512);

	/* Recording goes on in the same file, whatever becomes of the window. */
	assert_int_equal(write(fd, " goes on", 8), 8);
	assert_int_equal(store__remove_chunk(store, 5), 0);
	folder__assert_holds(folder, INCIDENT "/window.trail", "chunk goes on");
	close(fd);
}

static void test_publishes_without_having_prepared(void **state)
{
	struct folder *folder = *state;

	folder__open(folder);
	close(folder__chunk(folder, 0, "chunk"));
	folder__publish(folder, ID, 0, "{}");
	folder__assert_holds(folder, INCIDENT "/window.trail", "chunk");
}

static void test_preparing_twice_is_preparing_once(void **state)
{
	struct folder *folder = *state;
	struct store *store = folder__open(folder);
	blkcnt_t blocks;

	assert_int_equal(store__prepare(store, JSON_BYTES), 0);
	blocks = folder__stat(folder, "incidents/.spare/incident.json").st_blocks;
	assert_int_equal(store__prepare(store, JSON_BYTES), 0);
	assert_int_equal(folder__stat(folder, "incidents/.spare/incident.json").st_blocks, blocks);
	assert_int_equal(store__prepare(store, 4 * JSON_BYTES), 0);
	assert_true(folder__stat(folder, "incidents/.spare/incident.json").st_blocks > blocks);
	/* As the recorder before left it. */
	folder__close(folder);
	folder__write(folder, "incidents/.spare/incident.json", "{}");
	folder__open(folder);
	assert_int_equal(store__prepare(folder->store, JSON_BYTES), 0);
	assert_int_equal(folder__stat(folder, "incidents/.spare/incident.json").st_size, 0);
	/* Somebody tidied up. */
	remove_tree(folder__path(folder, "incidents/.spare"));
	assert_int_equal(store__prepare(folder->store, JSON_BYTES), 0);
	assert_true(folder__has(folder, "incidents/.spare/incident.json"));
}

static void test_ids_that_exist_get_a_number(void **state)
{
	struct folder *folder = *state;
	struct store *store = folder__open(folder);
	char id[STORE_ID_BYTES], expected[STORE_ID_BYTES];
	struct store_published result;

	close(folder__chunk(folder, 0, "chunk"));
	for (int i = 1; i <= 11; i++) {
		strcpy(id, ID);
		snprintf(expected, sizeof(expected), i > 1 ? ID "-%d" : ID, i);
		assert_int_equal(store__publish(store, id, 0, -1, "{}", 2, &result), 0);
		assert_string_equal(id, expected);
	}
	assert_true(folder__has(folder, "incidents/" ID "-11/window.trail"));
}

static void test_refuses_ids_that_are_no_names(void **state)
{
	static const char *const bad[] = {"", ".", "..", ".spare", "../x", "a/b", "a b", "a\nb"};
	struct folder *folder = *state;
	struct store *store = folder__open(folder);
	struct store_published result;
	char id[STORE_ID_BYTES];

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		snprintf(id, sizeof(id), "%s", bad[i]);
		assert_int_equal(store__publish(store, id, 0, -1, "{}", 2, &result), -EINVAL);
		assert_int_equal(store__remove_incident(store, id), -EINVAL);
		assert_int_equal(store__open_file(store, id, "report.txt"), -EINVAL);
		assert_int_equal(store__replace(store, id, "report.txt", "", 0), -EINVAL);
	}
	memset(id, 'a', sizeof(id));
	assert_int_equal(store__publish(store, id, 0, -1, "{}", 2, &result), -EINVAL);
	close(folder__chunk(folder, 0, "chunk"));
	folder__publish(folder, ID, 0, "{}");
	assert_int_equal(store__open_file(store, ID, "../../lock"), -EINVAL);
	assert_int_equal(store__open_file(store, ID, "none"), -ENOENT);
}

/* --- what cannot be linked -------------------------------------------------------------------- */

static void test_a_chunk_without_a_name_is_copied(void **state)
{
	static char data[40000];
	struct folder *folder = *state;
	struct store *store = folder__open(folder);
	char id[STORE_ID_BYTES] = ID;
	struct store_published result;
	int fd;

	memset(data, 'x', sizeof(data) - 1);
	fd = folder__chunk(folder, 0, data);
	assert_int_equal(store__remove_chunk(store, 0), 0);
	assert_int_equal(store__publish(store, id, 0, fd, "{}", 2, &result), 0);
	assert_int_equal(result.window, 0);
	assert_true(result.copied);
	assert_int_equal(folder__stat(folder, INCIDENT "/window.trail").st_size, strlen(data));
	close(fd);
}

static void test_another_chunk_of_that_name_is_not_taken(void **state)
{
	struct folder *folder = *state;
	struct store *store = folder__open(folder);
	char id[STORE_ID_BYTES] = ID;
	struct store_published result;
	int fd = folder__chunk(folder, 0, "mine");

	assert_int_equal(store__remove_chunk(store, 0), 0);
	folder__write(folder, "window/0000000000000000.trail", "another's");
	assert_int_equal(store__publish(store, id, 0, fd, "{}", 2, &result), 0);
	assert_true(result.copied);
	folder__assert_holds(folder, INCIDENT "/window.trail", "mine");
	close(fd);
}

static void test_a_window_that_is_gone_leaves_the_json(void **state)
{
	struct folder *folder = *state;
	struct store *store = folder__open(folder);
	char id[STORE_ID_BYTES] = ID;
	struct store_published result;

	assert_int_equal(store__publish(store, id, 0, -1, "{}", 2, &result), 0);
	assert_int_equal(result.window, -ENOENT);
	folder__assert_holds(folder, INCIDENT "/incident.json", "{}");
	assert_false(folder__has(folder, INCIDENT "/window.trail"));
}

/* Sets the attribute of chattr +i. False: this file system has none, or we may not. */
static bool set_immutable(const char *path, bool immutable)
{
	_cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	int flags;

	if (fd < 0 || ioctl(fd, FS_IOC_GETFLAGS, &flags) < 0)
		return false;
	flags = immutable ? flags | FS_IMMUTABLE_FL : flags & ~FS_IMMUTABLE_FL;
	return ioctl(fd, FS_IOC_SETFLAGS, &flags) == 0;
}

static void skip_immutable(void)
{
	print_message("the immutable attribute cannot be set below /tmp\n");
	skip();
}

static void test_a_refused_link_is_copied(void **state)
{
	struct folder *folder = *state;
	struct store *store = folder__open(folder);
	const char *chunk = folder__path(folder, "window/0000000000000000.trail");
	char id[STORE_ID_BYTES] = ID;
	struct store_published result;
	int err, fd = folder__chunk(folder, 0, "chunk");

	if (!set_immutable(chunk, true)) {
		close(fd);
		skip_immutable();
	}
	err = store__publish(store, id, 0, fd, "{}", 2, &result);
	set_immutable(chunk, false);
	close(fd);
	assert_int_equal(err, 0);
	assert_int_equal(result.window, 0);
	assert_true(result.copied);
	folder__assert_holds(folder, INCIDENT "/window.trail", "chunk");
}

static void test_a_refused_name_is_tried_again(void **state)
{
	struct folder *folder = *state;
	struct store *store = folder__open(folder);
	char id[STORE_ID_BYTES] = ID, next[STORE_ID_BYTES] = "20261121T030000Z-b-2";
	const char *incidents = folder__path(folder, "incidents");
	struct store_published result;
	int err;

	close(folder__chunk(folder, 0, "chunk"));
	assert_int_equal(store__prepare(store, JSON_BYTES), 0);
	if (!set_immutable(incidents, true))
		skip_immutable();
	err = store__publish(store, id, 0, -1, "{\"n\": 1}", 8, &result);
	if (err == -EPERM)
		err = store__publish(store, next, 0, -1, "{\"n\": 2}", 8, &result);
	set_immutable(incidents, false);
	assert_int_equal(err, -EPERM);
	assert_false(folder__has(folder, INCIDENT));

	assert_int_equal(store__prepare(store, JSON_BYTES), 0);
	assert_false(folder__has(folder, INCIDENT));
	assert_int_equal(store__publish(store, id, 0, -1, "{\"n\": 1}", 8, &result), 0);
	assert_int_equal(store__publish(store, next, 0, -1, "{\"n\": 2}", 8, &result), 0);
	assert_string_equal(id, ID);
	folder__assert_holds(folder, INCIDENT "/incident.json", "{\"n\": 1}");
	folder__assert_holds(folder, INCIDENT "/window.trail", "chunk");
	folder__assert_holds(folder, "incidents/20261121T030000Z-b-2/incident.json", "{\"n\": 2}");
}

static int name_it(void *context, int folder_fd, char id[STORE_ID_BYTES])
{
	(void)context;
	(void)folder_fd;
	strcpy(id, "20261121T010000Z-earlier-1");
	return 0;
}

static void recover(struct folder *folder, int err)
{
	size_t recovered;

	assert_int_equal(store__recover(folder->store, name_it, NULL, &recovered), err);
}

/* Two chunks, room for a small JSON, and an incident that was refused its name. */
static void refuse_one(struct folder *folder, bool window)
{
	const char *incidents;
	char id[STORE_ID_BYTES] = ID;
	struct store_published result;
	int err;

	folder__open(folder);
	recover(folder, 0);
	close(folder__chunk(folder, 0, "first"));
	close(folder__chunk(folder, 1, "second"));
	assert_int_equal(store__prepare(folder->store, 2), 0);
	incidents = folder__path(folder, "incidents");
	if (!set_immutable(incidents, true))
		skip_immutable();
	if (window)
		err = store__publish(folder->store, id, 0, -1, "{}", 2, &result);
	else
		err = store__publish_without_window(folder->store, id, "{}", 2, "text", 4, &result);
	set_immutable(incidents, false);
	assert_int_equal(err, -EPERM);
}

static void test_a_refused_incident_is_in_no_others_way(void **state)
{
	struct folder *folder = *state;
	char id[STORE_ID_BYTES] = ID;
	struct store_published result;

	refuse_one(folder, true);
	/* The folder is prepared anew, for what did not fit before. */
	assert_int_equal(store__prepare(folder->store, JSON_BYTES), 0);
	folder__assert_holds(folder, "incidents/.spare/window.trail", "first");
	folder__publish(folder, "20261121T030000Z-b-2", 1, "{}");
	folder__assert_holds(folder, "incidents/20261121T030000Z-b-2/window.trail", "second");
	assert_int_equal(store__publish(folder->store, id, 0, -1, "{}", 2, &result), 0);
	folder__assert_holds(folder, INCIDENT "/window.trail", "first");
}

static void test_a_refused_window_is_no_others(void **state)
{
	struct folder *folder = *state;
	char id[STORE_ID_BYTES] = "20261121T030000Z-b-2";
	struct store_published result;

	refuse_one(folder, true);
	assert_int_equal(
		store__publish_without_window(folder->store, id, "{}", 2, "text", 4, &result), 0);
	assert_false(folder__has(folder, "incidents/20261121T030000Z-b-2/window.trail"));
}

static void test_a_refused_report_is_no_others(void **state)
{
	struct folder *folder = *state;

	refuse_one(folder, false);
	assert_true(folder__has(folder, "incidents/.spare/report.txt"));
	folder__publish(folder, "20261121T030000Z-b-2", 1, "{}");
	assert_false(folder__has(folder, "incidents/20261121T030000Z-b-2/report.txt"));
}

static void test_a_crashs_incident_gets_its_name_when_it_can(void **state)
{
	struct folder *folder = *state;
	const char *incidents;
	int err;

	refuse_one(folder, true);
	folder__close(folder);
	folder__open(folder);
	incidents = folder__path(folder, "incidents");
	assert_true(set_immutable(incidents, true));
	recover(folder, -EPERM);
	err = store__prepare(folder->store, JSON_BYTES);
	set_immutable(incidents, false);
	assert_int_equal(err, -EPERM);
	folder__publish(folder, "20261121T030000Z-b-2", 1, "{}");
	folder__assert_holds(folder, "incidents/20261121T010000Z-earlier-1/window.trail", "first");
	folder__assert_holds(folder, "incidents/20261121T030000Z-b-2/window.trail", "second");
	folder__publish(folder, ID, 0, "{}");
}

/* --- the folder gone, the disk full ----------------------------------------------------------- */

static void test_publishes_after_the_folder_was_removed(void **state)
{
	struct folder *folder = *state;
	struct store *store = folder__open(folder);
	char id[STORE_ID_BYTES] = ID;
	struct store_published result;
	size_t before;
	int fd = folder__chunk(folder, 7, "chunk");

	assert_int_equal(store__prepare(store, JSON_BYTES), 0);
	remove_tree(folder->dir);
	before = allocations;
	assert_int_equal(store__publish(store, id, 7, fd, "{}", 2, &result), 0);
	assert_int_equal(allocations, before);
	assert_true(result.copied);
	folder__assert_holds(folder, INCIDENT "/window.trail", "chunk");
	folder__assert_holds(folder, INCIDENT "/incident.json", "{}");
	assert_true(store__is_there(store));

	remove_tree(folder->top);
	assert_int_equal(store__publish(store, id, 7, fd, "{}", 2, &result), -ENOENT);
	assert_int_equal(mkdir(folder->top, 0700), 0);
	assert_int_equal(store__publish(store, id, 7, fd, "{}", 2, &result), 0);
	close(fd);
}

static void fill_up(const struct folder *folder)
{
	static const char block[4096] = {1};
	int fd = open(folder__path(folder, "filler"), O_WRONLY | O_CREAT | O_APPEND, 0600);

	assert_true(fd >= 0);
	while (write(fd, block, sizeof(block)) > 0)
		;
	assert_int_equal(errno, ENOSPC);
	close(fd);
}

/* The store on a file system of its own of 256 KiB. */
static int small_disk__setup(void **state)
{
	struct folder *folder;

	if (folder__setup(state) < 0)
		return -1;
	folder = *state;
	if (mkdir(folder->dir, 0700) < 0)
		return -1;
	(void)!mount("oomtrail-test", folder->dir, "tmpfs", 0, "size=256k,mode=0700");
	return 0;
}

static int small_disk__teardown(void **state)
{
	struct folder *folder = *state;

	folder__close(folder);
	umount2(folder->dir, MNT_DETACH);
	return folder__teardown(state);
}

static void skip_unmounted(const struct folder *folder)
{
	struct statfs status;

	if (statfs(folder->dir, &status) == 0 && status.f_type == TMPFS_MAGIC &&
	    status.f_blocks * (uint64_t)status.f_bsize <= (256 << 10))
		return;
	print_message("mounting a tmpfs is refused\n");
	skip();
}

static void test_publishes_on_a_full_disk(void **state)
{
	static char json[JSON_BYTES];
	struct folder *folder = *state;
	char id[STORE_ID_BYTES] = ID, next[STORE_ID_BYTES] = "20261121T030000Z-b-2";
	struct store_published result;
	struct store *store;
	int fd;

	skip_unmounted(folder);
	store = folder__open(folder);
	memset(json, ' ', sizeof(json));
	fd = folder__chunk(folder, 0, "chunk");
	assert_int_equal(store__prepare(store, JSON_BYTES), 0);
	fill_up(folder);
	assert_int_equal(store__publish(store, id, 0, fd, json, JSON_BYTES, &result), 0);
	assert_int_equal(result.window, 0);
	assert_false(result.copied);
	assert_int_equal(folder__stat(folder, INCIDENT "/incident.json").st_size, JSON_BYTES);
	folder__assert_holds(folder, INCIDENT "/window.trail", "chunk");

	/* The next one has no blocks: its window is there, and the JSON can be made from it. */
	fill_up(folder);
	assert_int_equal(store__prepare(store, JSON_BYTES), -ENOSPC);
	assert_int_equal(truncate(folder__path(folder, "filler"),
				  folder__stat(folder, "filler").st_size - 4096),
			 0);
	assert_int_equal(store__publish(store, next, 0, fd, json, JSON_BYTES, &result), 0);
	assert_int_equal(result.window, 0);
	folder__assert_holds(folder, "incidents/20261121T030000Z-b-2/window.trail", "chunk");
	assert_int_equal(
		folder__stat(folder, "incidents/20261121T030000Z-b-2/incident.json").st_size, 0);

	/* Neither window nor JSON: no incident, and nothing half. */
	fill_up(folder);
	assert_int_equal(store__remove_chunk(store, 0), 0);
	assert_int_equal(store__publish(store, next, 0, fd, json, JSON_BYTES, &result), -ENOSPC);
	assert_false(folder__has(folder, "incidents/20261121T030000Z-b-2-2"));
	assert_int_equal(store__replace(store, ID, "report.txt", json, JSON_BYTES), -ENOSPC);
	assert_false(folder__has(folder, INCIDENT "/.report.txt.new"));

	/* Room again. */
	assert_int_equal(unlink(folder__path(folder, "filler")), 0);
	assert_int_equal(store__publish(store, next, 0, fd, json, JSON_BYTES, &result), 0);
	assert_string_equal(next, "20261121T030000Z-b-2-2");
	close(fd);
}

static void test_half_a_window_is_not_kept(void **state)
{
	static char data[128 << 10];
	struct folder *folder = *state;
	char id[STORE_ID_BYTES] = ID;
	struct store_published result;
	struct store *store;
	int fd;

	skip_unmounted(folder);
	store = folder__open(folder);
	memset(data, 'x', sizeof(data) - 1);
	fd = folder__chunk(folder, 0, data);
	assert_int_equal(store__prepare(store, JSON_BYTES), 0);
	assert_int_equal(store__remove_chunk(store, 0), 0); /* fd keeps its blocks */
	assert_int_equal(store__publish(store, id, 0, fd, "{}", 2, &result), 0);
	assert_int_equal(result.window, -ENOSPC);
	folder__assert_holds(folder, INCIDENT "/incident.json", "{}");
	assert_false(folder__has(folder, INCIDENT "/window.trail"));
	close(fd);
}

static void test_a_read_only_disk_is_an_error(void **state)
{
	struct folder *folder = *state;
	char id[STORE_ID_BYTES] = ID, why[256];
	struct store_published result;
	struct store_holder holder;
	struct store *store;

	skip_unmounted(folder);
	store = folder__open(folder);
	close(folder__chunk(folder, 0, "chunk"));
	folder__close(folder);
	assert_int_equal(mount(NULL, folder->dir, NULL, MS_REMOUNT | MS_RDONLY, NULL), 0);
	assert_int_equal(store__open(&store, folder->dir, &holder, why, sizeof(why)), -EROFS);
	assert_non_null(strstr(why, "Read-only"));
	assert_int_equal(mount(NULL, folder->dir, NULL, MS_REMOUNT, NULL), 0);
	store = folder__open(folder);
	assert_int_equal(store__publish(store, id, 0, -1, "{}", 2, &result), 0);
}

/* --- without a window ------------------------------------------------------------------------- */

static void test_publishes_without_a_window(void **state)
{
	struct folder *folder = *state;
	struct store *store = folder__open(folder);
	struct store_published result;
	char id[STORE_ID_BYTES] = ID;

	assert_int_equal(store__prepare(store, JSON_BYTES), 0);
	assert_int_equal(store__publish_without_window(store, id, "{}", 2, "text", 4, &result), 0);
	assert_true(result.window < 0);
	folder__assert_holds(folder, INCIDENT "/incident.json", "{}");
	folder__assert_holds(folder, INCIDENT "/report.txt", "text");
	assert_false(folder__has(folder, INCIDENT "/window.trail"));
	assert_int_equal(store__publish_without_window(store, id, "{}", 2, "text", 4, &result), 0);
	assert_string_equal(id, ID "-2");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name)  cmocka_unit_test_setup_teardown(name, folder__setup, folder__teardown)
#define SMALL(name) cmocka_unit_test_setup_teardown(name, small_disk__setup, small_disk__teardown)
		TEST(test_publishes_a_chunk),
		TEST(test_publishes_without_having_prepared),
		TEST(test_preparing_twice_is_preparing_once),
		TEST(test_ids_that_exist_get_a_number),
		TEST(test_refuses_ids_that_are_no_names),
		TEST(test_a_chunk_without_a_name_is_copied),
		TEST(test_another_chunk_of_that_name_is_not_taken),
		TEST(test_a_window_that_is_gone_leaves_the_json),
		TEST(test_a_refused_link_is_copied),
		TEST(test_a_refused_name_is_tried_again),
		TEST(test_a_refused_incident_is_in_no_others_way),
		TEST(test_a_refused_window_is_no_others),
		TEST(test_a_refused_report_is_no_others),
		TEST(test_a_crashs_incident_gets_its_name_when_it_can),
		TEST(test_publishes_after_the_folder_was_removed),
		SMALL(test_publishes_on_a_full_disk),
		SMALL(test_half_a_window_is_not_kept),
		SMALL(test_a_read_only_disk_is_an_error),
		TEST(test_publishes_without_a_window),
	};

	return cmocka_run_group_tests_name("store_publish", tests, NULL, NULL);
}
