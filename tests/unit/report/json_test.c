/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/unit/report/story.h"

#include <jansson.h>

#include "base/cleanup.h"
#include "report/report.h"

DEFINE_FREEP(model)

#define MIB_(n) ((int64_t)(n) << 20)

enum { APP = 11 };

static struct model *story(uint32_t cgroup_version)
{
	struct model *model = story__begin(cgroup_version, FOLLOW_ALL);

	story__cgroup(model, APP, 0, "", MIB_(10), MIB_(64));
	story__process(model, 21, "b\xff", APP, MIB_(10));
	story__argv(model, 21, "x\0y\xfe", 4);
	story__process(model, 22, "idle", APP, MIB_(1));
	story__opened(model, 1);
	for (int i = 1; i <= 4; i++) {
		story__rss(model, (uint64_t)i * 1000, 21, APP, MIB_(10 + 10 * i));
		story__usage(model, (uint64_t)i * 1000, APP,
			     story__counters(MIB_(10 + 10 * i), MIB_(64), i));
	}
	return model;
}

static struct event_oom_kill story_kill(void)
{
	struct process_state victim = story__state(21, "b\xff", APP, MIB_(60));

	return story__oom(5000, victim, victim, APP, story__counters(MIB_(64), MIB_(64), 9));
}

static json_t *json_of(struct model *model)
{
	_cleanup_(text__free) struct text out = {0};
	json_t *json;

	assert_int_equal(report__json(model, &out), 0);
	for (size_t i = 0; i < out.length; i++)
		assert_true((unsigned char)out.data[i] < 0x80);
	json = json_loads(out.data, 0, NULL);
	assert_non_null(json);
	return json;
}

static const json_t *at(const json_t *json, const char *path)
{
	char key[64];

	while (json && *path) {
		const size_t length = strcspn(path, ".");

		assert_true(length < sizeof(key));
		memcpy(key, path, length);
		key[length] = '\0';
		json = json_is_array(json) ? json_array_get(json, (size_t)atoi(key))
					   : json_object_get(json, key);
		path += length + (path[length] == '.');
	}
	return json;
}

static void assert_number(const json_t *json, const char *path, int64_t number)
{
	assert_true(json_is_integer(at(json, path)));
	assert_int_equal(json_integer_value(at(json, path)), number);
}

static void assert_string(const json_t *json, const char *path, const char *string)
{
	assert_true(json_is_string(at(json, path)));
	assert_string_equal(json_string_value(at(json, path)), string);
}

static void test_an_incident(void **state)
{
	_cleanup_(model__freep) struct model *model = story(2);
	const struct event_oom_kill kill = story_kill();
	json_t *json;

	(void)state;
	story__tell(model, &kill);
	story__exit(model, 5040, 21, "b\xff", 9);
	story__end(model, 30000);
	json = json_of(model);
	assert_string(json, "schema", "oomtrail.session/1");
	assert_string(json, "incidents.0.schema", "oomtrail.incident/1");
	assert_string(json, "incidents.0.time", "2026-11-20T22:40:05Z");
	assert_string(json, "incidents.0.cause", "kernel");
	assert_string(json, "incidents.0.constraint", "memcg");
	assert_number(json, "incidents.0.window.from_ms", -5000);
	assert_string(json, "incidents.0.domain.counter", "memory");
	assert_number(json, "incidents.0.domain.limit_bytes", MIB_(64));
	assert_string(json, "incidents.0.domain.swap_limit_bytes", "max");
	assert_number(json, "incidents.0.domain.failures_in_window", 9);
	assert_true(json_is_null(at(json, "incidents.0.domain.statistics")));
	assert_string(json, "incidents.0.victim.comm", "b\xef\xbf\xbd");
	assert_string(json, "incidents.0.victim.comm_hex", "62ff");
	assert_string(json, "incidents.0.victim.argv_hex.1", "79fe");
	assert_number(json, "incidents.0.victim.memory.anon_bytes", MIB_(60));
	assert_number(json, "incidents.0.victim.memory.shmem_bytes", 0);
	assert_string(json, "incidents.0.trigger.gfp", "0xcc0");
	assert_number(json, "incidents.0.culprit.grew_bytes", MIB_(50));
	assert_number(json, "incidents.0.killed.0.exit.signal", 9);
	assert_number(json, "incidents.0.killed.0.exit.t_ms", 40);
	assert_number(json, "incidents.0.trajectory.victim.0.t_ms", -5000);
	assert_string(json, "kills.0.class", "oom");
	assert_string(json, "kills.0.incident", json_string_value(at(json, "incidents.0.id")));
	assert_true(json_is_true(at(json, "recorder.closed")));
	assert_string(json, "recorder.since", "2026-11-20T22:40:00Z");
	assert_int_equal(json_string_length(at(json, "incidents.0.fingerprint")), 16);
	assert_null(at(json, "incidents.0.storm")); /* one kill is none */
	assert_number(json, "incidents.0.killed_omitted", 0);
	assert_null(at(json, "recorder.ns_per_event")); /* nobody measured */
	assert_null(at(json, "recorder.mean_ns_per_event"));
	json_decref(json);
}

static void test_a_storm(void **state)
{
	_cleanup_(model__freep) struct model *model = story(2);
	struct event_oom_kill kill = story_kill();
	json_t *json;

	(void)state;
	story__tell(model, &kill);
	kill.header.time_ns = MS(65500);
	kill.victim.task = story__task(31);
	story__tell(model, &kill);
	story__exit(model, 65600, 31, "b\xff", 9);
	story__end(model, 70000);
	json = json_of(model);
	assert_int_equal(json_array_size(at(json, "incidents")), 1);
	assert_number(json, "incidents.0.storm.count", 2);
	assert_number(json, "incidents.0.storm.first_ms", 0);
	assert_number(json, "incidents.0.storm.last_ms", 60500);
	assert_int_equal(json_array_size(at(json, "incidents.0.killed")), 2);
	assert_number(json, "incidents.0.killed.1.t_ms", 60500);
	assert_number(json, "incidents.0.killed.1.exit.t_ms", 60600);
	assert_string(json, "kills.1.incident", json_string_value(at(json, "incidents.0.id")));
	json_decref(json);
}

static void test_what_the_programs_cost(void **state)
{
	_cleanup_(model__freep) struct model *model = story(2);
	struct event_program program = {
		.header = STORY_HEADER(PROGRAM, event_program, 6000),
		.name = "on_rss_stat",
		.runs = 1000,
		.run_ns = 71250,
	};
	json_t *json;

	(void)state;
	story__tell(model, &program);
	memset(program.name, 0, sizeof(program.name));
	memcpy(program.name, "x\xff", 2);
	program.runs = 0;
	story__tell(model, &program);
	story__end(model, 30000);
	json = json_of(model);
	assert_true(json_real_value(at(json, "recorder.ns_per_event.on_rss_stat")) == 71.3);
	assert_true(json_real_value(at(json, "recorder.mean_ns_per_event")) == 71.3);
	assert_int_equal(json_object_size(at(json, "recorder.ns_per_event")), 1);
	assert_number(json, "recorder.measured_events.on_rss_stat", 1000);
	assert_number(json, "recorder.measured_events.x\\xff", 0);
	json_decref(json);
}

static void test_unknown_is_not_zero(void **state)
{
	_cleanup_(model__freep) struct model *model = story(2);
	struct event_oom_kill kill = story_kill();
	json_t *json;

	(void)state;
	kill.way = OOM_WAY_NONE;
	kill.constraint = OOM_CONSTRAINT_UNKNOWN;
	kill.domain_cgroup_id = 0;
	kill.order = -1;
	kill.victim.memory.hugetlb_bytes = EVENT_UNKNOWN;
	story__tell(model, &kill);
	assert_int_equal(model__finish(model), 0);
	json = json_of(model);
	assert_null(at(json, "incidents.0.constraint"));
	assert_null(at(json, "incidents.0.domain"));
	assert_null(at(json, "incidents.0.trigger.gfp"));
	assert_null(at(json, "incidents.0.trigger.order"));
	assert_null(at(json, "incidents.0.victim.memory.hugetlb_bytes"));
	assert_true(json_is_null(at(json, "incidents.0.killed.0.exit")));
	assert_null(at(json, "oom_kills.counted_by_kernel"));
	assert_true(json_is_false(at(json, "recorder.closed")));
	assert_true(json_is_null(at(json, "recorder.cpu_ms")));
	json_decref(json);
}

static void test_memory_plus_swap(void **state)
{
	_cleanup_(model__freep) struct model *model = story(1);
	struct event_oom_kill kill = story_kill();
	json_t *json;

	(void)state;
	kill.domain.usage_bytes = MIB_(50);
	kill.domain.swap_usage_bytes = MIB_(80);
	kill.domain.swap_max_bytes = MIB_(80);
	story__tell(model, &kill);
	story__end(model, 30000);
	json = json_of(model);
	assert_string(json, "incidents.0.domain.counter", "memsw");
	assert_number(json, "incidents.0.domain.memsw_limit_bytes", MIB_(80));
	json_decref(json);
}

static void test_a_session(void **state)
{
	_cleanup_(model__freep) struct model *model = story(2);
	json_t *json;

	(void)state;
	story__exit(model, 6000, 22, "idle", 3 << 8);
	story__end(model, 30000);
	json = json_of(model);
	assert_int_equal(json_array_size(at(json, "incidents")), 0);
	assert_int_equal(json_array_size(at(json, "kills")), 0);
	assert_string(json, "span.from", "2026-11-20T22:40:00Z");
	assert_number(json, "span.duration_ms", 30000);
	assert_string(json, "followed.scope", "host");
	assert_number(json, "processes.0.pid", 21);
	assert_number(json, "processes.0.grew_bytes", MIB_(40));
	assert_null(at(json, "processes.0.exit"));
	assert_number(json, "processes.1.exit.status", 3);
	assert_number(json, "cgroups.0.grew_bytes", MIB_(40));
	assert_number(json, "losses.events", 0);
	json_decref(json);
}

static void test_one_incident_alone_is_the_same(void **state)
{
	_cleanup_(model__freep) struct model *model = story(2);
	const struct event_oom_kill kill = story_kill();
	_cleanup_(text__free) struct text out = {0};
	json_t *session, *alone;

	(void)state;
	story__tell(model, &kill);
	story__end(model, 30000);
	session = json_of(model);
	assert_int_equal(report__incident_json(model, 0, &out), 0);
	alone = json_loads(out.data, 0, NULL);
	assert_true(json_equal(alone, at(session, "incidents.0")));
	json_decref(alone);
	json_decref(session);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_incident),
		cmocka_unit_test(test_a_storm),
		cmocka_unit_test(test_what_the_programs_cost),
		cmocka_unit_test(test_unknown_is_not_zero),
		cmocka_unit_test(test_memory_plus_swap),
		cmocka_unit_test(test_a_session),
		cmocka_unit_test(test_one_incident_alone_is_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
