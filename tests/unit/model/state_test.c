/* SPDX-License-Identifier: GPL-2.0-only */
#include <glob.h>
#include <stdio.h>

#include "base/text.h"
#include "report/report.h"
#include "tests/replay/event_text.h"
#include "tests/unit/model/rolling.h"

/* --- a roll changes no report ----------------------------------------------------------------- */

/* All incidents, as text and as JSON. */
static char *reports_of(const struct model *model)
{
	struct text text = {0};

	for (size_t i = 0; i < model__incident_count(model); i++) {
		assert_int_equal(report__incident_text(model, i, &text), 0);
		assert_int_equal(report__incident_json(model, i, &text), 0);
	}
	assert_true(text__ok(&text));
	return text.data;
}

static size_t line_length(const char *string)
{
	return strcspn(string, "\n");
}

/* Says the first line that differs. */
static void assert_same(const char *name, const char *reports, const char *expected, size_t first,
			size_t second)
{
	const char *line = reports, *wanted = expected;
	size_t length;

	if (!strcmp(reports, expected))
		return;
	while ((length = line_length(line)) == line_length(wanted) &&
	       !memcmp(line, wanted, length) && line[length]) {
		line += length + 1;
		wanted += length + 1;
	}
	print_error("%s, rolled before %zu and %zu, says\n%.*s\ninstead of\n%.*s\n", name, first,
		    second, (int)line_length(line), line, (int)line_length(wanted), wanted);
	fail();
}

/* Up to which event no incident has been opened. */
static size_t count_before_incidents(const struct events *events)
{
	struct model *model = new_model();
	size_t count = 0;

	while (count < events->count) {
		apply(model, events->list[count]);
		if (model__incident_count(model))
			break;
		count++;
	}
	model__free(model);
	return count;
}

static void assert_same_reports(const char *name, const struct events *events, const char *expected,
				size_t first, size_t second)
{
	struct model *model = new_model();
	char *reports;

	apply_some(model, events, 0, first);
	/* Within a block there is nothing to go on from yet. */
	if (model__is_restoring(model)) {
		model__free(model);
		return;
	}
	model = go_on(model, INCIDENT_WINDOW_NS);
	apply_some(model, events, first, second);
	if (second > first && !model__is_restoring(model))
		model = go_on(model, INCIDENT_WINDOW_NS);
	apply_some(model, events, second, events->count);
	assert_int_equal(model__finish(model), 0);
	reports = reports_of(model);
	assert_same(name, reports, expected, first, second);
	free(reports);
	model__free(model);
}

static void assert_rolls_change_nothing(const char *name, const struct events *events)
{
	size_t before = count_before_incidents(events);
	struct model *whole = new_model();
	char *expected;

	apply_some(whole, events, 0, events->count);
	assert_int_equal(model__finish(whole), 0);
	expected = reports_of(whole);
	/* One roll at every place; then a second one, at every third. */
	for (size_t i = 1; expected && i <= before; i++) {
		assert_same_reports(name, events, expected, i, i);
		for (size_t j = i + 1; j <= before; j += 3)
			assert_same_reports(name, events, expected, i, j);
	}
	free(expected);
	model__free(whole);
}

static void test_a_roll_changes_no_report(void **state)
{
	glob_t cases;
	size_t with_incidents = 0;

	(void)state;
	assert_int_equal(glob("tests/replay/*.events", 0, NULL, &cases), 0);
	for (size_t i = 0; i < cases.gl_pathc; i++) {
		struct events events = {0};

		assert_int_equal(event_text__read(cases.gl_pathv[i], keep_event, &events), 0);
		with_incidents += count_before_incidents(&events) < events.count;
		assert_rolls_change_nothing(cases.gl_pathv[i], &events);
		free_events(&events);
	}
	assert_true(with_incidents >= 9);
	globfree(&cases);
}

/* --- what no recording of tests/replay has --------------------------------------------------- */

/* A story told step by step, gone on from in a new model before two of them. */
struct story {
	struct model *model;
	size_t step;
	size_t rolls[2];
	uint64_t keep_dead_ns;
};

static struct model *next(struct story *story)
{
	for (size_t i = 0; i < 2; i++) {
		uint64_t digest;

		if (story->step != story->rolls[i])
			continue;
		digest = model__digest(story->model);
		story->model = go_on(story->model, story->keep_dead_ns);
		if (story->keep_dead_ns == UINT64_MAX)
			assert_int_equal(model__digest(story->model), digest);
	}
	story->step++;
	return story->model;
}

static void tell_clock(struct model *model, uint64_t ms, int64_t offset_ns)
{
	struct event_clock event = {header(EVENT_CLOCK, sizeof(event), ms), offset_ns};

	apply(model, &event);
}

/* Everything known, each figure another. */
static void tell_stat(struct model *model, uint64_t ms, uint64_t cgroup_id)
{
	struct event_memcg_stat event = {
		header(EVENT_MEMCG_STAT, sizeof(event), ms), cgroup_id, {0}};
	int64_t bytes = M;

#define X(field, v2, v1) event.stat.field##_bytes = bytes++;
	MEMCG_STATS(X)
#undef X
	apply(model, &event);
}

static void tell_meminfo(struct model *model, uint64_t ms)
{
	struct event_meminfo event = {header(EVENT_MEMINFO, sizeof(event), ms), {0}};
	int64_t bytes = M;

#define X(field, key) event.meminfo.field##_bytes = bytes++;
	MEMINFO(X)
#undef X
	apply(model, &event);
}

static void tell_unreadable_argv(struct model *model, uint64_t ms, uint32_t pid)
{
	struct event_argv event = {header(EVENT_ARGV, sizeof(event), ms), task(pid),
				   ARGV_UNREADABLE, 0};

	apply(model, &event);
}

static void tell_gone(struct model *model, uint64_t ms, uint64_t cgroup_id)
{
	struct event_cgroup_gone event = {header(EVENT_CGROUP_GONE, sizeof(event), ms), cgroup_id};

	apply(model, &event);
}

static void tell_beginning(struct story *story)
{
	host(next(story), 1, FOLLOW_ALL, 1700000000LL * (int64_t)NS_PER_S);
	tell_oom_counter(next(story), 2, 40);
	cgroup(next(story), 3, 1, 0, "", counters(900 * M, EVENT_NO_LIMIT, 0));
	cgroup(next(story), 3, 2, 1, "pm2.service", counters(100 * M, 400 * M, 3));
	cgroup(next(story), 3, 3, 2, "inner", counters(90 * M, EVENT_NO_LIMIT, 0));
	cgroup(next(story), 3, 4, 1, "other.service", counters(90 * M, 300 * M, 0));
	process(next(story), 4, state_of(1, 0, "systemd", 1, 8 * M));
	process(next(story), 5, state_of(10, 1, "PM2 v5.3.0: God", 2, 20 * M));
	argv_of(next(story), 5, 10, "PM2 v5.3.0: God Daemon (/root/.pm2)", 36);
	process(next(story), 6, state_of(60, 1, "mover", 4, 30 * M));
	tell_loss(next(story), 7, EVENT_RSS, 5);
}

/* A shell that starts the application and leaves: the application is named through it. */
static void tell_application(struct story *story)
{
	struct process_state again = state_of(40, 1, "second", 4, M);

	again.task.start_ns += NS_PER_S;
	again.mm_id = 41;
	fork_of(next(story), 10, state_of(11, 10, "sh", 3, 2 * M));
	exec_of(next(story), 11, state_of(11, 10, "sh", 3, M), "sh\0-c\0run", 10);
	fork_of(next(story), 12, state_of(12, 11, "sh", 3, M));
	exec_of(next(story), 13, state_of(12, 11, "node", 3, M), "node\0/srv/api.js\0--x", 21);
	tell_stat(next(story), 13, 2);
	tell_meminfo(next(story), 13);
	cgroup(next(story), 13, 5, 1, "brief.scope", counters(M, M, 0));
	tell_gone(next(story), 14, 5);
	fork_of(next(story), 14, state_of(13, 12, "node", 3, 4 * M));
	fork_of(next(story), 15, state_of(14, 12, "node", 3, 4 * M));
	exit_of(next(story), 20, 11, 0);
	/* Its pid comes back, its exit was never told. */
	process(next(story), 21, state_of(40, 1, "first", 4, M));
	process(next(story), 22, again);
	tell_unreadable_argv(next(story), 22, 60);
	tell_clock(next(story), 25 * SECOND, 1700000007LL * (int64_t)NS_PER_S);
	/* More points than a series holds. */
	for (uint64_t i = 0; i < 500; i++) {
		rss(next(story), 30 * SECOND + i * 200, 12, (int64_t)(4 + i % 37 + i / 8) * M);
		memcg(next(story), 30 * SECOND + i * 200 + 1, 2,
		      counters((int64_t)(110 + i / 3) * M, 400 * M, 3 + (int64_t)i / 10));
	}
	rss(next(story), 131 * SECOND, 13, 9 * M);
}

static void tell_troubles(struct story *story)
{
	fork_of(next(story), 132 * SECOND, state_of(42, 1, "killed", 4, M));
	sigkill(next(story), 133 * SECOND, 0, 42, 1);
	reclaim(next(story), 140 * SECOND, 141 * SECOND, 12, 3, 5 * M, 20);
	reclaim(next(story), 140 * SECOND, 141 * SECOND, 99, 0, 7 * M, 30);
	attach(next(story), 142 * SECOND, 60, 3);
	rss(next(story), 142 * SECOND + 1, 60, 150 * M);
	memcg(next(story), 143 * SECOND, 2, counters(300 * M, 390 * M, 60));
	memcg(next(story), 144 * SECOND, 2, counters(301 * M, 380 * M, 61));
	fork_of(next(story), 145 * SECOND, state_of(70, 14, "brief", 3, 3 * M));
	rss(next(story), 145 * SECOND + 5, 70, 30 * M);
	sigkill(next(story), 146 * SECOND, 1, 70, 0);
	exit_of(next(story), 146 * SECOND + 1, 70, 9);
	fork_of(next(story), 147 * SECOND, state_of(71, 14, "forked", 3, 3 * M));
	exit_of(next(story), 147 * SECOND + 5, 14, 0);
	rss(next(story), 147 * SECOND + 6, 71, 40 * M);
	tell_loss(next(story), 148 * SECOND, EVENT_RSS, 9);
	tell_loss(next(story), 149 * SECOND, EVENT_FORK, 2);
	tell_psi(next(story), 149 * SECOND, 2, 1000);
	tell_oom_counter(next(story), 149 * SECOND, 40);
	fork_of(next(story), 150 * SECOND, state_of(80, 1, "kernel-killed", 4, M));
	sigkill(next(story), 150 * SECOND, 0, 80, 1);
	sigkill(next(story), 150 * SECOND + 100, 12, 12, 1);
}

static char *tell_story(struct story *story)
{
	struct memcg_counters full = counters(380 * M, 380 * M, 90);
	char *reports;

	story->model = new_model();
	tell_beginning(story);
	tell_application(story);
	tell_troubles(story);
	oom_kill(next(story), 150 * SECOND + 200, state_of(12, 11, "node", 3, 120 * M),
		 state_of(60, 1, "mover", 3, 150 * M), 2, full);
	exit_of(story->model, 151 * SECOND, 12, 9);
	tell_oom_counter(story->model, 152 * SECOND, 41);
	assert_int_equal(model__finish(story->model), 0);
	assert_int_equal(model__incident_count(story->model), 1);
	reports = reports_of(story->model);
	model__free(story->model);
	return reports;
}

/* The story holds what it is told for. */
static void assert_told(const char *reports)
{
	static const char *const expected[] = {
		"mover (pid 60) moved into /pm2.service/inner",
		"target (pid 70) sent SIGKILL by sender (pid 1)",
		"forked (pid 71) forked by node (pid 14)",
		"limit of /pm2.service changed from 390 MiB to 380 MiB",
		"reclaim begins",
		"PM2 application run",
		"1 seen; 1 counted by the kernel",
		"11 lost, 6 of them in the window before the kill",
	};

	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		if (!strstr(reports, expected[i])) {
			fputs(reports, stderr);
			print_error("no \"%s\"\n", expected[i]);
			fail();
		}
	}
}

static void assert_story_goes_on(uint64_t keep_dead_ns)
{
	struct story whole = {.rolls = {SIZE_MAX, SIZE_MAX}};
	char *expected = tell_story(&whole);

	assert_told(expected);
	for (size_t i = 1; i < whole.step; i++) {
		struct story rolled = {
			.rolls = {i, i + (whole.step - i) / 2},
			.keep_dead_ns = keep_dead_ns,
		};
		char *reports = tell_story(&rolled);

		assert_same("the story", reports, expected, rolled.rolls[0], rolled.rolls[1]);
		free(reports);
	}
	free(expected);
}

static void test_a_roll_forgets_nothing_that_a_report_tells(void **state)
{
	(void)state;
	assert_story_goes_on(INCIDENT_WINDOW_NS);
}

static void test_a_roll_that_forgets_nobody_changes_no_state(void **state)
{
	(void)state;
	assert_story_goes_on(UINT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_roll_changes_no_report),
		cmocka_unit_test(test_a_roll_forgets_nothing_that_a_report_tells),
		cmocka_unit_test(test_a_roll_that_forgets_nobody_changes_no_state),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
