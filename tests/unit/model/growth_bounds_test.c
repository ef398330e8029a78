/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/unit/model/sampled.h"

/* What a recording may make the model keep of stacks. */

#define STACKS 65536U

/* Room is not looked for at every event. */
static void let_pass(struct model *model, uint64_t ms)
{
	for (int i = 0; i < 1024; i++)
		tick(model, ms);
}

static void test_no_more_stacks_than_there_is_room_for(void **state)
{
	struct model *model = new_model();
	size_t bytes;

	(void)state;
	two_stacks(model, 1);
	for (uint32_t i = 0; i < STACKS + 10; i++)
		stack_of(model, 1, 3 + i, STACK_END_COMPLETE, i % 2 + 1, 1000 + i);
	/* They are all the same two: it is numbers that are short. */
	assert_int_equal(lost(model, LOSS_MODEL_FULL, EVENT_STACK), 12);
	model__free(model);

	model = new_model();
	for (uint32_t i = 0; i < STACKS + 10; i++)
		frame_at(model, 1, 1 + i, 0, 0x1000 + i, NULL);
	assert_int_equal(lost(model, LOSS_MODEL_FULL, EVENT_FRAME), 10);
	bytes = model__bytes(model);
	assert_true(bytes < 40 * MIB);
	/* Nothing refers to them: they go when their time is over. */
	let_pass(model, 100 * SECOND);
	frame_at(model, 100 * SECOND, 1, 0, 0x1, "new");
	assert_int_equal(lost(model, LOSS_MODEL_FULL, EVENT_FRAME), 10);
	assert_true(model__bytes(model) < bytes / 100);
	model__free(model);
}

static void test_numbers_in_use_stay_when_room_is_made(void **state)
{
	struct model *model = new_model();

	(void)state;
	two_stacks(model, 1);
	for (uint32_t i = 0; i < STACKS; i++)
		frame_at(model, 1, 10 + i, 0, 0x1000 + i, NULL);
	assert_int_equal(lost(model, LOSS_MODEL_FULL, EVENT_FRAME), 3);
	/* The sample uses stack 1, and so its frames and their module. */
	grow(model, 90 * SECOND, 10, 1, 1);
	let_pass(model, 100 * SECOND);
	frame_at(model, 100 * SECOND, 5, 1, 0x5010, "five");
	stack_of(model, 100 * SECOND, 5, STACK_END_COMPLETE, 5, 1);
	grow(model, 101 * SECOND, 10, 5, 1);
	assert_frame(model__growth(model, 1)->stack->frames[0], "five", 0x5010, "/bin/app");
	assert_frame(model__growth(model, 1)->stack->frames[1], "one", 0x1010, "/bin/app");
	stack_of(model, 102 * SECOND, 6, STACK_END_COMPLETE, 2, 0);
	grow(model, 102 * SECOND, 10, 6, 1);
	assert_null(model__growth(model, 2)->stack->frames[0]);
	model__free(model);
}

static void test_no_more_pairs_than_there_is_room_for(void **state)
{
	struct model *model = new_model();

	(void)state;
	for (uint32_t pid = 1; pid <= STACKS + 5; pid++)
		grow(model, 1, pid, 0, 1);
	assert_int_equal(model__growth_count(model), STACKS);
	assert_int_equal(lost(model, LOSS_MODEL_FULL, EVENT_GROWTH), 5);
	grow(model, 1, 7, 0, 1);
	assert_int_equal(model__growth(model, 6)->samples, 2);
	model__free(model);
}

static void test_long_names_are_bounded_together(void **state)
{
	struct model *model = new_model();
	char name[EVENT_PATH_BYTES];

	(void)state;
	memset(name, 'x', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	for (uint32_t i = 0; i < 20000; i++)
		frame_at(model, 1, 1 + i, 0, 0x1000 + i, name);
	assert_in_range(model__bytes(model), 30 * MIB, 35 * MIB);
	assert_true(lost(model, LOSS_MODEL_FULL, EVENT_FRAME) > 10000);
	model__free(model);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_more_stacks_than_there_is_room_for),
		cmocka_unit_test(test_numbers_in_use_stay_when_room_is_made),
		cmocka_unit_test(test_no_more_pairs_than_there_is_room_for),
		cmocka_unit_test(test_long_names_are_bounded_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
