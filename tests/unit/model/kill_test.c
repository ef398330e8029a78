/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/unit/model/stream.h"

#define FULL counters(1000 * (int64_t)MIB, 1000 * (int64_t)MIB, 5)

static struct model *prepared(void)
{
	struct model *model = new_model();
	struct process_state sharer = state_of(12, 1, "sharer", 2, (int64_t)(50 * MIB));

	cgroup(model, 0, 1, 0, "", counters(0, EVENT_NO_LIMIT, 0));
	cgroup(model, 0, 2, 1, "app", counters((int64_t)MIB, 1000 * (int64_t)MIB, 0));
	process(model, 0, state_of(10, 1, "victim", 2, (int64_t)(50 * MIB)));
	process(model, 0, state_of(11, 1, "trigger", 2, (int64_t)MIB));
	sharer.mm_id = 10;
	process(model, 0, sharer);
	return model;
}

static void kill_victim(struct model *model, uint64_t ms)
{
	oom_kill(model, ms, state_of(10, 1, "victim", 2, (int64_t)(900 * MIB)),
		 state_of(11, 1, "trigger", 2, (int64_t)MIB), 2, FULL);
}

static const struct kill *kill_at(const struct model *model, size_t index)
{
	assert_true(index < model__kill_count(model));
	return model__kill(model, index);
}

static void test_signal_and_mark_are_one_kill(void **state)
{
	struct model *model = prepared();

	(void)state;
	sigkill(model, 1000, 11, 10, 1);
	assert_int_equal(model__kill_count(model), 0);
	kill_victim(model, 1001);
	tick(model, 9000);
	model__finish(model);
	assert_int_equal(model__kill_count(model), 1);
	assert_int_equal(kill_at(model, 0)->class, KILL_OOM);
	assert_int_equal(kill_at(model, 0)->incident, 0);
	assert_int_equal(kill_at(model, 0)->sender.pid, 11);
	assert_true(model__process_by_pid(model, 10)->killed);
	model__free(model);
}

static void test_mark_before_signal(void **state)
{
	struct model *model = prepared();

	(void)state;
	kill_victim(model, 1000);
	sigkill(model, 1500, 11, 10, 1);
	model__finish(model);
	assert_int_equal(model__kill_count(model), 1);
	model__free(model);
}

static void test_sharer(void **state)
{
	struct model *model = prepared();

	(void)state;
	sigkill(model, 1000, 11, 10, 1);
	kill_victim(model, 1000);
	sigkill(model, 1001, 11, 12, 1);
	sigkill(model, 1002, 11, 13, 1); /* not on that memory */
	model__finish(model);
	assert_int_equal(model__kill_count(model), 3);
	assert_int_equal(kill_at(model, 1)->class, KILL_OOM_SHARED_MM);
	assert_int_equal(kill_at(model, 1)->target.pid, 12);
	assert_int_equal(kill_at(model, 1)->incident, 0);
	assert_int_equal(kill_at(model, 2)->class, KILL_KERNEL);
	assert_int_equal(kill_at(model, 2)->incident, -1);
	assert_int_equal(model__incident(model, 0)->kill_count, 2);
	model__free(model);
}

/* The signals arrive first when the mark was late in the stream. */
static void test_sharer_out_of_order(void **state)
{
	struct model *model = prepared();

	(void)state;
	sigkill(model, 1000, 11, 10, 1);
	sigkill(model, 1001, 11, 12, 1);
	kill_victim(model, 1000);
	model__finish(model);
	assert_int_equal(model__kill_count(model), 2);
	assert_int_equal(kill_at(model, 1)->class, KILL_OOM_SHARED_MM);
	assert_int_equal(model__incident(model, 0)->kill_count, 2);
	model__free(model);
}

static void test_user_signal_stays_one(void **state)
{
	struct model *model = prepared();

	(void)state;
	sigkill(model, 900, 11, 10, 0);
	assert_int_equal(model__kill_count(model), 1);
	kill_victim(model, 1000);
	model__finish(model);
	assert_int_equal(model__kill_count(model), 2);
	assert_int_equal(kill_at(model, 0)->class, KILL_SIGNAL);
	assert_int_equal(kill_at(model, 0)->incident, -1);
	assert_int_equal(kill_at(model, 1)->class, KILL_OOM);
	model__free(model);
}

static void test_kernel_signal_alone(void **state)
{
	struct model *model = prepared();

	(void)state;
	sigkill(model, 1000, 11, 12, 1);
	tick(model, 1900);
	assert_int_equal(model__kill_count(model), 0);
	sigkill(model, 1950, 11, 10, 0);
	assert_int_equal(model__kill_count(model), 1);
	tick(model, 2001);
	assert_int_equal(model__kill_count(model), 2);
	assert_int_equal(kill_at(model, 0)->class, KILL_KERNEL);
	assert_int_equal(kill_at(model, 1)->class, KILL_SIGNAL);
	model__free(model);
}

static void test_mark_too_far_from_the_signal(void **state)
{
	struct model *model = prepared();

	(void)state;
	sigkill(model, 1000, 11, 10, 1);
	kill_victim(model, 2100);
	model__finish(model);
	assert_int_equal(model__kill_count(model), 2);
	assert_int_equal(kill_at(model, 0)->class, KILL_KERNEL);
	assert_int_equal(kill_at(model, 1)->class, KILL_OOM);
	model__free(model);
}

static void test_second_mark_of_a_dying_process(void **state)
{
	struct model *model = prepared();

	(void)state;
	kill_victim(model, 1000);
	kill_victim(model, 1010);
	model__finish(model);
	assert_int_equal(model__kill_count(model), 1);
	assert_int_equal(model__incident(model, 0)->kill_count, 1);
	model__free(model);
}

static void test_undelivered_signals_are_no_kills(void **state)
{
	struct model *model = prepared();
	struct event_signal event = {.header = header(EVENT_SIGNAL, sizeof(event), 5),
				     .sender = task(11),
				     .target = task(10),
				     .signal = SIGKILL_NUMBER,
				     .result = 2};

	(void)state;
	apply(model, &event);
	event.result = 0;
	event.signal = 15;
	apply(model, &event);
	model__finish(model);
	assert_int_equal(model__kill_count(model), 0);
	assert_false(model__process_by_pid(model, 10)->killed);
	model__free(model);
}

static void test_storm_of_held_signals_is_bounded(void **state)
{
	struct model *model = new_model();

	(void)state;
	for (uint32_t i = 1; i <= 10000; i++)
		sigkill(model, 1000, 1, i, 1);
	model__finish(model);
	assert_int_equal(model__kill_count(model), 10000);
	for (size_t i = 0; i < 10000; i++)
		assert_int_equal(kill_at(model, i)->target.pid, i + 1);
	model__free(model);
}

static uint64_t left_out(const struct model *model, uint32_t kind)
{
	for (size_t i = 0; i < model__loss_count(model); i++) {
		const struct loss *loss = model__loss(model, i);

		if (loss->reason == LOSS_MODEL_FULL && loss->kind == kind)
			return loss->count;
	}
	return 0;
}

/* Whoever sends SIGKILL again and again costs no OOM kill its incident. */
static void test_signals_leave_room_for_oom_kills(void **state)
{
	struct model *model = prepared();

	(void)state;
	for (uint32_t i = 0; i < 120000; i++)
		sigkill(model, 1000, 11, 12, 0);
	kill_victim(model, 2000);
	assert_int_equal(left_out(model, EVENT_SIGNAL), 45000);
	assert_int_equal(left_out(model, EVENT_OOM_KILL), 0);
	assert_int_equal(model__last_oom_incident(model), 0);
	assert_int_equal(model__incident(model, 0)->kill_count, 1);
	assert_int_equal(kill_at(model, model__kill_count(model) - 1)->class, KILL_OOM);
	assert_true(model__process_by_pid(model, 10)->oom_killed);
	model__free(model);
}

/* More OOM kills than any list has room for: each is of an incident, each is counted once. */
static void test_oom_kills_beyond_all_room_have_their_incident(void **state)
{
	const uint32_t first = 100, count = 100010;
	struct model *model = prepared();

	(void)state;
	for (uint32_t i = 0; i < count; i++) {
		struct process_state victim = state_of(first + i, 1, "many", 2, (int64_t)MIB);

		oom_kill(model, 1000, victim, victim, 2, FULL);
		oom_kill(model, 1000, victim, victim, 2, FULL); /* a second mark is no kill */
	}
	assert_int_equal(model__incident_count(model), 1);
	assert_int_equal(model__kill_count(model), 100000);
	assert_int_equal(model__incident(model, 0)->kill_count +
				 model__incident(model, 0)->kill_omitted,
			 count);
	assert_int_equal(left_out(model, EVENT_OOM_KILL), count - 10000);
	assert_int_equal(left_out(model, EVENT_SIGNAL), 0);
	model__free(model);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_signal_and_mark_are_one_kill),
		cmocka_unit_test(test_mark_before_signal),
		cmocka_unit_test(test_sharer),
		cmocka_unit_test(test_sharer_out_of_order),
		cmocka_unit_test(test_user_signal_stays_one),
		cmocka_unit_test(test_kernel_signal_alone),
		cmocka_unit_test(test_mark_too_far_from_the_signal),
		cmocka_unit_test(test_second_mark_of_a_dying_process),
		cmocka_unit_test(test_undelivered_signals_are_no_kills),
		cmocka_unit_test(test_storm_of_held_signals_is_bounded),
		cmocka_unit_test(test_signals_leave_room_for_oom_kills),
		cmocka_unit_test(test_oom_kills_beyond_all_room_have_their_incident),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
