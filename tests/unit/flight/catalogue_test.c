/* SPDX-License-Identifier: GPL-2.0-only */
#include <jansson.h>

#include "base/cleanup.h"
#include "flight/catalogue.h"
#include "flight/frozen.h"
#include "trail.h"

DEFINE_FREEP(frozen)

static struct catalogue catalogue_of(struct folder *folder)
{
	struct catalogue catalogue = {0};

	assert_int_equal(catalogue__read(&catalogue, folder->store), 0);
	return catalogue;
}

/* An incident that is nothing but its JSON. */
static void put_json(struct folder *folder, const char *id, const char *json)
{
	struct store_published result;
	char used[STORE_ID_BYTES];

	if (!folder->store)
		folder__open(folder);
	snprintf(used, sizeof(used), "%s", id);
	assert_int_equal(store__publish(folder->store, used, 0, -1, json, strlen(json), &result),
			 0);
	assert_string_equal(used, id);
}

static void put_kill(struct folder *folder, const char *id, const char *time, const char *cause,
		     const char *domain, const char *comm)
{
	char json[1024];

	snprintf(
		json, sizeof(json),
		"{\"schema\": \"oomtrail.incident/1\", \"id\": \"%s\", \"time\": \"%s\","
		" \"fingerprint\": \"%s\", \"domain\": {\"cgroup\": \"%s\"},"
		" \"victim\": {\"comm\": \"%s\", \"pid\": 11}, \"culprit\": {\"comm\": \"grower\"},"
		" \"killed\": [{\"t_ms\": 0, \"pid\": 11, \"comm\": \"%s\", \"class\": \"oom\"}],"
		" \"killed_omitted\": 0}",
		id, time, cause, domain, comm, comm);
	put_json(folder, id, json);
}

/* --- what is written is read ------------------------------------------------------------------ */

static void test_reads_what_the_recorder_writes(void **state)
{
	_cleanup_(catalogue__free) struct catalogue catalogue = {0};
	_cleanup_(frozen__freep) struct frozen *frozen = NULL;
	_cleanup_(trail__free) struct trail trail;
	const char *id = "20261120T224100Z-shop-server-4711";
	const struct catalogue_entry *entry;
	struct folder *folder = *state;
	char why[256];

	folder__open(folder);
	trail__begin_chunk(&trail, folder, 0);
	trail__open(&trail, 4711, "shop-server");
	trail__kill(&trail, 60900, 4711, "shop-server");
	trail__kill(&trail, 62200, 4712, "helper"); /* 1.3 s later, and two by the clock */
	trail__end(&trail, true);
	folder__publish(folder, id, 0, "{}");
	assert_int_equal(frozen__open(&frozen, folder->store, id, why, sizeof(why)), 0);
	assert_int_equal(frozen__save(frozen, folder->store, id), 0);
	catalogue = catalogue_of(folder);
	assert_int_equal(catalogue.count, 1);
	entry = &catalogue.entries[0];
	assert_string_equal(entry->id, id);
	assert_int_equal(entry->kind, CATALOGUE_OOM);
	assert_string_equal(entry->time, "2026-11-20T22:41:00Z");
	assert_string_equal(entry->fingerprint, model__incident(trail.model, 0)->fingerprint);
	assert_string_equal(entry->domain, "(unknown)/shop");
	assert_string_equal(entry->victim, "shop-server");
	assert_int_equal(entry->victim_pid, 4711);
	assert_string_equal(entry->culprit, "shop-server");
	assert_int_equal(entry->kill_count, 2);
	assert_int_equal(entry->kills_listed, 2);
	assert_string_equal(entry->kills[1].comm, "helper");
	assert_int_equal(entry->kills[1].pid, 4712);
	assert_string_equal(entry->kills[1].class, "oom");
	assert_string_equal(entry->last, "2026-11-20T22:41:02Z");
	assert_true(entry->bytes > 0);
	assert_true(entry->finished);
	assert_string_equal(entry->note, "");
}

static void test_tells_host_from_not_known(void **state)
{
	static const struct {
		const char *json;
		const char *domain;
	} cases[] = {
		{"{\"schema\": \"oomtrail.incident/1\", \"domain\": {\"cgroup\": \"/a\"}}", "/a"},
		{"{\"schema\": \"oomtrail.incident/1\", \"domain\": {}}", "the host"},
		{"{\"schema\": \"oomtrail.incident/1\"}", ""},
	};
	struct folder *folder = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		_cleanup_(catalogue__free) struct catalogue catalogue = {0};

		put_json(folder, "20261121T000000Z-a-1", cases[i].json);
		catalogue = catalogue_of(folder);
		assert_int_equal(catalogue.entries[0].kind, CATALOGUE_OOM);
		assert_string_equal(catalogue.entries[0].domain, cases[i].domain);
		assert_int_equal(store__remove_incident(folder->store, "20261121T000000Z-a-1"), 0);
	}
}

/* --- what is damaged or hostile --------------------------------------------------------------- */

static void assert_damaged(struct folder *folder, const char *words)
{
	_cleanup_(catalogue__free) struct catalogue catalogue = catalogue_of(folder);

	assert_int_equal(catalogue.count, 1);
	assert_int_equal(catalogue.entries[0].kind, CATALOGUE_DAMAGED);
	assert_string_equal(catalogue.entries[0].time, "2026-11-21T00:00:00Z");
	if (!strstr(catalogue.entries[0].note, words))
		fail_msg("'%s' lacks '%s'", catalogue.entries[0].note, words);
}

static void test_lists_what_is_damaged_as_damaged(void **state)
{
	static const struct {
		const char *json;
		const char *words;
	} cases[] = {
		{"", "is empty"},
		{"{\"schema\": \"oomtrail.inci", "is not a JSON object"},
		{"[1, 2]", "is not a JSON object"},
		{"7", "is not a JSON object"},
		{"{\"schema\": \"\\ud800\"}", "is not a JSON object"},
		{"{\"schema\": \"oomtrail.incident/2\"}", "oomtrail.incident/2"},
		{"{\"schema\": [\"oomtrail.incident/1\"]}", "does not know ('')"},
		{"{}", "does not know"},
	};
	const char *path = "incidents/20261121T000000Z-a-1/incident.json";
	struct folder *folder = *state;

	put_json(folder, "20261121T000000Z-a-1", "{}");
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		folder__write(folder, path, cases[i].json);
		assert_damaged(folder, cases[i].words);
	}
	assert_int_equal(unlink(folder__path(folder, path)), 0);
	assert_damaged(folder, "No such file");
	assert_int_equal(symlink("/etc/passwd", folder__path(folder, path)), 0);
	assert_damaged(folder, "symbolic links");
	assert_int_equal(unlink(folder__path(folder, path)), 0);
	assert_int_equal(mkfifo(folder__path(folder, path), 0600), 0);
	assert_damaged(folder, "Invalid argument");
}

static void write_repeated(struct folder *folder, const char *path, const char *begin,
			   const char *what, size_t count)
{
	FILE *file = fopen(folder__path(folder, path), "w");

	assert_non_null(file);
	fputs(begin, file);
	for (size_t i = 0; i < count; i++)
		fputs(what, file);
	fclose(file);
}

static void test_large_and_deep_json_costs_little(void **state)
{
	const char *path = "incidents/20261121T000000Z-a-1/incident.json";
	struct folder *folder = *state;

	put_json(folder, "20261121T000000Z-a-1", "{}");
	assert_int_equal(truncate(folder__path(folder, path), 100 << 20), 0);
	assert_damaged(folder, "too large (100 MiB)");
	write_repeated(folder, path, "{\"schema\": [", "[],", 2 << 20);
	assert_damaged(folder, "too many values");
	write_repeated(folder, path, "{\"schema\": ", "[", 500000);
	assert_damaged(folder, "is not a JSON object");
	write_repeated(folder, path, "", "{\"a\":", 500000);
	assert_damaged(folder, "is not a JSON object");
}

static void test_believes_no_type_and_no_number(void **state)
{
	static const char json[] =
		"{\"schema\": \"oomtrail.incident/1\", \"time\": \"9999-12-31T23:59:59Z\","
		" \"fingerprint\": \"0123456789012345678901234567890123456789\","
		" \"domain\": [], \"victim\": 5, \"culprit\": \"x\", \"killed_omitted\": -3,"
		" \"killed\": [1, {\"t_ms\": 1e300, \"pid\": -1, \"comm\": 7},"
		" {\"t_ms\": \"x\", \"time\": \"2026-11-21T00:00:05Z\", \"pid\": 3,"
		" \"comm\": \"\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
		"\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
		"\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
		"\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\"}]}";
	_cleanup_(catalogue__free) struct catalogue catalogue = {0};
	const struct catalogue_entry *entry;
	struct folder *folder = *state;

	put_json(folder, "20261121T000000Z-a-1", json);
	catalogue = catalogue_of(folder);
	entry = &catalogue.entries[0];
	assert_int_equal(entry->kind, CATALOGUE_OOM);
	assert_string_equal(entry->time, "2026-11-21T00:00:00Z"); /* of its name */
	assert_int_equal(strlen(entry->fingerprint), 31);
	assert_string_equal(entry->domain, "");
	assert_string_equal(entry->victim, "");
	assert_string_equal(entry->culprit, "");
	assert_int_equal(entry->kill_count, 3);
	assert_string_equal(entry->kills[1].time, "");
	assert_int_equal(entry->kills[1].pid, 0);
	assert_string_equal(entry->kills[2].time, "2026-11-21T00:00:05Z");
	assert_int_equal(strlen(entry->kills[2].comm), 62); /* not half a character */
}

/* --- kinds ------------------------------------------------------------------------------------ */

static void test_sessions_are_asked_for_or_unfinished(void **state)
{
	static const char json[] = "{\"schema\": \"oomtrail.session/1\"}";
	_cleanup_(catalogue__free) struct catalogue catalogue = {0};
	struct folder *folder = *state;

	put_json(folder, "20261121T000003Z-asked", json);
	put_json(folder, "20261121T000002Z-unfinished-2", json);
	put_json(folder, "20261121T000001Z-asked", "{}");
	/* However large a session is. */
	assert_int_equal(
		truncate(folder__path(folder, "incidents/20261121T000001Z-asked/incident.json"),
			 64 << 20),
		0);
	catalogue = catalogue_of(folder);
	assert_int_equal(catalogue.count, 3);
	assert_int_equal(catalogue.entries[0].kind, CATALOGUE_ASKED);
	assert_string_equal(catalogue.entries[0].time, "2026-11-21T00:00:03Z");
	assert_int_equal(catalogue.entries[1].kind, CATALOGUE_UNFINISHED);
	assert_int_equal(catalogue.entries[2].kind, CATALOGUE_ASKED);
}

static void test_an_unfinished_window_is_listed_when_nobody_writes_it(void **state)
{
	_cleanup_(catalogue__free) struct catalogue watched = {0}, left = {0}, kept = {0};
	_cleanup_(trail__free) struct trail trail;
	struct store *reading = NULL;
	struct folder *folder = *state;
	char why[256], id[STORE_ID_BYTES];

	folder__open(folder);
	trail__begin_chunk(&trail, folder, 4);
	trail__open(&trail, 4711, "shop-server");
	trail__end(&trail, false);
	watched = catalogue_of(folder);
	assert_int_equal(watched.count, 0);
	folder__close(folder);

	assert_int_equal(store__open_to_read(&reading, folder->dir, why, sizeof(why)), 0);
	assert_int_equal(catalogue__read(&left, reading), 0);
	assert_int_equal(left.count, 1);
	assert_string_equal(left.entries[0].id, CATALOGUE_WINDOW);
	assert_int_equal(left.entries[0].kind, CATALOGUE_UNFINISHED);
	assert_string_equal(left.entries[0].time, "2026-11-20T22:40:01Z");

	folder__open(folder);
	assert_int_equal(frozen__keep_unfinished(folder->store, id), 1);
	folder__close(folder);
	assert_int_equal(catalogue__read(&kept, reading), 0);
	assert_int_equal(kept.count, 1);
	assert_string_equal(kept.entries[0].id, "20261120T224001Z-unfinished");
	store__free(reading);
}

/* --- lists ------------------------------------------------------------------------------------ */

static void put_several(struct folder *folder)
{
	static const char storm[] =
		"{\"schema\": \"oomtrail.incident/1\", \"time\": \"2026-11-21T02:00:00Z\","
		" \"fingerprint\": \"aaaa\", \"domain\": {\"cgroup\": \"/shop\"},"
		" \"victim\": {\"comm\": \"server\", \"pid\": 21}, \"killed_omitted\": 1200, "
		"\"killed\": ["
		" {\"t_ms\": 0, \"pid\": 21, \"comm\": \"server\", \"class\": \"oom\"},"
		" {\"t_ms\": 0.25, \"pid\": 22, \"comm\": \"helper\", \"class\": "
		"\"oom-shared-mm\"},"
		" {\"t_ms\": 65000, \"pid\": 23, \"comm\": \"a\\nb\", \"class\": \"oom\"}]}";

	put_json(folder, "20261121T020000Z-server-21", storm);
	put_kill(folder, "20261121T010000Z-server-11", "2026-11-21T01:00:00Z", "aaaa", "/shop",
		 "server");
	put_kill(folder, "20261121T013000Z-mail-11", "2026-11-21T01:30:00Z", "bbbb",
		 "/mail\\u001b[31m", "mail");
	put_json(folder, "20261121T014500Z-asked", "{\"schema\": \"oomtrail.session/1\"}");
	put_json(folder, "20261121T000000Z-x-1", "{");
	assert_int_equal(
		store__replace(folder->store, "20261121T010000Z-server-11", "report.txt", "x", 1),
		0);
}

/* Sizes depend on the file system. */
static void set_bytes(struct catalogue *catalogue)
{
	for (size_t i = 0; i < catalogue->count; i++)
		catalogue->entries[i].bytes = 1536 << 10;
}

static void assert_text(const struct text *text, const char *expected)
{
	assert_true(text__ok(text));
	assert_string_equal(text->data, expected);
}

static void test_groups_by_cause(void **state)
{
	static const char expected[] =
		"/shop  kernel OOM: server, 1,204 kills in 2 incidents, the last "
		"2026-11-21T02:01:05Z\n"
		"  20261121T020000Z-server-21  2026-11-21T02:00:00Z  server, pid 21  1,203 kills"
		"  1.5 MiB  (its report is not written yet)\n"
		"  20261121T010000Z-server-11  2026-11-21T01:00:00Z  server, pid 11  1 kill"
		"  1.5 MiB\n"
		"\n"
		"frozen on demand\n"
		"  20261121T014500Z-asked      2026-11-21T01:45:00Z  1.5 MiB"
		"  (its report is not written yet)\n"
		"\n"
		"/mail\\x1b[31m  kernel OOM: mail, 1 kill in 1 incident, the last"
		" 2026-11-21T01:30:00Z\n"
		"  20261121T013000Z-mail-11    2026-11-21T01:30:00Z  mail, pid 11  1 kill  1.5 MiB"
		"  (its report is not written yet)\n"
		"\n"
		"damaged\n"
		"  20261121T000000Z-x-1        2026-11-21T00:00:00Z  1.5 MiB"
		"  incident.json is not a JSON object\n";
	_cleanup_(catalogue__free) struct catalogue catalogue = {0};
	_cleanup_(text__free) struct text text = {0};

	put_several(*state);
	catalogue = catalogue_of(*state);
	set_bytes(&catalogue);
	assert_int_equal(catalogue__text(&catalogue, false, &text), 0);
	assert_text(&text, expected);
}

static void test_incidents_without_a_cause_go_by_their_domain(void **state)
{
	static const char expected[] =
		"/b  kernel OOM: x, 1 kill in 1 incident, the last 2026-11-21T03:00:00Z\n"
		"  20261121T030000Z-x-11  2026-11-21T03:00:00Z  x, pid 11  1 kill  1.5 MiB"
		"  (its report is not written yet)\n"
		"\n"
		"/a  kernel OOM: y and others, 2 kills in 2 incidents, the last"
		" 2026-11-21T02:00:00Z\n"
		"  20261121T020000Z-y-11  2026-11-21T02:00:00Z  y, pid 11  1 kill  1.5 MiB"
		"  (its report is not written yet)\n"
		"  20261121T010000Z-z-11  2026-11-21T01:00:00Z  z, pid 11  1 kill  1.5 MiB"
		"  (its report is not written yet)\n";
	_cleanup_(catalogue__free) struct catalogue catalogue = {0};
	_cleanup_(text__free) struct text text = {0};

	put_kill(*state, "20261121T010000Z-z-11", "2026-11-21T01:00:00Z", "", "/a", "z");
	put_kill(*state, "20261121T020000Z-y-11", "2026-11-21T02:00:00Z", "", "/a", "y");
	put_kill(*state, "20261121T030000Z-x-11", "2026-11-21T03:00:00Z", "", "/b", "x");
	catalogue = catalogue_of(*state);
	set_bytes(&catalogue);
	assert_int_equal(catalogue__text(&catalogue, false, &text), 0);
	assert_text(&text, expected);
}

static void test_lists_every_kill_newest_first(void **state)
{
	static const char expected[] =
		"2026-11-21T02:01:05Z       23  a\\nb               OOM                "
		"20261121T020000Z-server-21\n"
		"2026-11-21T02:00:00Z       22  helper             shared its memory  "
		"20261121T020000Z-server-21\n"
		"2026-11-21T02:00:00Z       21  server             OOM                "
		"20261121T020000Z-server-21\n"
		"2026-11-21T01:30:00Z       11  mail               OOM                "
		"20261121T013000Z-mail-11\n"
		"2026-11-21T01:00:00Z       11  server             OOM                "
		"20261121T010000Z-server-11\n"
		"1,200 more kills were counted, beyond what an incident lists\n";
	_cleanup_(catalogue__free) struct catalogue catalogue = {0};
	_cleanup_(text__free) struct text text = {0};

	put_several(*state);
	catalogue = catalogue_of(*state);
	assert_int_equal(catalogue__text(&catalogue, true, &text), 0);
	assert_text(&text, expected);
}

static void test_nothing_is_nothing(void **state)
{
	_cleanup_(catalogue__free) struct catalogue catalogue = {0};
	_cleanup_(text__free) struct text text = {0};
	json_auto_t *json = NULL;
	struct folder *folder = *state;

	folder__open(folder);
	catalogue = catalogue_of(folder);
	assert_int_equal(catalogue__text(&catalogue, false, &text), 0);
	assert_int_equal(catalogue__text(&catalogue, true, &text), 0);
	assert_int_equal(text.length, 0);
	assert_int_equal(catalogue__json(&catalogue, folder->dir, &text), 0);
	json = json_loads(text.data, 0, NULL);
	assert_int_equal(json_array_size(json_object_get(json, "incidents")), 0);
	assert_true(json_is_array(json_object_get(json, "incidents")));
}

static void test_json_says_the_same(void **state)
{
	_cleanup_(catalogue__free) struct catalogue catalogue = {0};
	_cleanup_(text__free) struct text text = {0};
	const json_t *incidents, *first, *mail, *damaged;
	json_auto_t *json = NULL;
	struct folder *folder = *state;

	put_several(folder);
	catalogue = catalogue_of(folder);
	assert_int_equal(catalogue__json(&catalogue, folder->dir, &text), 0);
	json = json_loads(text.data, 0, NULL);
	assert_string_equal(json_string_value(json_object_get(json, "schema")),
			    "oomtrail.incidents/1");
	assert_string_equal(json_string_value(json_object_get(json, "dir")), folder->dir);
	incidents = json_object_get(json, "incidents");
	assert_int_equal(json_array_size(incidents), 5);
	first = json_array_get(incidents, 0);
	assert_string_equal(json_string_value(json_object_get(first, "kind")), "oom");
	assert_int_equal(json_integer_value(json_object_get(first, "kill_count")), 1203);
	assert_int_equal(json_array_size(json_object_get(first, "kills")), 3);
	assert_string_equal(json_string_value(json_object_get(
				    json_array_get(json_object_get(first, "kills"), 2), "comm")),
			    "a\nb");
	assert_true(json_is_false(json_object_get(first, "finished")));
	assert_null(json_object_get(first, "culprit"));
	mail = json_array_get(incidents, 2);
	assert_string_equal(json_string_value(json_object_get(mail, "domain")), "/mail\x1b[31m");
	assert_string_equal(json_string_value(json_object_get(mail, "culprit")), "grower");
	damaged = json_array_get(incidents, 4);
	assert_string_equal(json_string_value(json_object_get(damaged, "kind")), "damaged");
	assert_null(json_object_get(damaged, "kill_count"));
	assert_non_null(json_object_get(damaged, "note"));
}

/* --- finding ---------------------------------------------------------------------------------- */

static void test_finds_by_the_beginning(void **state)
{
	static const struct {
		const char *prefix;
		const char *id; /* NULL: none */
		size_t matches;
	} cases[] = {
		{"", "20261121T020000Z-server-21", 1},
		{"20261121T02", "20261121T020000Z-server-21", 1},
		{"20261121T01", NULL, 3},
		{"20261121T013", "20261121T013000Z-mail-11", 1},
		{"20261121T013000Z-mail-11", "20261121T013000Z-mail-11", 1},
		{"20261121T013000Z-mail-11x", NULL, 0},
		{"mail", NULL, 0},
	};
	_cleanup_(catalogue__free) struct catalogue catalogue = {0};

	put_several(*state);
	catalogue = catalogue_of(*state);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		size_t matches = 9;
		const struct catalogue_entry *entry =
			catalogue__find(&catalogue, cases[i].prefix, &matches);

		assert_int_equal(matches, cases[i].matches);
		if (cases[i].id)
			assert_string_equal(entry->id, cases[i].id);
		else
			assert_null(entry);
	}
}

static void test_an_id_is_found_beside_its_namesakes(void **state)
{
	_cleanup_(catalogue__free) struct catalogue catalogue = {0}, one = {0}, none = {0};
	struct folder *folder = *state;
	size_t matches;

	put_json(folder, "20261121T000000Z-a-1", "{}");
	put_json(folder, "20261121T000000Z-a-1-2", "{}");
	catalogue = catalogue_of(folder);
	assert_string_equal(catalogue__find(&catalogue, "20261121T000000Z-a-1", &matches)->id,
			    "20261121T000000Z-a-1");
	assert_int_equal(catalogue__read_one(&one, folder->store, "20261121T000000Z-a-1"), 0);
	assert_string_equal(one.entries[0].id, "20261121T000000Z-a-1");
	assert_int_equal(catalogue__read_one(&none, folder->store, "20261121T0"), -ENOENT);
	assert_int_equal(catalogue__read_one(&none, folder->store, "../incidents"), -EINVAL);
	assert_null(none.entries);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, folder__setup, folder__teardown)
		TEST(test_reads_what_the_recorder_writes),
		TEST(test_tells_host_from_not_known),
		TEST(test_lists_what_is_damaged_as_damaged),
		TEST(test_large_and_deep_json_costs_little),
		TEST(test_believes_no_type_and_no_number),
		TEST(test_sessions_are_asked_for_or_unfinished),
		TEST(test_an_unfinished_window_is_listed_when_nobody_writes_it),
		TEST(test_groups_by_cause),
		TEST(test_incidents_without_a_cause_go_by_their_domain),
		TEST(test_lists_every_kill_newest_first),
		TEST(test_nothing_is_nothing),
		TEST(test_json_says_the_same),
		TEST(test_finds_by_the_beginning),
		TEST(test_an_id_is_found_beside_its_namesakes),
	};

	return cmocka_run_group_tests_name("catalogue", tests, NULL, NULL);
}
