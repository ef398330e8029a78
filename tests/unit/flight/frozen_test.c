/* SPDX-License-Identifier: GPL-2.0-only */
#include "base/cleanup.h"
#include "flight/frozen.h"
#include "report/report.h"
#include "trail.h"

#define KILLED_ID "20261120T224100Z-shop-server-4711"

DEFINE_FREEP(frozen)

/* Chunk 0 with one kill, a minute into it. */
static void make_window(struct folder *folder, struct trail *trail, bool closed)
{
	folder__open(folder);
	trail__begin_chunk(trail, folder, 0);
	trail__open(trail, 4711, "shop-server");
	trail__kill(trail, 60000, 4711, "shop-server");
	trail__end(trail, closed);
}

static struct frozen *open_frozen(struct folder *folder, const char *id)
{
	struct frozen *frozen = NULL;
	char why[256] = "";

	if (frozen__open(&frozen, folder->store, id, why, sizeof(why)) < 0)
		fail_msg("%s", why);
	return frozen;
}

static void assert_same_text(const struct text *a, const struct text *b)
{
	assert_true(text__ok(a) && text__ok(b));
	assert_int_equal(a->length, b->length);
	assert_memory_equal(a->data, b->data, a->length);
}

static void test_an_incident_is_what_its_window_replays_to(void **state)
{
	_cleanup_(frozen__freep) struct frozen *frozen = NULL;
	_cleanup_(text__free) struct text live = {0}, text = {0}, live_json = {0}, json = {0};
	_cleanup_(trail__free) struct trail trail;
	struct folder *folder = *state;

	make_window(folder, &trail, true);
	assert_string_equal(model__incident(trail.model, 0)->id, KILLED_ID);
	folder__publish(folder, KILLED_ID, 0, "{}");
	frozen = open_frozen(folder, KILLED_ID);
	assert_int_equal(frozen__index(frozen), 0);
	assert_true(frozen__is_whole(frozen));
	assert_false(frozen__is_growing(frozen));
	assert_false(frozen__differs(frozen));
	assert_string_equal(frozen__why_not(frozen), "");
	assert_int_equal(report__incident_text(trail.model, 0, &live), 0);
	assert_int_equal(frozen__text(frozen, &text), 0);
	assert_same_text(&text, &live);
	assert_int_equal(report__incident_json(trail.model, 0, &live_json), 0);
	assert_int_equal(frozen__json(frozen, &json), 0);
	assert_same_text(&json, &live_json);
}

static void test_the_folder_says_which_incident(void **state)
{
	static const struct {
		const char *id;
		long index;
	} cases[] = {
		{KILLED_ID, 0},
		{KILLED_ID "-2", 0},
		{"20261120T224102Z-other-4712", 1},
		{"20261120T224102Z-other-4712-17", 1},
		{"20261120T224102Z-other-4712-x", -1},
		{"20261120T224102Z-other-47", -1},
		{"20261120T224102Z-asked", -1},
	};
	_cleanup_(trail__free) struct trail trail;
	struct folder *folder = *state;
	struct event_oom_kill other;

	folder__open(folder);
	trail__begin_chunk(&trail, folder, 0);
	trail__open(&trail, 4711, "shop-server");
	trail__kill(&trail, 60000, 4711, "shop-server");
	other = trail__oom(62000, 4712, "other");
	other.domain_cgroup_id = TRAIL_CGROUP + 1;
	trail__tell(&trail, &other);
	trail__end(&trail, true);
	assert_int_equal(model__incident_count(trail.model), 2);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		_cleanup_(frozen__freep) struct frozen *frozen = NULL;

		folder__publish(folder, cases[i].id, 0, "{}");
		frozen = open_frozen(folder, cases[i].id);
		if (frozen__index(frozen) != cases[i].index)
			fail_msg("%s: %ld", cases[i].id, frozen__index(frozen));
	}
}

/* Its last event is a SIGKILL, which is judged when the stream has ended. */
static void test_what_was_asked_for_is_a_session(void **state)
{
	const struct event_signal signal = {
		.header = trail__header(EVENT_SIGNAL, sizeof(signal), 70000),
		.sender = {.pid = 1, .tid = 1},
		.target = {.pid = 4712, .tid = 4712, .start_ns = 1},
		.signal = 9,
		.flags = 1,
	};
	_cleanup_(frozen__freep) struct frozen *frozen = NULL;
	_cleanup_(text__free) struct text live = {0}, text = {0};
	_cleanup_(trail__free) struct trail trail;
	struct folder *folder = *state;

	folder__open(folder);
	trail__begin_chunk(&trail, folder, 0);
	trail__open(&trail, 4711, "shop-server");
	trail__tell(&trail, &signal);
	trail__end(&trail, true);
	folder__publish(folder, "20261120T224130Z-asked", 0, "{}");
	frozen = open_frozen(folder, "20261120T224130Z-asked");
	assert_int_equal(model__kill_count(frozen__model(frozen)), 1);
	assert_int_equal(report__text(trail.model, &live), 0);
	assert_int_equal(frozen__text(frozen, &text), 0);
	assert_same_text(&text, &live);
}

/* --- storms ----------------------------------------------------------------------------------- */

/* A later kill every ten seconds, in a cgroup made anew whose name is not told, with a host and a
 * digest that are not the window's. */
static void make_storm(struct folder *folder, unsigned int kills)
{
	const struct event_host host = trail__host("another", 5);
	_cleanup_(trail__free) struct trail storm;
	char path[128];

	assert_int_equal(
		store__incident_path(folder->store, KILLED_ID, "storm.trail", path, sizeof(path)),
		0);
	trail__begin(&storm, path);
	trail__tell(&storm, &host);
	for (unsigned int i = 0; i < kills; i++) {
		struct event_oom_kill kill = trail__oom(90000 + 10000 * i, 5000 + i, "shop-server");

		kill.domain_cgroup_id = kill.victim.cgroup_id = TRAIL_CGROUP + 1;
		trail__tell(&storm, &kill);
	}
	trail__end(&storm, true);
}

static void test_a_storm_is_told_behind_the_window(void **state)
{
	const struct event_clock clock = {
		.header = trail__header(EVENT_CLOCK, sizeof(clock), 65000),
		.realtime_offset_ns = TRAIL_REALTIME_NS + NS_PER_S,
	};
	_cleanup_(frozen__freep) struct frozen *frozen = NULL;
	_cleanup_(trail__free) struct trail trail;
	const struct incident *incident;
	struct folder *folder = *state;

	folder__open(folder);
	trail__begin_chunk(&trail, folder, 0);
	trail__open(&trail, 4711, "shop-server");
	trail__kill(&trail, 60000, 4711, "shop-server");
	trail__tell(&trail, &clock);
	trail__end(&trail, true);
	folder__publish(folder, KILLED_ID, 0, "{}");
	make_storm(folder, 3);
	frozen = open_frozen(folder, KILLED_ID);
	assert_int_equal(frozen__index(frozen), 0);
	assert_true(frozen__is_whole(frozen));
	assert_false(frozen__differs(frozen));
	assert_string_equal(model__host(frozen__model(frozen))->name, "web-1");
	assert_int_equal(model__incident_count(frozen__model(frozen)), 1);
	incident = model__incident(frozen__model(frozen), 0);
	assert_int_equal(incident->kill_count, 4);
	assert_int_equal(incident->storm.count, 4);
	assert_int_equal(incident->storm.last_ns, 110000 * NS_PER_MS);
	/* The clock of the storm's own beginning was set since. */
	assert_int_equal(model__realtime_ns(frozen__model(frozen), 110000 * NS_PER_MS),
			 TRAIL_REALTIME_NS + 111 * (int64_t)NS_PER_S);
}

static void test_a_storm_may_be_cut_off_or_damaged(void **state)
{
	_cleanup_(trail__free) struct trail trail;
	struct folder *folder = *state;
	const char *path;

	make_window(folder, &trail, true);
	folder__publish(folder, KILLED_ID, 0, "{}");
	make_storm(folder, 3);
	path = folder__path(folder, "incidents/" KILLED_ID "/storm.trail");
	for (off_t length = folder__stat(folder, "incidents/" KILLED_ID "/storm.trail").st_size - 1;
	     length >= 0; length -= 37) {
		_cleanup_(frozen__freep) struct frozen *frozen = NULL;

		assert_int_equal(truncate(path, length), 0);
		frozen = open_frozen(folder, KILLED_ID);
		assert_int_equal(frozen__index(frozen), 0);
		if (!frozen__is_whole(frozen))
			assert_non_null(strstr(frozen__why_not(frozen), "storm.trail"));
	}
	folder__write(folder, "incidents/" KILLED_ID "/storm.trail", "this is no recording at all");
	{
		_cleanup_(frozen__freep) struct frozen *frozen = open_frozen(folder, KILLED_ID);

		assert_false(frozen__is_whole(frozen));
		assert_non_null(strstr(frozen__why_not(frozen), "not a recording"));
		assert_int_equal(model__incident(frozen__model(frozen), 0)->kill_count, 1);
	}
}

/* --- what is not as it should be -------------------------------------------------------------- */

static void assert_refused(struct folder *folder, const char *id, int err, const char *words)
{
	struct frozen *frozen = NULL;
	char why[256] = "";

	assert_int_equal(frozen__open(&frozen, folder->store, id, why, sizeof(why)), err);
	assert_null(frozen);
	if (!strstr(why, words))
		fail_msg("'%s' lacks '%s'", why, words);
}

static void test_refuses_what_is_no_window(void **state)
{
	const char *window = "incidents/" KILLED_ID "/window.trail";
	struct folder *folder = *state;
	struct store_published result;
	char id[STORE_ID_BYTES] = KILLED_ID;

	folder__open(folder);
	assert_refused(folder, KILLED_ID, -ENOENT, KILLED_ID " has no window");
	assert_refused(folder, "../window", -EINVAL, "cannot be opened");
	assert_int_equal(
		store__publish_without_window(folder->store, id, "{}", 2, "text", 4, &result), 0);
	assert_refused(folder, KILLED_ID, -ENOENT, "has no window");
	assert_int_equal(symlink("/etc/passwd", folder__path(folder, window)), 0);
	assert_refused(folder, KILLED_ID, -ELOOP, "cannot be opened");
	assert_int_equal(unlink(folder__path(folder, window)), 0);
	assert_int_equal(mkfifo(folder__path(folder, window), 0600), 0);
	assert_refused(folder, KILLED_ID, -EINVAL, "cannot be opened");
	assert_int_equal(unlink(folder__path(folder, window)), 0);
	folder__write(folder, window, "");
	assert_refused(folder, KILLED_ID, -EINVAL, "shorter than the header");
}

static void test_a_window_that_was_not_closed(void **state)
{
	struct frozen *frozen = NULL;
	_cleanup_(trail__free) struct trail trail;
	struct folder *folder = *state;
	struct store *reading = NULL;
	char why[256];

	make_window(folder, &trail, false);
	folder__publish(folder, KILLED_ID, 0, "{}");
	frozen = open_frozen(folder, KILLED_ID);
	assert_int_equal(frozen__index(frozen), 0);
	assert_false(frozen__is_whole(frozen));
	assert_true(frozen__is_growing(frozen)); /* the lock is held, and it is the newest chunk */
	assert_non_null(strstr(frozen__why_not(frozen), "was not closed"));
	frozen__free(frozen);
	assert_int_equal(frozen__open_chunk(&frozen, folder->store, 0, why, sizeof(why)), 0);
	assert_true(frozen__is_growing(frozen));
	frozen__free(frozen);

	close(folder__chunk(folder, 1, "a newer chunk"));
	frozen = open_frozen(folder, KILLED_ID);
	assert_false(frozen__is_growing(frozen));
	frozen__free(frozen);
	assert_int_equal(store__remove_chunk(folder->store, 1), 0);
	folder__close(folder);
	assert_int_equal(store__open_to_read(&reading, folder->dir, why, sizeof(why)), 0);
	assert_int_equal(frozen__open(&frozen, reading, KILLED_ID, why, sizeof(why)), 0);
	assert_false(frozen__is_growing(frozen)); /* nobody is there to write it */
	assert_false(frozen__is_whole(frozen));
	frozen__free(frozen);
	store__free(reading);
}

static void test_a_digest_that_does_not_agree_is_told(void **state)
{
	struct event_digest digest = {.header = trail__header(EVENT_DIGEST, sizeof(digest), 61000),
				      .digest = 1};
	_cleanup_(frozen__freep) struct frozen *frozen = NULL;
	_cleanup_(trail__free) struct trail trail;
	struct folder *folder = *state;

	folder__open(folder);
	trail__begin_chunk(&trail, folder, 0);
	trail__open(&trail, 4711, "shop-server");
	trail__kill(&trail, 60000, 4711, "shop-server");
	trail__tell(&trail, &digest);
	trail__end(&trail, true);
	folder__publish(folder, KILLED_ID, 0, "{}");
	frozen = open_frozen(folder, KILLED_ID);
	assert_true(frozen__differs(frozen));
}

/* --- phase two -------------------------------------------------------------------------------- */

static void assert_file_is(struct folder *folder, const char *name, const struct text *expected)
{
	_cleanup_(freep) char *bytes = malloc(expected->length + 1);
	_cleanup_(closep) int fd = store__open_file(folder->store, KILLED_ID, name);

	assert_true(fd >= 0);
	assert_int_equal(read(fd, bytes, expected->length + 1), expected->length);
	assert_memory_equal(bytes, expected->data, expected->length);
}

static void test_saving_makes_both_reports(void **state)
{
	_cleanup_(frozen__freep) struct frozen *frozen = NULL;
	_cleanup_(text__free) struct text text = {0}, json = {0};
	_cleanup_(trail__free) struct trail trail;
	struct folder *folder = *state;

	make_window(folder, &trail, true);
	folder__publish(folder, KILLED_ID, 0, "half a JS");
	frozen = open_frozen(folder, KILLED_ID);
	assert_int_equal(report__incident_text(trail.model, 0, &text), 0);
	assert_int_equal(report__incident_json(trail.model, 0, &json), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(frozen__save(frozen, folder->store, KILLED_ID), 0);
		assert_file_is(folder, "report.txt", &text);
		assert_file_is(folder, "incident.json", &json);
	}
	assert_int_equal(frozen__save(frozen, folder->store, "20261120T224100Z-none-1"), -ENOENT);
}

/* --- after a crash ---------------------------------------------------------------------------- */

static void test_an_unfinished_window_is_kept_once(void **state)
{
	_cleanup_(frozen__freep) struct frozen *frozen = NULL;
	_cleanup_(trail__free) struct trail trail;
	struct folder *folder = *state;
	char id[STORE_ID_BYTES] = "";

	make_window(folder, &trail, false);
	assert_int_equal(frozen__keep_unfinished(folder->store, id), 1);
	assert_string_equal(id, "20261120T224100Z-unfinished");
	assert_int_equal(frozen__keep_unfinished(folder->store, id), 0);
	frozen = open_frozen(folder, id);
	assert_int_equal(frozen__index(frozen), -1);
	assert_int_equal(frozen__save(frozen, folder->store, id), 0);
	assert_true(folder__has(folder, "incidents/20261120T224100Z-unfinished/report.txt"));
}

static void test_the_blocks_of_an_unfinished_window_are_given_back(void **state)
{
	_cleanup_(trail__free) struct trail trail;
	struct folder *folder = *state;
	char id[STORE_ID_BYTES] = "", path[64];
	int fd;

	make_window(folder, &trail, false);
	store__chunk_path(folder->store, 0, path, sizeof(path));
	fd = open(path, O_WRONLY);
	if (fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 4 << 20) < 0) {
		close(fd);
		print_message("this file system cannot preallocate\n");
		skip();
	}
	close(fd);
	assert_true(folder__stat(folder, "window/0000000000000000.trail").st_blocks > 8000);
	assert_int_equal(frozen__keep_unfinished(folder->store, id), 1);
	assert_true(folder__stat(folder, "window/0000000000000000.trail").st_blocks < 100);
}

static void test_nothing_is_kept_of_what_was_finished(void **state)
{
	struct folder *folder = *state;
	struct trail trail;
	char id[STORE_ID_BYTES] = "untouched";

	folder__open(folder);
	assert_int_equal(frozen__keep_unfinished(folder->store, id), 0);
	folder__close(folder);
	make_window(folder, &trail, true);
	trail__free(&trail);
	assert_int_equal(frozen__keep_unfinished(folder->store, id), 0);
	close(folder__chunk(folder, 2, ""));
	assert_int_equal(frozen__keep_unfinished(folder->store, id), 0);
	close(folder__chunk(folder, 3, "something that is no recording, of some length"));
	assert_int_equal(frozen__keep_unfinished(folder->store, id), 0);
	assert_string_equal(id, "untouched");
}

static void leave_empty(struct folder *folder, uint64_t number)
{
	_cleanup_(trail__free) struct trail trail;

	trail__begin_chunk(&trail, folder, number);
	trail__end(&trail, false);
}

/* Killed before the first block. What the run before left is unfinished all the same. */
static void test_chunks_without_events_are_passed_over(void **state)
{
	_cleanup_(trail__free) struct trail trail;
	struct folder *folder = *state;
	struct store *reading = NULL;
	char id[STORE_ID_BYTES] = "untouched", why[256];
	uint64_t number = 9;

	folder__open(folder);
	assert_int_equal(frozen__window(folder->store, &number), -ENOENT);
	leave_empty(folder, 0);
	assert_int_equal(frozen__keep_unfinished(folder->store, id), 0);
	assert_string_equal(id, "untouched");
	assert_int_equal(store__remove_chunk(folder->store, 0), 0);
	folder__close(folder);

	make_window(folder, &trail, false);
	leave_empty(folder, 1);
	leave_empty(folder, 2);
	close(folder__chunk(folder, 3, "")); /* not even its header */
	assert_int_equal(frozen__window(folder->store, &number), 0);
	assert_int_equal(number, 3); /* a recorder writes it */
	folder__close(folder);
	assert_int_equal(store__open_to_read(&reading, folder->dir, why, sizeof(why)), 0);
	assert_int_equal(frozen__window(reading, &number), 0);
	assert_int_equal(number, 0);
	store__free(reading);

	folder__open(folder);
	assert_int_equal(frozen__keep_unfinished(folder->store, id), 1);
	assert_string_equal(id, "20261120T224100Z-unfinished");
	assert_int_equal(
		folder__stat(folder, "incidents/20261120T224100Z-unfinished/window.trail").st_ino,
		folder__stat(folder, "window/0000000000000000.trail").st_ino);
	assert_int_equal(frozen__keep_unfinished(folder->store, id), 0);
}

static void test_only_the_newest_chunk_is_unfinished(void **state)
{
	_cleanup_(trail__free) struct trail trail;
	struct trail next;
	struct folder *folder = *state;
	char id[STORE_ID_BYTES] = "";

	make_window(folder, &trail, false);
	trail__begin_chunk(&next, folder, 1);
	trail__open(&next, 1, "a");
	trail__end(&next, true);
	trail__free(&next);
	assert_int_equal(frozen__keep_unfinished(folder->store, id), 0);
	assert_int_equal(store__remove_chunk(folder->store, 1), 0);
	assert_int_equal(frozen__keep_unfinished(folder->store, id), 1);
}

/* --- names ------------------------------------------------------------------------------------ */

static int id_of_spare(struct folder *folder, const char *json, bool window,
		       char id[STORE_ID_BYTES])
{
	_cleanup_(closep) int fd = -1;

	assert_int_equal(mkdir(folder__path(folder, "spare"), 0700), 0);
	if (json)
		folder__write(folder, "spare/incident.json", json);
	if (window)
		assert_int_equal(link(folder__path(folder, "window/0000000000000000.trail"),
				      folder__path(folder, "spare/window.trail")),
				 0);
	fd = open(folder__path(folder, "spare"), O_RDONLY | O_DIRECTORY);
	return frozen__id_of(NULL, fd, id);
}

static void test_names_what_a_crash_left(void **state)
{
	static const struct {
		const char *json;
		bool window;
		const char *id; /* NULL: cannot be told */
	} cases[] = {
		{"{\"id\": \"20261121T000000Z-a-1\"}", true, "20261121T000000Z-a-1"},
		{"{\"id\": \"20261121T000000Z-a-1\"}", false, "20261121T000000Z-a-1"},
		{"{\"id\": \"../../escaped\"}", true, KILLED_ID},
		{"{\"id\": \"../../escaped\"}", false, NULL},
		{"{\"id\": 5}", true, KILLED_ID},
		{"{\"id\": \"20261121T00", true, KILLED_ID},
		{"", true, KILLED_ID},
		{NULL, true, KILLED_ID},
		{NULL, false, NULL},
		{"{\"schema\": \"oomtrail.session/1\"}", true, "20261120T224100Z-asked"},
		{"{\"schema\": \"oomtrail.session/1\"}", false, NULL},
		{"{\"schema\": \"oomtrail.session/1\", \"id\": \"20261121T000000Z-a-1\"}", true,
		 "20261120T224100Z-asked"},
	};
	_cleanup_(trail__free) struct trail trail;
	struct folder *folder = *state;

	make_window(folder, &trail, false);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char id[STORE_ID_BYTES] = "";
		int err = id_of_spare(folder, cases[i].json, cases[i].window, id);

		if ((err < 0) != !cases[i].id || (err == 0 && strcmp(id, cases[i].id) != 0))
			fail_msg("case %zu: %d '%s'", i, err, id);
		remove_tree(folder__path(folder, "spare"));
	}
}

/* A demand while the incident's window went on: torn, it is not the incident once more. */
static void test_names_no_incident_twice(void **state)
{
	_cleanup_(trail__free) struct trail trail;
	struct folder *folder = *state;
	char id[STORE_ID_BYTES] = "";

	make_window(folder, &trail, false);
	assert_int_equal(mkdir(folder__path(folder, KILLED_ID), 0700), 0);
	assert_int_equal(id_of_spare(folder, "{\"schema\": \"oomtr", true, id), 0);
	assert_string_equal(id, "20261120T224100Z-asked");
}

static void test_tells_kinds_by_name(void **state)
{
	(void)state;
	assert_true(frozen__is_called("20261120T224100Z-unfinished", "unfinished"));
	assert_true(frozen__is_called("20261120T224100Z-unfinished-12", "unfinished"));
	assert_true(frozen__is_called("unknown-asked", "asked"));
	assert_false(frozen__is_called("20261120T224100Z-unfinished-", "unfinished"));
	assert_false(frozen__is_called("20261120T224100Z-unfinished2", "unfinished"));
	assert_false(frozen__is_called("20261120T224100Z-unfinished-a-1", "unfinished"));
	assert_false(frozen__is_called("20261120T224100Z-x-unfinished", "unfinished"));
	assert_false(frozen__is_called("unfinished", "unfinished"));
	assert_false(frozen__is_called("", "asked"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, folder__setup, folder__teardown)
		TEST(test_an_incident_is_what_its_window_replays_to),
		TEST(test_the_folder_says_which_incident),
		TEST(test_what_was_asked_for_is_a_session),
		TEST(test_a_storm_is_told_behind_the_window),
		TEST(test_a_storm_may_be_cut_off_or_damaged),
		TEST(test_refuses_what_is_no_window),
		TEST(test_a_window_that_was_not_closed),
		TEST(test_a_digest_that_does_not_agree_is_told),
		TEST(test_saving_makes_both_reports),
		TEST(test_an_unfinished_window_is_kept_once),
		TEST(test_the_blocks_of_an_unfinished_window_are_given_back),
		TEST(test_nothing_is_kept_of_what_was_finished),
		TEST(test_chunks_without_events_are_passed_over),
		TEST(test_only_the_newest_chunk_is_unfinished),
		TEST(test_names_what_a_crash_left),
		TEST(test_names_no_incident_twice),
		TEST(test_tells_kinds_by_name),
	};

	return cmocka_run_group_tests_name("frozen", tests, NULL, NULL);
}
