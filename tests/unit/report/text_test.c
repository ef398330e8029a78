/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/unit/report/story.h"

#include "base/cleanup.h"
#include "report/report.h"
#include "report/wording.h"

DEFINE_FREEP(model)

#define MIB_(n) ((int64_t)(n) << 20)

enum { TOP = 10, APP = 11, WORKER = 12 };

/* /app of 256 MiB with /app/worker below it; importer (21) grows, redis (22) does not, nginx (23)
 * asks. */
static struct model *three_roles(uint32_t cgroup_version, enum follow_scope scope)
{
	struct model *model = story__begin(cgroup_version, scope);

	story__cgroup(model, TOP, 0, "", EVENT_UNKNOWN, EVENT_NO_LIMIT);
	story__cgroup(model, APP, TOP, "app", MIB_(100), MIB_(256));
	story__cgroup(model, WORKER, APP, "worker", MIB_(40), EVENT_NO_LIMIT);
	story__process(model, 21, "importer", APP, MIB_(30));
	story__argv(model, 21, "importer\0--all", 15);
	story__process(model, 22, "redis-server", WORKER, MIB_(40));
	story__process(model, 23, "nginx", APP, MIB_(20));
	story__opened(model, 1);
	for (int i = 1; i <= 10; i++) {
		story__rss(model, (uint64_t)i * 1000, 21, APP, MIB_(30 + 15 * i));
		story__usage(model, (uint64_t)i * 1000, APP,
			     story__counters(MIB_(100 + 15 * i), MIB_(256), i));
	}
	return model;
}

static struct event_oom_kill three_roles_kill(void)
{
	return story__oom(12000, story__state(22, "redis-server", WORKER, MIB_(40)),
			  story__state(23, "nginx", APP, MIB_(20)), APP,
			  story__counters(MIB_(256), MIB_(256), 40));
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

static void test_roles_are_told_apart(void **state)
{
	_cleanup_(model__freep) struct model *model = three_roles(2, FOLLOW_ALL);
	const struct event_oom_kill kill = three_roles_kill();
	_cleanup_(text__free) struct text out = {0};

	(void)state;
	story__tell(model, &kill);
	story__exit(model, 12100, 22, "redis-server", 9);
	out = report_of(model);
	assert_begins(
		&out,
		"oomtrail incident 2026-11-20T22:40:12Z  /app/worker  (kernel OOM, memory cgroup)\n"
		"\n"
		"KILLED   redis-server, pid 22: 40 MiB anon\n"
		"         (command line unknown)\n"
		"LIMIT    256 MiB, memory.max of /app: full (256 MiB in use), hit 40 times in 12 "
		"s; "
		"the victim ran\n"
		"         below it, in /app/worker\n"
		"ASKED    nginx, pid 23: for one page (4.0 KiB, gfp 0xcc0); it did not grow in "
		"12 s\n"
		"GREW     importer, pid 21: +150 MiB in 12 s (13 MiB/s), 96% of the cgroup's "
		"growth "
		"(+156 MiB)\n"
		"         importer --all\n"
		"VERDICT  collateral victim: the victim did not grow; importer, pid 21, rose by "
		"135 MiB in "
		"11 s\n"
		"         (12 MiB/s), steady; it had begun 12 s before the kill and rose all the "
		"time, as a leak from\n"
		"         its first moment on would (limit too small from the start); see WHAT TO "
		"DO\n"
		"\n");
	assert_has(&out, "= limit\n");
	assert_has(&out, "o importer, pid 21: grew most");
	assert_has(&out, "# redis-server, pid 22: was killed (X)");
	assert_has(&out, "\n  importer, pid 21 (grew most) ");
	assert_has(&out, "\n  nginx, pid 23 (asked) ");
	assert_has(&out, "  the cgroup's memory.stat was not read\n");
	assert_has(&out,
		   "  looking since   2026-11-20T22:40:00Z, 12 s before the kill: growth is judged "
		   "over those 12 s, not\n                  over 90 s\n");
	assert_has(&out, "  events          32, on average 1.1 a second; 0 lost; 0 came late\n"
			 "  recorder        oomtrail 0.1.0; at most 11 MiB resident, 4.0 MiB in "
			 "the kernel; 0.10% of one "
			 "CPU\n"
			 "                  over 30 s (and 290 ms of CPU time to start)\n");
	assert_null(strstr(out.data, "per event")); /* nobody measured */
	assert_null(strstr(out.data, "STORM"));
	assert_has(&out, "\noomtrail session 2026-11-20T22:40:00Z  web-1  (30 s, 3 processes, ");
}

static void test_one_process_in_all_roles_is_said_once(void **state)
{
	_cleanup_(model__freep) struct model *model = three_roles(2, FOLLOW_ALL);
	struct event_oom_kill kill = three_roles_kill();
	_cleanup_(text__free) struct text out = {0};

	(void)state;
	kill.victim = story__state(21, "importer", APP, MIB_(180));
	kill.trigger = kill.victim;
	story__tell(model, &kill);
	out = report_of(model);
	assert_has(&out, "\nKILLED   importer, pid 21: 180 MiB anon\n         importer --all\n");
	assert_has(&out, "in 12 s; it is the\n         victim's own cgroup\n");
	assert_has(&out, "\nASKED    importer, pid 21, the victim itself: for one page (");
	assert_has(&out, "\nGREW     importer, pid 21, the victim itself: +150 MiB in 12 s (");
	assert_has(&out, "# importer, pid 21: grew most and was killed (X)");
	assert_null(strstr(out.data, "who grew"));
}

static void test_growth_beyond_the_cgroups_own_has_another_base(void **state)
{
	_cleanup_(model__freep) struct model *model = three_roles(2, FOLLOW_ALL);
	struct event_oom_kill kill = three_roles_kill();
	_cleanup_(text__free) struct text out = {0};

	(void)state;
	kill.domain = story__counters(MIB_(200), MIB_(256), 40);
	story__tell(model, &kill);
	out = report_of(model);
	assert_has(&out, "100% of the growth of the cgroup's processes\n         (+150 MiB); the "
			 "cgroup's usage changed by +100 MiB\n");
}

static void test_version_1_names_its_own_files(void **state)
{
	_cleanup_(model__freep) struct model *model = three_roles(1, FOLLOW_ALL);
	const struct event_oom_kill kill = three_roles_kill();
	_cleanup_(text__free) struct text out = {0};

	(void)state;
	story__tell(model, &kill);
	out = report_of(model);
	assert_has(&out, "\nLIMIT    256 MiB, memory.limit_in_bytes of /app: full (");
}

static void test_version_1_memory_plus_swap(void **state)
{
	_cleanup_(model__freep) struct model *model = three_roles(1, FOLLOW_ALL);
	struct event_oom_kill kill = three_roles_kill();
	_cleanup_(text__free) struct text out = {0};

	(void)state;
	kill.domain.usage_bytes = MIB_(200);
	kill.domain.swap_usage_bytes = MIB_(300);
	kill.domain.swap_max_bytes = MIB_(300);
	story__tell(model, &kill);
	out = report_of(model);
	assert_has(&out, "\nLIMIT    300 MiB of memory plus swap, memory.memsw.limit_in_bytes of "
			 "/app: full (300 MiB in use)");
}

static void test_the_host_is_no_cgroup(void **state)
{
	_cleanup_(model__freep) struct model *model = three_roles(2, FOLLOW_ALL);
	struct event_oom_kill kill = three_roles_kill();
	_cleanup_(text__free) struct text out = {0};

	(void)state;
	kill.domain_cgroup_id = 0;
	kill.constraint = OOM_CONSTRAINT_NONE;
	kill.order = 2;
	story__tell(model, &kill);
	out = report_of(model);
	assert_has(&out, "  (kernel OOM, whole host)\n");
	assert_has(&out, "\nLIMIT    the whole host: 8.00 GiB of memory, 1.00 GiB of swap; no "
			 "cgroup's limit\n");
	assert_has(&out, "nginx, pid 23: for 4 contiguous pages (order 2, 16 KiB, gfp 0xcc0)");
}

static void test_a_missing_context_is_said(void **state)
{
	_cleanup_(model__freep) struct model *model = three_roles(2, FOLLOW_ALL);
	struct event_oom_kill kill = three_roles_kill();
	const struct event_probe probe = {
		.header = STORY_HEADER(PROBE, event_probe, 11000),
		.capability = "OOM context",
		.why = "fentry: EPERM",
	};
	_cleanup_(text__free) struct text out = {0};

	(void)state;
	kill.domain_cgroup_id = 0;
	kill.constraint = OOM_CONSTRAINT_UNKNOWN;
	kill.way = OOM_WAY_NONE;
	kill.order = -1;
	story__tell(model, &probe);
	story__tell(model, &kill);
	out = report_of(model);
	assert_has(&out, "  (kernel OOM, limit not determined)\n");
	assert_has(&out, "\nLIMIT    not determined: whether a cgroup or the whole host was full "
			 "could not be read; fentry:\n         EPERM; the victim ran in "
			 "/app/worker\n");
	assert_has(&out, "nginx, pid 23: for how much is not known");
	assert_has(&out, "\n  OOM context     not determined\n");
	assert_has(&out, "OOM context: none, this is missing; fentry: EPERM\n");
}

static void test_a_kill_by_hand_reached_no_limit(void **state)
{
	_cleanup_(model__freep) struct model *model = three_roles(2, FOLLOW_ALL);
	struct event_oom_kill kill = three_roles_kill();
	_cleanup_(text__free) struct text out = {0};

	(void)state;
	kill.domain_cgroup_id = 0;
	kill.constraint = OOM_CONSTRAINT_NONE;
	kill.order = -1;
	story__tell(model, &kill);
	out = report_of(model);
	assert_has(&out, "  (kernel OOM, asked for by hand through sysrq)\n");
	assert_has(&out, "\nLIMIT    none was reached: the kill was asked for by hand (sysrq)\n");
	assert_has(&out, "\nASKED    nginx, pid 23, through sysrq\n");
}

static void test_what_was_not_followed_is_said(void **state)
{
	_cleanup_(model__freep) struct model *model = three_roles(2, FOLLOW_PROCESSES);
	const struct event_oom_kill kill = three_roles_kill();
	_cleanup_(text__free) struct text out = {0};

	(void)state;
	story__tell(model, &kill);
	out = report_of(model);
	assert_has(&out, "only\n         the followed processes were compared\n");
	assert_has(&out, "\n  followed        pid 7 and its children; ");
}

static void test_nobody_grew(void **state)
{
	_cleanup_(model__freep) struct model *model = three_roles(2, FOLLOW_ALL);
	struct event_oom_kill kill = three_roles_kill();
	_cleanup_(text__free) struct text out = {0};

	(void)state;
	story__rss(model, 11000, 21, APP, MIB_(30));
	story__tell(model, &kill);
	out = report_of(model);
	assert_has(&out, "\nGREW     no process of the cgroup was seen to grow in the 12 s before; "
			 "the cgroup's usage changed by\n         +156 MiB\n");
}

static void test_an_unclosed_recording_says_so(void **state)
{
	_cleanup_(model__freep) struct model *model = three_roles(2, FOLLOW_ALL);
	const struct event_oom_kill kill = three_roles_kill();
	_cleanup_(text__free) struct text out = {0};

	(void)state;
	story__tell(model, &kill);
	assert_int_equal(model__finish(model), 0);
	assert_int_equal(report__text(model, &out), 0);
	assert_has(&out, "INCOMPLETE: the recording was not closed");
}

static void test_the_chart_shows_when_anything_moved(void **state)
{
	_cleanup_(model__freep) struct model *model = story__begin(2, FOLLOW_ALL);
	_cleanup_(text__free) struct text out = {0};
	struct event_oom_kill kill;

	(void)state;
	story__cgroup(model, APP, 0, "", MIB_(20), MIB_(64));
	story__process(model, 21, "leak", APP, MIB_(10));
	for (int i = 0; i < 50; i++)
		story__rss(model, (uint64_t)(86100 + i * 100), 21, APP, MIB_(11 + i));
	kill = story__oom(92000, story__state(21, "leak", APP, MIB_(61)),
			  story__state(21, "leak", APP, MIB_(61)), APP,
			  story__counters(MIB_(64), MIB_(64), 40));
	story__tell(model, &kill);
	out = report_of(model);
	assert_has(&out, "\nMEMORY OVER TIME  (resident; the last 12 s of 90 s: nothing much moved "
			 "before)\n");
	assert_has(&out, "         -12.0 s    -10.0 s    -8.0 s ");
}

static void test_hostile_names_stay_on_their_line(void **state)
{
	static const char comm[EVENT_COMM_BYTES] = "\nKILLED a, pid";
	_cleanup_(model__freep) struct model *model = three_roles(2, FOLLOW_ALL);
	struct event_oom_kill kill = three_roles_kill();
	_cleanup_(text__free) struct text out = {0};
	size_t killed = 0;

	(void)state;
	kill.victim = story__state(21, comm, APP, MIB_(180));
	kill.trigger = story__state(23, "\x1b[2J\x9b\xff\xc2\x9b", APP, MIB_(20));
	story__argv(model, 21, "a\nKILLED b\0\x1b]0;x\x07", 17);
	story__tell(model, &kill);
	out = report_of(model);
	for (const char *line = out.data; *line; line = strchr(line, '\n') + 1)
		killed += strncmp(line, "KILLED ", 7) == 0 && line[7] == ' ';
	assert_int_equal(killed, 1);
	for (size_t i = 0; i < out.length; i++)
		assert_true(out.data[i] == '\n' || (out.data[i] >= ' ' && out.data[i] <= '~'));
}

static void test_a_session_without_a_kill(void **state)
{
	_cleanup_(model__freep) struct model *model = three_roles(2, FOLLOW_ALL);
	_cleanup_(text__free) struct text out = {0};

	(void)state;
	story__exit(model, 20000, 23, "nginx", 11);
	out = report_of(model);
	assert_begins(&out, "oomtrail session 2026-11-20T22:40:00Z  web-1  (30 s, 3 processes, "
			    "3 cgroups, no OOM kill)\n\nPROCESSES THAT GREW MOST\n");
	assert_has(&out, "\n  importer, pid 21                     30 MiB    180 MiB    180 MiB    "
			 "+150 MiB\n      importer --all\n");
	assert_has(&out, "\n  1 of 3 processes; 1 failed:\n");
	assert_has(&out, "    +20.0 s  nginx, pid 23                   killed by SIGSEGV, peak ");
	assert_has(&out, "      250 MiB    250 MiB    +150 MiB     256 MiB  /app\n");
	assert_null(strstr(out.data, "oomtrail incident"));
	assert_null(strstr(out.data, "KILLED (SIGKILL)"));
}

/* A column that is not the difference of two others cannot be read. */
static void test_growth_is_last_less_first(void **state)
{
	_cleanup_(model__freep) struct model *model = three_roles(2, FOLLOW_ALL);
	_cleanup_(text__free) struct text out = {0};

	(void)state;
	story__exec(model, 13000, 22, "restic", WORKER, MIB_(1));
	out = report_of(model);
	assert_has(&out, "\n  restic, pid 22                            0    1.0 MiB    1.0 MiB    "
			 "+1.0 MiB\n");
	assert_has(&out, "\n  first: when first seen, or 0 of a program started since\n");
	assert_null(strstr(out.data, "EXITED"));
}

static void test_a_service_that_has_ended_has_no_row(void **state)
{
	_cleanup_(model__freep) struct model *model = three_roles(2, FOLLOW_ALL);
	_cleanup_(text__free) struct text out = {0};

	(void)state;
	story__exit(model, 20000, 22, "redis-server", 0);
	out = report_of(model);
	assert_has(&out, "process tree importer\n");
	assert_null(strstr(out.data, "process tree redis-server"));
	assert_has(&out, "\n  1 of 3 processes; none failed\n");
}

static void test_an_empty_recording(void **state)
{
	_cleanup_(model__freep) struct model *model = NULL;
	_cleanup_(text__free) struct text out = {0};

	(void)state;
	assert_int_equal(model__new(&model), 0);
	assert_int_equal(model__finish(model), 0);
	assert_int_equal(report__text(model, &out), 0);
	assert_has(&out, "oomtrail session at an unknown time  (host unknown)  (");
	assert_has(&out, "\n  OOM kills       0 seen; the kernel's own count is unknown\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_roles_are_told_apart),
		cmocka_unit_test(test_one_process_in_all_roles_is_said_once),
		cmocka_unit_test(test_growth_beyond_the_cgroups_own_has_another_base),
		cmocka_unit_test(test_version_1_names_its_own_files),
		cmocka_unit_test(test_version_1_memory_plus_swap),
		cmocka_unit_test(test_the_host_is_no_cgroup),
		cmocka_unit_test(test_a_missing_context_is_said),
		cmocka_unit_test(test_a_kill_by_hand_reached_no_limit),
		cmocka_unit_test(test_what_was_not_followed_is_said),
		cmocka_unit_test(test_nobody_grew),
		cmocka_unit_test(test_an_unclosed_recording_says_so),
		cmocka_unit_test(test_the_chart_shows_when_anything_moved),
		cmocka_unit_test(test_hostile_names_stay_on_their_line),
		cmocka_unit_test(test_a_session_without_a_kill),
		cmocka_unit_test(test_growth_is_last_less_first),
		cmocka_unit_test(test_a_service_that_has_ended_has_no_row),
		cmocka_unit_test(test_an_empty_recording),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
