/* SPDX-License-Identifier: GPL-2.0-only */
#include <sys/mount.h>

#include "base/cleanup.h"
#include "folder.h"

#define ID       "20261121T020849Z-leaker-22760"
#define INCIDENT "incidents/" ID
#define SPARE    "incidents/.spare"

/* --- after a crash ---------------------------------------------------------------------------- */

struct naming {
	const char *id; /* NULL: none can be told */
	unsigned int asked;
	bool saw_window;
};

static int name_it(void *context, int folder_fd, char id[STORE_ID_BYTES])
{
	struct naming *naming = context;

	naming->asked++;
	naming->saw_window = faccessat(folder_fd, "window.trail", F_OK, 0) == 0;
	if (!naming->id)
		return -ENOENT;
	snprintf(id, STORE_ID_BYTES, "%s", naming->id);
	return 0;
}

/* Returns how many were recovered. */
static size_t recover(struct folder *folder, struct naming *naming)
{
	size_t recovered = 9;

	folder__open(folder);
	assert_int_equal(store__recover(folder->store, name_it, naming, &recovered), 0);
	assert_false(folder__has(folder, SPARE));
	assert_false(folder__has(folder, "incidents/.gone"));
	folder__close(folder);
	return recovered;
}

/* Publishing cut off behind each of its steps, made by hand. */
static void begin_publishing(struct folder *folder, bool linked, const char *json)
{
	folder__open(folder);
	close(folder__chunk(folder, 0, "chunk"));
	assert_int_equal(store__prepare(folder->store, JSON_BYTES), 0);
	folder__close(folder);
	if (linked)
		assert_int_equal(link(folder__path(folder, "window/0000000000000000.trail"),
				      folder__path(folder, SPARE "/window.trail")),
				 0);
	if (json)
		folder__write(folder, SPARE "/incident.json", json);
}

static void test_a_spare_folder_is_no_incident(void **state)
{
	struct naming naming = {.id = ID};

	begin_publishing(*state, false, NULL);
	assert_int_equal(recover(*state, &naming), 0);
	assert_int_equal(naming.asked, 0);
}

static void test_cut_off_behind_the_link(void **state)
{
	struct naming naming = {.id = ID};

	begin_publishing(*state, true, NULL);
	assert_int_equal(recover(*state, &naming), 1);
	assert_true(naming.saw_window);
	folder__assert_holds(*state, INCIDENT "/window.trail", "chunk");
	folder__assert_holds(*state, INCIDENT "/incident.json", "");
	/* And that was that. */
	assert_int_equal(recover(*state, &naming), 0);
	assert_int_equal(naming.asked, 1);
}

static void test_cut_off_inside_the_json(void **state)
{
	struct naming naming = {.id = ID};

	begin_publishing(*state, true, "{\"id\":");
	assert_int_equal(recover(*state, &naming), 1);
	folder__assert_holds(*state, INCIDENT "/window.trail", "chunk");
}

static void test_cut_off_before_the_name(void **state)
{
	struct naming naming = {.id = ID};

	begin_publishing(*state, true, "{}");
	assert_int_equal(recover(*state, &naming), 1);
	folder__assert_holds(*state, INCIDENT "/window.trail", "chunk");
	folder__assert_holds(*state, INCIDENT "/incident.json", "{}");
}

static void test_cut_off_without_a_window(void **state)
{
	struct naming naming = {.id = ID};

	begin_publishing(*state, false, "{}");
	assert_int_equal(recover(*state, &naming), 1);
	assert_false(naming.saw_window);
	folder__assert_holds(*state, INCIDENT "/incident.json", "{}");
}

static void test_a_name_that_exists_gets_a_number(void **state)
{
	struct folder *folder = *state;
	struct naming naming = {.id = ID};

	folder__open(folder);
	close(folder__chunk(folder, 1, "first"));
	folder__publish(folder, ID, 1, "{}");
	folder__close(folder);
	begin_publishing(folder, true, "{}");
	assert_int_equal(recover(folder, &naming), 1);
	folder__assert_holds(folder, INCIDENT "/window.trail", "first");
	folder__assert_holds(folder, INCIDENT "-2/window.trail", "chunk");
}

static void test_what_has_no_name_is_discarded(void **state)
{
	static const char *const names[] = {NULL, "", ".spare", "../../escaped"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		struct naming naming = {.id = names[i]};

		begin_publishing(*state, true, "{}");
		assert_int_equal(recover(*state, &naming), 0);
		assert_int_equal(naming.asked, 1);
		assert_int_equal(unlink(folder__path(*state, "window/0000000000000000.trail")), 0);
	}
}

static void test_publishing_waits_for_recovery(void **state)
{
	struct folder *folder = *state;
	struct store_published result;
	char id[STORE_ID_BYTES] = ID;

	begin_publishing(folder, true, "{}");
	folder__open(folder);
	assert_int_equal(store__prepare(folder->store, JSON_BYTES), -EBUSY);
	assert_int_equal(store__publish(folder->store, id, 0, -1, "{}", 2, &result), -EBUSY);
	folder__assert_holds(folder, SPARE "/window.trail", "chunk");
}

static void test_half_written_and_half_removed_files_go(void **state)
{
	struct folder *folder = *state;
	struct naming naming = {.id = ID};

	folder__open(folder);
	close(folder__chunk(folder, 0, "chunk"));
	folder__publish(folder, ID, 0, "{}");
	folder__close(folder);
	folder__write(folder, INCIDENT "/.report.txt.new", "half a rep");
	assert_int_equal(mkdir(folder__path(folder, "incidents/.gone"), 0700), 0);
	folder__write(folder, "incidents/.gone/window.trail", "x");
	assert_int_equal(recover(folder, &naming), 0);
	assert_false(folder__has(folder, INCIDENT "/.report.txt.new"));
	folder__assert_holds(folder, INCIDENT "/window.trail", "chunk");
	folder__assert_holds(folder, "window/0000000000000000.trail", "chunk");
}

/* Another folder of the same file system appears at `what`, with a file in it. */
static void bind(struct folder *folder, const char *what)
{
	if (!folder__has(folder, "elsewhere"))
		assert_int_equal(mkdir(folder__path(folder, "elsewhere"), 0700), 0);
	folder__write(folder, "elsewhere/precious", "x");
	assert_int_equal(mkdir(folder__path(folder, what), 0700), 0);
	if (mount(folder__path(folder, "elsewhere"), folder__path(folder, what), NULL, MS_BIND,
		  NULL) == 0)
		return;
	print_message("mounting is refused\n");
	skip();
}

static void unbind(struct folder *folder, const char *what)
{
	assert_int_equal(umount2(folder__path(folder, what), MNT_DETACH), 0);
}

static void test_what_cannot_be_removed_keeps_nothing_from_being_recovered(void **state)
{
	const char *fresh = "window/0000000000000007.new";
	struct folder *folder = *state;
	struct naming naming = {.id = ID};
	size_t recovered = 9;
	int err;

	begin_publishing(folder, true, "{}");
	folder__write(folder, fresh, "x");
	assert_int_equal(mkdir(folder__path(folder, "incidents/.gone-b"), 0700), 0);
	bind(folder, "incidents/.gone-b/notes");
	folder__open(folder);
	err = store__recover(folder->store, name_it, &naming, &recovered);
	unbind(folder, "incidents/.gone-b/notes");
	assert_int_equal(err, -EBUSY);
	assert_int_equal(recovered, 1);
	assert_false(folder__has(folder, fresh));
	assert_true(folder__has(folder, "elsewhere/precious"));
	assert_int_equal(store__prepare(folder->store, JSON_BYTES), 0);
	folder__close(folder);
	assert_int_equal(recover(folder, &naming), 0);
	assert_false(folder__has(folder, "incidents/.gone-b"));
}

/* --- keeping and removing --------------------------------------------------------------------- */

static void publish_many(struct folder *folder, unsigned int count)
{
	static char data[64 << 10];

	memset(data, 'x', sizeof(data) - 1);
	folder__open(folder);
	for (unsigned int i = 0; i < count; i++) {
		char id[STORE_ID_BYTES];

		snprintf(id, sizeof(id), "20261121T0200%02uZ-a-%u", i, 100 - i);
		close(folder__chunk(folder, i, data));
		folder__publish(folder, id, i, "{}");
	}
}

static void assert_left(struct folder *folder, const char *const *expected, size_t count)
{
	_cleanup_(freep) char(*ids)[STORE_ID_BYTES] = NULL;
	size_t left = 0;

	assert_int_equal(store__incidents(folder->store, &ids, &left), 0);
	assert_int_equal(left, count);
	for (size_t i = 0; i < count; i++)
		assert_string_equal(ids[i], expected[i]);
}

static void test_lists_the_newest_first(void **state)
{
	static const char *const expected[] = {"20261121T020002Z-a-98", "20261121T020001Z-a-99",
					       "20261121T020000Z-a-100"};
	struct folder *folder = *state;

	publish_many(folder, 3);
	assert_int_equal(mkdir(folder__path(folder, "incidents/a b"), 0700), 0);
	assert_int_equal(symlink("20261121T020002Z-a-98",
				 folder__path(folder, "incidents/20261121T030000Z-link-1")),
			 0);
	folder__write(folder, "incidents/20261121T030000Z-file-1", "x");
	assert_int_equal(store__prepare(folder->store, JSON_BYTES), 0);
	assert_left(folder, expected, 3);
}

static void test_trims_by_count(void **state)
{
	static const char keep[][STORE_ID_BYTES] = {"20261121T020001Z-a-99"};
	static const char *const expected[] = {"20261121T020004Z-a-96", "20261121T020003Z-a-97",
					       "20261121T020001Z-a-99"};
	struct folder *folder = *state;
	size_t removed;

	publish_many(folder, 5);
	assert_int_equal(store__trim_incidents(folder->store, 5, UINT64_MAX, keep, 1, &removed), 0);
	assert_int_equal(removed, 0);
	assert_int_equal(store__trim_incidents(folder->store, 3, UINT64_MAX, keep, 1, &removed), 0);
	assert_int_equal(removed, 2);
	assert_left(folder, expected, 3);
	assert_false(folder__has(folder, "incidents/.gone"));
	folder__assert_holds(folder, "incidents/20261121T020001Z-a-99/incident.json", "{}");
	assert_int_equal(store__trim_incidents(folder->store, 0, 0, keep, 1, &removed), 0);
	assert_int_equal(removed, 2);
	assert_left(folder, expected + 2, 1);
}

static void test_trims_by_bytes(void **state)
{
	static const char *const expected[] = {"20261121T020003Z-a-97", "20261121T020002Z-a-98"};
	struct folder *folder = *state;
	uint64_t one = 0;
	size_t removed;

	publish_many(folder, 4);
	assert_int_equal(store__incident_bytes(folder->store, expected[0], &one), 0);
	assert_true(one >= (64 << 10));
	assert_true(one < (64 << 10) + 3 * 4096);
	assert_int_equal(store__trim_incidents(folder->store, 100, 2 * one + 1, NULL, 0, &removed),
			 0);
	assert_int_equal(removed, 2);
	assert_left(folder, expected, 2);
	/* The window's own chunks are another matter. */
	assert_true(folder__has(folder, "window/0000000000000000.trail"));
}

static void test_removes_one(void **state)
{
	struct folder *folder = *state;

	publish_many(folder, 1);
	assert_int_equal(store__remove_incident(folder->store, "20261121T020000Z-a-1"), -ENOENT);
	assert_int_equal(store__remove_incident(folder->store, "20261121T020000Z-a-100"), 0);
	assert_left(folder, NULL, 0);
}

static void test_removes_what_somebody_put_there(void **state)
{
	const char *id = "20261121T020000Z-a-100";
	struct folder *folder = *state;

	publish_many(folder, 1);
	folder__write(folder, "precious", "x");
	assert_int_equal(
		mkdir(folder__path(folder, "incidents/20261121T020000Z-a-100/notes"), 0700), 0);
	assert_int_equal(
		mkdir(folder__path(folder, "incidents/20261121T020000Z-a-100/notes/more"), 0700),
		0);
	folder__write(folder, "incidents/20261121T020000Z-a-100/notes/more/text", "x");
	assert_int_equal(
		symlink(folder->dir,
			folder__path(folder, "incidents/20261121T020000Z-a-100/notes/more/link")),
		0);
	assert_int_equal(store__remove_incident(folder->store, id), 0);
	assert_left(folder, NULL, 0);
	assert_false(folder__has(folder, "incidents/.gone-20261121T020000Z-a-100"));
	assert_true(folder__has(folder, "precious"));
}

static void test_one_that_cannot_be_removed_stops_no_other(void **state)
{
	static const char *const expected[] = {"20261121T020003Z-a-97"};
	const char *gone = "incidents/.gone-20261121T020000Z-a-100/notes";
	struct folder *folder = *state;
	size_t removed = 9;
	int err;

	publish_many(folder, 4);
	bind(folder, "incidents/20261121T020000Z-a-100/notes");
	err = store__trim_incidents(folder->store, 1, UINT64_MAX, NULL, 0, &removed);
	unbind(folder, gone);
	assert_int_equal(err, -EBUSY);
	assert_int_equal(removed, 2);
	assert_left(folder, expected, 1);
	assert_true(folder__has(folder, "elsewhere/precious"));
}

static void test_folders_without_end_are_left(void **state)
{
	char path[STORE_ID_BYTES + 512] = "incidents/20261121T020000Z-a-100";
	struct folder *folder = *state;

	publish_many(folder, 1);
	for (int i = 0; i < 80; i++) {
		strcat(path, "/d");
		assert_int_equal(mkdir(folder__path(folder, path), 0700), 0);
	}
	assert_int_equal(store__remove_incident(folder->store, "20261121T020000Z-a-100"),
			 -ENOTEMPTY);
	assert_left(folder, NULL, 0);
}

/* --- files of an incident --------------------------------------------------------------------- */

static void test_replaces_a_file_as_a_whole(void **state)
{
	const char *id = "20261121T020000Z-a-100";
	struct folder *folder = *state;
	char path[128];
	int fd;

	publish_many(folder, 1);
	assert_int_equal(store__replace(folder->store, id, "report.txt", "one", 3), 0);
	assert_int_equal(store__replace(folder->store, id, "report.txt", "longer", 6), 0);
	fd = store__open_file(folder->store, id, "report.txt");
	assert_int_equal(store__replace(folder->store, id, "report.txt", "", 0), 0);
	assert_int_equal(read(fd, path, sizeof(path)), 6); /* who reads keeps what was there */
	close(fd);
	folder__assert_holds(folder, "incidents/20261121T020000Z-a-100/report.txt", "");

	/* Nobody is led elsewhere. */
	assert_int_equal(
		symlink("../../lock",
			folder__path(folder, "incidents/20261121T020000Z-a-100/.report.txt.new")),
		0);
	assert_int_equal(store__replace(folder->store, id, "report.txt", "text", 4), 0);
	folder__assert_holds(folder, "incidents/20261121T020000Z-a-100/report.txt", "text");
	assert_int_equal(
		folder__stat(folder, "incidents/20261121T020000Z-a-100/report.txt").st_mode,
		S_IFREG | 0600);
}

static void test_paths_of_an_incident(void **state)
{
	const char *id = "20261121T020000Z-a-100";
	struct folder *folder = *state;
	char path[128] = "untouched";

	publish_many(folder, 2);
	assert_int_equal(store__incident_path(folder->store, "20261121T020000Z-a-1", "storm.trail",
					      path, sizeof(path)),
			 -ENOENT);
	assert_int_equal(store__incident_path(folder->store, id, "../lock", path, sizeof(path)),
			 -EINVAL);
	assert_string_equal(path, "untouched");
	assert_int_equal(store__incident_path(folder->store, id, "storm.trail", path, sizeof(path)),
			 0);
	close(open(path, O_WRONLY | O_CREAT | O_EXCL, 0600));
	assert_true(folder__has(folder, "incidents/20261121T020000Z-a-100/storm.trail"));
	assert_int_equal(store__remove_incident(folder->store, id), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, folder__setup, folder__teardown)
		TEST(test_a_spare_folder_is_no_incident),
		TEST(test_cut_off_behind_the_link),
		TEST(test_cut_off_inside_the_json),
		TEST(test_cut_off_before_the_name),
		TEST(test_cut_off_without_a_window),
		TEST(test_a_name_that_exists_gets_a_number),
		TEST(test_what_has_no_name_is_discarded),
		TEST(test_publishing_waits_for_recovery),
		TEST(test_half_written_and_half_removed_files_go),
		TEST(test_what_cannot_be_removed_keeps_nothing_from_being_recovered),
		TEST(test_lists_the_newest_first),
		TEST(test_trims_by_count),
		TEST(test_trims_by_bytes),
		TEST(test_removes_one),
		TEST(test_removes_what_somebody_put_there),
		TEST(test_one_that_cannot_be_removed_stops_no_other),
		TEST(test_folders_without_end_are_left),
		TEST(test_replaces_a_file_as_a_whole),
		TEST(test_paths_of_an_incident),
	};

	return cmocka_run_group_tests_name("store_recover", tests, NULL, NULL);
}
