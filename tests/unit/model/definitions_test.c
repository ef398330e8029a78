/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/unit/model/sampled.h"

static void test_what_is_told_again_is_nothing_new(void **state)
{
	struct model *model = new_model();
	size_t bytes;

	(void)state;
	two_stacks(model, 1);
	grow(model, 2, 10, 1, 1);
	bytes = model__bytes(model);
	two_stacks(model, 3);
	assert_int_equal(model__bytes(model), bytes);
	grow(model, 4, 10, 1, 1);
	/* Under other numbers, too. */
	module_named(model, 5, 9, "/bin/app");
	frame_at(model, 5, 8, 9, 0x1010, "one");
	frame_at(model, 5, 7, 9, 0x3010, "main");
	stack_of(model, 5, 6, STACK_END_COMPLETE, 8, 7);
	grow(model, 6, 10, 6, 1);
	assert_int_equal(model__growth_count(model), 1);
	assert_int_equal(model__growth(model, 0)->samples, 3);
	model__free(model);
}

static void test_a_number_that_says_something_else_leaves_the_past_alone(void **state)
{
	struct model *model = new_model();
	const struct stack *past;

	(void)state;
	two_stacks(model, 1);
	grow(model, 2, 10, 1, 1);
	past = model__growth(model, 0)->stack;
	module_named(model, 3, 1, "/bin/other");
	frame_at(model, 3, 1, 1, 0x9010, "new");
	stack_of(model, 3, 1, STACK_END_CUT, 1, 3);
	grow(model, 4, 10, 1, 1);
	assert_int_equal(model__growth_count(model), 2);
	assert_ptr_equal(model__growth(model, 0)->stack, past);
	assert_frame(past->frames[0], "one", 0x1010, "/bin/app");
	past = model__growth(model, 1)->stack;
	assert_int_equal(past->end, STACK_END_CUT);
	assert_frame(past->frames[0], "new", 0x9010, "/bin/other");
	assert_frame(past->frames[1], "main", 0x3010, "/bin/app");
	model__free(model);
}

static void test_what_was_not_told_is_not_known(void **state)
{
	struct model *model = new_model();

	(void)state;
	frame_at(model, 1, 1, 77, 0x1010, "of a module that was not told");
	frame_at(model, 1, 2, 0, 0x7f0000001010, NULL);
	stack_of(model, 1, 1, STACK_END_COMPLETE, 1, 2);
	grow(model, 2, 10, 1, 1);
	grow(model, 2, 10, 99, 1);
	assert_null(model__growth(model, 0)->stack->frames[0]);
	assert_null(model__growth(model, 0)->stack->frames[1]->name);
	assert_int_equal(model__growth(model, 0)->stack->frames[1]->start, 0);
	assert_null(model__growth(model, 0)->stack->frames[1]->module);
	assert_null(model__growth(model, 1)->stack);
	model__free(model);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_told_again_is_nothing_new),
		cmocka_unit_test(test_a_number_that_says_something_else_leaves_the_past_alone),
		cmocka_unit_test(test_what_was_not_told_is_not_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
