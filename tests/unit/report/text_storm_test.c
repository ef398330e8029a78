/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/unit/report/story.h"

#include "base/cleanup.h"
#include "report/report.h"
#include "report/wording.h"

DEFINE_FREEP(model)

#define MIB_(n) ((int64_t)(n) << 20)

enum { APP = 11 };

/* /app of 256 MiB; redis (22) is killed there after 12 s. */
static struct model *one_kill(int oom_group)
{
	struct model *model = story__begin(2, FOLLOW_ALL);
	const struct process_state victim = story__state(22, "redis-server", APP, MIB_(40));
	struct event_oom_kill kill =
		story__oom(12000, victim, victim, APP, story__counters(MIB_(256), MIB_(256), 40));

	story__cgroup(model, 10, 0, "", EVENT_UNKNOWN, EVENT_NO_LIMIT);
	story__cgroup(model, APP, 10, "app", MIB_(100), MIB_(256));
	story__process(model, 22, "redis-server", APP, MIB_(40));
	story__opened(model, 1);
	kill.domain.oom_group = oom_group;
	story__tell(model, &kill);
	return model;
}

static void assert_has(const struct text *out, const char *part)
{
	if (!strstr(out->data, part))
		fail_msg("no \"%s\" in:\n%s", part, out->data);
}

static void assert_begins(const struct text *out, const char *beginning)
{
	if (strncmp(out->data, beginning, strlen(beginning)) != 0)
		fail_msg("does not begin so:\n%s\nbut so:\n%s", beginning, out->data);
}

static struct text report_of(struct model *model)
{
	struct text out = {0};

	story__end(model, 30000);
	assert_int_equal(report__text(model, &out), 0);
	return out;
}

/* In a recording that goes on a cost is told, and that nothing closed it. */
static void test_a_cost_told_on_the_way_closes_nothing(void **state)
{
	const struct event_recorder recorder = {
		.header = STORY_HEADER(RECORDER, event_recorder, 20000),
		.wall_ns = MS(20000),
		.cpu_ns = MS(4),
	};
	_cleanup_(model__freep) struct model *model = one_kill(0);
	_cleanup_(text__free) struct text out = {0};

	(void)state;
	story__tell(model, &recorder);
	assert_int_equal(model__finish(model), 0);
	assert_int_equal(report__text(model, &out), 0);
	assert_has(&out, "0.02% of one CPU over 20 s");
	assert_has(&out, "INCOMPLETE: the recording was not closed");
}

static void program(struct model *model, const char *name, uint64_t runs, uint64_t run_ns)
{
	struct event_program program = {
		.header = STORY_HEADER(PROGRAM, event_program, 13000),
		.runs = runs,
		.run_ns = run_ns,
	};

	memcpy(program.name, name, strlen(name));
	story__tell(model, &program);
}

/* The dearest four, those that never ran not at all. */
static void test_what_the_programs_cost(void **state)
{
	_cleanup_(model__freep) struct model *model = one_kill(0);
	_cleanup_(text__free) struct text out = {0};

	(void)state;
	program(model, "cheap", 1000, 1000);
	program(model, "on_rss_stat", 10000, 712500);
	program(model, "b", 10, 30000);
	program(model, "never", 0, 0);
	program(model, "a\x1b[2J", 1, 30000);
	program(model, "on_exec", 20, 60010);
	out = report_of(model);
	assert_has(
		&out,
		"\n  per event       75.6 ns over 11,031 events (bpf_stats): on_rss_stat 71.3 ns "
		"over 10,000 events,\n"
		"                  on_exec 3,001 ns over 20 events, a\\x1b[2J 30,000 ns over 1 "
		"event, b 3,000 ns over\n"
		"                  10 events\n");
}

static void kill_again(struct model *model, uint64_t ms, uint32_t pid)
{
	const struct process_state victim = story__state(pid, "again", APP, MIB_(40));
	const struct event_oom_kill kill =
		story__oom(ms, victim, victim, APP, story__counters(MIB_(256), MIB_(256), 40));

	story__tell(model, &kill);
}

static void test_a_storm_is_said_first(void **state)
{
	_cleanup_(model__freep) struct model *model = one_kill(0);
	_cleanup_(text__free) struct text out = {0};

	(void)state;
	kill_again(model, 13000, 100);
	for (uint32_t i = 1; i <= 600; i++)
		kill_again(model, 100000 + i * 1000, 100 + i);
	assert_int_equal(model__finish(model), 0);
	assert_int_equal(report__incident_text(model, 0, &out), 0);
	assert_begins(
		&out,
		"oomtrail incident 2026-11-20T22:40:12Z  /app  (kernel OOM, memory "
		"cgroup)\n\n"
		"STORM    602 kills of this cause in 11 min 28 s (on average every 1.1 s); this "
		"is the first, all of\n"
		"         them: see KILLED AS WELL\n"
		"KILLED   redis-server, pid 22: 40 MiB anon; and 1 more, see KILLED AS WELL\n");
	assert_has(
		&out,
		"\nKILLED AS WELL\n"
		"      +1.0 s  again, pid 100              another OOM kill; its exit was not "
		"seen\n"
		"  the same cause again, 600 kills:\n"
		"    +89.0 s again, pid 101   +90.0 s again, pid 102   +91.0 s again, pid 103\n");
	assert_has(&out, " again, pid 600\n  and 100 more\n\nTIMELINE\n");
	assert_has(&out, "      +1.0 s  OOM kill: again (pid 100), on its own request for memory\n"
			 "     +89.0 s  the same cause again, kill 3: again (pid 101)\n"
			 "     +96.0 s  the same cause again, kill 10: again (pid 108)\n"
			 "    +186.0 s  the same cause again, kill 100: again (pid 198)\n"
			 "\nWHAT TO DO\n");
}

/* Members of a group die together: a mean would be no interval. */
static void test_a_storm_of_a_group_has_no_interval(void **state)
{
	_cleanup_(model__freep) struct model *model = one_kill(1);
	_cleanup_(text__free) struct text out = {0};

	(void)state;
	kill_again(model, 72000, 100);
	kill_again(model, 72000, 101);
	assert_int_equal(model__finish(model), 0);
	assert_int_equal(report__incident_text(model, 0, &out), 0);
	assert_has(&out,
		   "\nSTORM    3 kills of this cause in 60 s; this is the first, all of them: see "
		   "KILLED AS WELL\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_cost_told_on_the_way_closes_nothing),
		cmocka_unit_test(test_what_the_programs_cost),
		cmocka_unit_test(test_a_storm_is_said_first),
		cmocka_unit_test(test_a_storm_of_a_group_has_no_interval),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
