/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/unit/model/stream.h"

static const struct process *by_pid(struct model *model, uint32_t pid)
{
	const struct process *process = model__process_by_pid(model, pid);

	assert_non_null(process);
	return process;
}

static void test_identity_is_pid_and_start(void **state)
{
	struct model *model = new_model();
	struct process_state first = state_of(10, 1, "old", 0, 4096), second = first;
	struct task_ref third = task(10);

	(void)state;
	process(model, 1, first);
	second.task.start_ns += 5;
	fork_of(model, 2, second);
	assert_int_equal(model__process_count(model), 2);
	assert_true(by_pid(model, 10)->task.start_ns == second.task.start_ns);
	assert_true(by_pid(model, 10)->born_here);
	assert_true(model__process(model, 0)->exit_lost);
	assert_true(model__process(model, 0)->exit_ns == 2 * NS_PER_MS);

	/* A late word on one older still does not make that the newest. */
	third.start_ns = 1;
	first.task = third;
	process(model, 3, first);
	assert_true(by_pid(model, 10)->task.start_ns == second.task.start_ns);
	assert_int_equal(by_pid(model, 10)->exit_ns, 0);
	assert_true(model__process(model, 2)->exit_lost);
	assert_null(model__process_by_pid(model, 11));
	assert_null(model__process_by_pid(model, 0));
	model__free(model);
}

static void test_life(void **state)
{
	struct model *model = new_model();
	const struct process *shell, *child;

	(void)state;
	process(model, 0, state_of(10, 1, "sh", 7, 100));
	argv_of(model, 0, 10, "sh\0-c\0x", 8);
	fork_of(model, 5, state_of(11, 10, "sh", 7, 100));
	shell = by_pid(model, 10);
	child = by_pid(model, 11);
	assert_false(shell->born_here);
	assert_true(child->born_here);
	assert_memory_equal(child->argv, "sh\0-c\0x", 8);
	assert_null(child->series);

	exec_of(model, 6, state_of(11, 10, "python3", 7, 50), "python3\0w.py", 13);
	assert_string_equal(child->comm, "python3");
	assert_int_equal(child->argv_bytes, 13);
	assert_memory_equal(child->argv, "python3\0w.py", 13);
	assert_memory_equal(shell->argv, "sh\0-c\0x", 8);
	assert_int_equal(child->now.anon_bytes, 50);
	assert_int_equal(series__count(child->series), 2);

	rss(model, 7, 11, 5000);
	assert_int_equal(child->now.anon_bytes, 5000);
	assert_int_equal(child->peak_rss_bytes, EVENT_UNKNOWN);
	exit_of(model, 9, 11, 3 << 8);
	assert_true(child->exit_ns == 9 * NS_PER_MS);
	assert_false(child->exit_lost);
	assert_int_equal(child->exit_code, 3 << 8);
	assert_int_equal(child->peak_rss_bytes, 123 * MIB);
	assert_int_equal(child->now.anon_bytes, 5000);

	/* What its mm does afterwards is not the dead process's any more. */
	rss_flagged(model, 10, 11, 11, 0, RSS_GONE);
	assert_int_equal(child->now.anon_bytes, 5000);
	assert_int_equal(series__count(child->series), 3);
	model__free(model);
}

static void test_series_begins_with_the_state_before(void **state)
{
	struct model *model = new_model();
	const struct process *process10;

	(void)state;
	process(model, 10, state_of(10, 1, "a", 0, 4096));
	rss(model, 20, 10, 4096);
	process10 = by_pid(model, 10);
	assert_null(process10->series);
	rss(model, 30, 10, 8192);
	assert_int_equal(series__count(process10->series), 2);
	assert_true(series__time(process10->series, 0) == 10 * NS_PER_MS);
	assert_int_equal(series__values(process10->series, 0)[MEMORY_ANON], 4096);
	assert_int_equal(series__values(process10->series, 1)[MEMORY_ANON], 8192);
	assert_int_equal(process10->first.anon_bytes, 4096);
	model__free(model);
}

static void test_shared_mm(void **state)
{
	struct model *model = new_model();
	struct process_state child = state_of(11, 10, "a", 0, 4096);

	(void)state;
	process(model, 0, state_of(10, 1, "a", 0, 4096));
	argv_of(model, 0, 10, "a", 2);
	child.mm_id = 10;
	child.flags = PROCESS_SHARES_MM;
	fork_of(model, 1, child);
	assert_null(by_pid(model, 11)->argv);
	rss(model, 2, 10, 9000);
	assert_int_equal(by_pid(model, 11)->now.anon_bytes, 9000);

	/* An mm whose owner is not known reaches the processes on it too. */
	rss_flagged(model, 3, 0, 10, 9500, 0);
	assert_int_equal(by_pid(model, 10)->now.anon_bytes, 9500);
	assert_int_equal(by_pid(model, 11)->now.anon_bytes, 9500);

	/* exec leaves it. */
	exec_of(model, 4, state_of(11, 10, "b", 0, 100), "b", 2);
	rss(model, 5, 10, 7000);
	assert_int_equal(by_pid(model, 11)->now.anon_bytes, 100);
	exit_of(model, 6, 10, 0);
	rss(model, 7, 11, 200);
	assert_int_equal(by_pid(model, 11)->now.anon_bytes, 200);
	assert_int_equal(by_pid(model, 10)->now.anon_bytes, 7000);
	model__free(model);
}

/* The pages of a new program come before its exec event; the old mm's end may come in between. */
static void test_owner_moves_to_its_new_mm(void **state)
{
	struct model *model = new_model();

	(void)state;
	process(model, 0, state_of(10, 1, "a", 0, 4096));
	rss_flagged(model, 1, 10, 99, 1000, 0);
	assert_int_equal(by_pid(model, 10)->mm_id, 99);
	assert_int_equal(by_pid(model, 10)->now.anon_bytes, 1000);
	rss_flagged(model, 2, 10, 10, 0, RSS_GONE);
	assert_int_equal(by_pid(model, 10)->mm_id, 99);
	assert_int_equal(by_pid(model, 10)->now.anon_bytes, 1000);
	rss_flagged(model, 3, 10, 99, 0, RSS_GONE);
	assert_int_equal(by_pid(model, 10)->now.anon_bytes, 0);
	model__free(model);
}

static void test_minimal_entries(void **state)
{
	struct model *model = new_model();

	(void)state;
	rss(model, 1, 10, 4096);
	assert_int_equal(by_pid(model, 10)->first.anon_bytes, 4096);
	assert_null(by_pid(model, 10)->series);
	exit_of(model, 2, 11, 9);
	assert_true(by_pid(model, 11)->exit_ns != 0);
	sigkill(model, 3, 10, 12, 0);
	assert_string_equal(by_pid(model, 12)->comm, "target");
	attach(model, 4, 13, 5);
	assert_int_equal(by_pid(model, 13)->cgroup_id, 5);
	assert_int_equal(memory__resident(&by_pid(model, 13)->now), EVENT_UNKNOWN);
	/* Known later: told, but not born here. */
	process(model, 5, state_of(10, 1, "later", 0, 8192));
	assert_string_equal(by_pid(model, 10)->comm, "later");
	assert_int_equal(by_pid(model, 10)->now.anon_bytes, 8192);
	model__free(model);
}

static void test_memory_of_unknown_parts(void **state)
{
	struct memory memory = {.anon_bytes = -1, .file_bytes = 5, .shmem_bytes = -1};

	(void)state;
	assert_int_equal(memory__resident(&memory), 5);
	memory = memory_unknown();
	assert_int_equal(memory__resident(&memory), EVENT_UNKNOWN);
}

static void test_absurd_values_are_cut(void **state)
{
	struct model *model = new_model();

	(void)state;
	rss(model, 1, 10, INT64_MAX);
	assert_true(by_pid(model, 10)->now.anon_bytes < INT64_MAX / 1000);
	rss(model, 2, 10, INT64_MIN);
	assert_int_equal(by_pid(model, 10)->now.anon_bytes, EVENT_UNKNOWN);
	model__free(model);
}

/* Enough to make the table widen several times. */
static void test_many(void **state)
{
	struct model *model = new_model();

	(void)state;
	for (uint32_t pid = 1; pid <= 5000; pid++)
		process(model, pid, state_of(pid, 1, "x", 0, pid));
	assert_int_equal(model__process_count(model), 5000);
	for (uint32_t pid = 1; pid <= 5000; pid++) {
		assert_int_equal(model__process(model, pid - 1)->task.pid, pid);
		rss(model, 5000 + pid, pid, 10 * (int64_t)pid);
	}
	for (uint32_t pid = 1; pid <= 5000; pid++)
		assert_int_equal(by_pid(model, pid)->now.anon_bytes, 10 * pid);
	model__free(model);
}

/* One pid, or one mm, for everybody. */
static void test_hostile_chains(void **state)
{
	struct model *model = new_model();

	(void)state;
	for (uint32_t i = 1; i <= 3000; i++) {
		struct process_state same_pid = state_of(7, 1, "x", 0, i);
		struct process_state same_mm = state_of(100 + i, 1, "x", 0, i);

		same_pid.task.start_ns = i;
		same_mm.mm_id = 5;
		process(model, i, same_pid);
		process(model, i, same_mm);
	}
	rss_flagged(model, 4000, 0, 5, 12345, 0);
	for (uint32_t i = 1; i <= 3000; i++)
		exit_of(model, 5000, 100 + i, 0);
	assert_true(by_pid(model, 7)->task.start_ns == 3000);
	assert_true(model__loss_count(model) >= 1);
	model__free(model);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_identity_is_pid_and_start),
		cmocka_unit_test(test_life),
		cmocka_unit_test(test_series_begins_with_the_state_before),
		cmocka_unit_test(test_shared_mm),
		cmocka_unit_test(test_owner_moves_to_its_new_mm),
		cmocka_unit_test(test_minimal_entries),
		cmocka_unit_test(test_memory_of_unknown_parts),
		cmocka_unit_test(test_absurd_values_are_cut),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_hostile_chains),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
