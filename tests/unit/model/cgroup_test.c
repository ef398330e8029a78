/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/unit/model/stream.h"

static void assert_path(struct model *model, uint64_t id, const char *expected)
{
	char *path = model__cgroup_path(model, id);

	assert_non_null(path);
	assert_string_equal(path, expected);
	free(path);
}

static void test_paths(void **state)
{
	struct model *model = new_model();
	struct memcg_counters none = counters(0, EVENT_NO_LIMIT, 0);

	(void)state;
	cgroup(model, 0, 1, 0, "", none);
	cgroup(model, 0, 2, 1, "a", none);
	cgroup(model, 0, 3, 2, "b", none);
	cgroup(model, 0, 5, 4, "orphan", none);
	memcg(model, 0, 6, none);
	assert_path(model, 1, "/");
	assert_path(model, 2, "/a");
	assert_path(model, 3, "/a/b");
	assert_path(model, 99, "(unknown)");
	assert_path(model, 6, "(unknown)");
	assert_path(model, 5, "(unknown)/orphan");
	assert_path(model, 0, "(unknown)");
	cgroup(model, 1, 4, 1, "found", none);
	assert_path(model, 5, "/found/orphan");
	cgroup(model, 1, 6, 3, "named", none);
	assert_path(model, 6, "/a/b/named");
	assert_int_equal(model__cgroup_count(model), 6);
	assert_true(model__cgroup_within(model, 3, 2));
	assert_true(model__cgroup_within(model, 3, 3));
	assert_true(model__cgroup_within(model, 3, 0));
	assert_true(model__cgroup_within(model, 99, 0));
	assert_false(model__cgroup_within(model, 2, 3));
	assert_false(model__cgroup_within(model, 99, 1));
	model__free(model);
}

static void test_cycles_and_depth_end(void **state)
{
	struct model *model = new_model();
	struct memcg_counters none = counters(0, EVENT_NO_LIMIT, 0);
	char *path;

	(void)state;
	cgroup(model, 0, 2, 3, "a", none);
	cgroup(model, 0, 3, 2, "b", none);
	cgroup(model, 0, 4, 4, "self", none);
	path = model__cgroup_path(model, 2);
	assert_memory_equal(path, "(unknown)/", 10);
	free(path);
	assert_false(model__cgroup_within(model, 2, 77));
	assert_false(model__cgroup_within(model, 4, 77));
	cgroup(model, 0, 1000, 0, "", none);
	for (uint64_t i = 1001; i < 1200; i++)
		cgroup(model, 0, i, i - 1, "d", none);
	path = model__cgroup_path(model, 1199);
	assert_memory_equal(path, "(unknown)/d/d", 13);
	free(path);
	assert_path(model, 1003, "/d/d/d");
	model__free(model);
}

static void test_name_without_end(void **state)
{
	struct model *model = new_model();
	char name[EVENT_NAME_BYTES + 1] = {0};

	(void)state;
	memset(name, 'x', EVENT_NAME_BYTES);
	cgroup(model, 0, 1, 0, "", counters(0, 0, 0));
	cgroup(model, 0, 2, 1, name, counters(0, 0, 0));
	assert_string_equal(model__cgroup_by_id(model, 2)->name, name);
	model__free(model);
}

static void test_counters(void **state)
{
	struct model *model = new_model();
	struct event_memcg_stat stat = {.header = header(EVENT_MEMCG_STAT, sizeof(stat), 40),
					.cgroup_id = 2};
	const struct cgroup *group;

	(void)state;
	cgroup(model, 10, 2, 1, "a", counters(100, 1000, 0));
	group = model__cgroup_by_id(model, 2);
	assert_null(group->series);
	memcg(model, 20, 2, counters(500, 1000, 3));
	memcg(model, 30, 2, counters(200, 1000, 3));
	assert_int_equal(group->first.usage_bytes, 100);
	assert_int_equal(group->now.usage_bytes, 200);
	assert_int_equal(group->peak_usage_bytes, 500);
	assert_int_equal(series__count(group->series), 3);
	assert_int_equal(series__values(group->series, 0)[USAGE_MEMORY], 100);
	assert_true(series__time(group->series, 0) == 10 * NS_PER_MS);
	assert_int_equal(group->stat.anon_bytes, EVENT_UNKNOWN);
	assert_int_equal(group->stat_ns, 0);
	stat.stat.anon_bytes = 77;
	stat.stat.slab_bytes = -1;
	apply(model, &stat);
	assert_int_equal(group->stat.anon_bytes, 77);
	assert_int_equal(group->stat.slab_bytes, EVENT_UNKNOWN);
	assert_true(group->stat_ns == 40 * NS_PER_MS);
	model__free(model);
}

static void test_gone(void **state)
{
	struct model *model = new_model();
	struct event_cgroup_gone gone = {header(EVENT_CGROUP_GONE, sizeof(gone), 5), 2};

	(void)state;
	cgroup(model, 1, 1, 0, "", counters(0, 0, 0));
	cgroup(model, 1, 2, 1, "a", counters(0, 0, 0));
	apply(model, &gone);
	assert_true(model__cgroup_by_id(model, 2)->gone_ns == 5 * NS_PER_MS);
	assert_path(model, 2, "/a");
	model__free(model);
}

static void test_an_id_of_zero_is_nobody(void **state)
{
	struct model *model = new_model();

	(void)state;
	memcg(model, 1, 0, counters(1, 2, 3));
	cgroup(model, 1, 0, 0, "x", counters(1, 2, 3));
	assert_int_equal(model__cgroup_count(model), 0);
	model__free(model);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_cycles_and_depth_end),
		cmocka_unit_test(test_name_without_end),
		cmocka_unit_test(test_counters),
		cmocka_unit_test(test_gone),
		cmocka_unit_test(test_an_id_of_zero_is_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
